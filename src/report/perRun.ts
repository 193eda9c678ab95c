import { Html, html } from './html.ts';
import type { Subject } from './subject.ts';

/**
 * What a section says of each run, under the run's name where there are several; `side` sets them side by side where
 * the page is wide enough.
 */
export async function perRun(
  subjects: readonly Subject[],
  render: (subject: Subject) => Promise<Html> | Html,
  { side = false }: { side?: boolean } = {},
): Promise<Html> {
  const [first] = subjects;
  if (subjects.length === 1) return render(first!);
  const parts = [];
  for (const subject of subjects)
    parts.push(html`<div><h3>${subject.name}</h3>
${lowered(await render(subject))}</div>`);
  return side ? html`<div class="side">${parts}</div>` : html`${parts}`;
}

/** Headings one level lower: what is said within a part of a section. */
export function lowered({ text }: Html): Html {
  return new Html(text.replaceAll('<h3>', '<h4>').replaceAll('</h3>', '</h4>'));
}
