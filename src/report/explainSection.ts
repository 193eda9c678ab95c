import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Html, html } from './html.ts';
import { perRun } from './perRun.ts';
import { missing, type Section } from './section.ts';
import { type Budget, storedFigures } from './storedFigures.ts';
import type { Subject } from './subject.ts';
import { command } from './words.ts';

const kinds = [
  {
    name: 'filters',
    title: 'Filters',
    words: 'What the convolution layers look for (as Fig. 8 of Meng et al. 2019).',
    networks: true,
  },
  {
    name: 'occlusion',
    title: 'Occlusion maps',
    words:
      'A mask slides over the image; each place shows what is left of the probability of the true class (as Fig. 9 of Meng et al. 2019).',
    networks: false,
  },
  {
    name: 'embed',
    title: 'Embeddings',
    words:
      'Outputs of layers in two dimensions: cells that the classifier takes to be alike lie close (as Fig. 10 of Meng et al. 2019).',
    networks: false,
  },
] as const;

/** What each classifier sees: filters, occlusion maps and embeddings, from `RUN/explain`. */
export async function explainSection(subjects: readonly Subject[], budget: Budget): Promise<Section> {
  const body = await perRun(subjects, async subject => {
    const parts = [];
    for (const kind of kinds) parts.push(await explainKind(subject, kind, budget));
    return html`${parts}`;
  });
  return { id: 'explain', title: 'What it looks at', body };
}

async function explainKind(subject: Subject, kind: (typeof kinds)[number], budget: Budget): Promise<Html> {
  const { name, title, words, networks } = kind;
  const folder = join(subject.path, 'explain', name);
  const head = html`<h3>${title}</h3>`;
  if (networks && !subject.folder.isNetwork)
    return html`${head}<p>${subject.folder.network} is no network: it has no filters.</p>`;
  if (!existsSync(join(folder, `${name}.json`)))
    return html`${head}${missing('They have not been made.', `${command('explain', name, subject.path)}`)}`;
  return html`${head}<p>${words}</p>${await storedFigures(folder, budget)}`;
}
