import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { embedTable, occlusionTable } from './explainTables.ts';
import { type Html, html } from './html.ts';
import {
  type ExplanationFaults,
  type ExplanationKind,
  explanationFile,
  faultName,
} from './makeExplanations.ts';
import { perRun } from './perRun.ts';
import { missing, type Section } from './section.ts';
import { type Budget, storedFigures } from './storedFigures.ts';
import type { Subject } from './subject.ts';
import { command } from './words.ts';

interface Kind {
  name: ExplanationKind;
  title: string;
  words: string;
  /** Of networks only. */
  networks: boolean;
  table?: (path: string) => Promise<Html>;
}

const kinds: Kind[] = [
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
      'A mask slides over the image; each place shows what is left of the probability of the class (as Fig. 9 of Meng et al. 2019).',
    networks: false,
    table: occlusionTable,
  },
  {
    name: 'embed',
    title: 'Embeddings',
    words:
      'Outputs of layers in two dimensions: cells that the classifier takes to be alike lie close (as Fig. 10 of Meng et al. 2019).',
    networks: false,
    table: embedTable,
  },
];

/** What each classifier sees: filters, occlusion maps and embeddings, from `RUN/explain`. */
export async function explainSection(
  subjects: readonly Subject[],
  budget: Budget,
  faults: ExplanationFaults,
): Promise<Section> {
  const body = await perRun(subjects, async subject => {
    const parts = [];
    for (const kind of kinds) parts.push(await explainKind(subject, kind, { budget, faults }));
    return html`${parts}`;
  });
  return { id: 'explain', title: 'What it looks at', body };
}

async function explainKind(
  subject: Subject,
  { name, title, words, networks, table }: Kind,
  { budget, faults }: { budget: Budget; faults: ExplanationFaults },
): Promise<Html> {
  const head = html`<h3>${title}</h3>`;
  if (networks && !subject.folder.isNetwork)
    return html`${head}<p>${subject.folder.network} is no network: it has no filters.</p>`;
  const path = explanationFile(subject, name);
  const fault = faults.get(faultName(subject, name));
  if (fault !== undefined) return html`${head}${missing(`They could not be made: ${fault}`)}`;
  if (!existsSync(path))
    return html`${head}${missing('They have not been made.', command('explain', name, subject.path))}`;
  return html`${head}<p>${words}</p>${table && (await table(path))}${await storedFigures(dirname(path), budget)}`;
}
