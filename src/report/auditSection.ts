import type { AuditFacts } from './auditFacts.ts';
import { type Html, html } from './html.ts';
import { missing, type Section } from './section.ts';
import { type Budget, storedFigures } from './storedFigures.ts';
import type { Subject } from './subject.ts';
import { capital, command, pathEnd } from './words.ts';

/** What the audits say: the verdict of every part in words, and their figures. */
export async function auditSection(
  audits: readonly AuditFacts[],
  subjects: readonly Subject[],
  budget: Budget,
): Promise<Section> {
  const title = 'Audit: shortcuts, sessions, leaks, labels, stability';
  if (audits.length === 0) {
    const how = command(
      'audit',
      subjects[0]?.data.path ?? 'DATASET',
      ...(subjects[0] ? [subjects[0].path] : []),
    );
    return {
      id: 'audit',
      title,
      body: missing('No audit was run: whether the figures can be trusted has not been checked.', how),
    };
  }
  const bodies = [];
  for (const audit of audits)
    bodies.push(html`${audits.length > 1 && html`<h3>${pathEnd(audit.path, 2)}</h3>`}${describe(audit)}
${await storedFigures(audit.path, budget)}`);
  return { id: 'audit', title, body: html`${bodies}` };
}

function describe({ confounded, verdict: whole, parts }: AuditFacts): Html {
  const first = confounded
    ? html`<p class="cautions"><strong>Confounded.</strong> Something beside the cells themselves gives the class away: figures on this data set may not hold on the next one.</p>`
    : '';
  const lines = parts.map(
    ({ name, verdict: words, warning }) =>
      html`<tr><th scope="row">${capital(name)}</th><td>${warning && html`<strong>Warning.</strong> `}${words}</td></tr>`,
  );
  return html`${first}${whole !== '' && html`<p>${whole}</p>`}<table class="facts"><caption>What each part of the audit found</caption><tbody>${lines}</tbody></table>`;
}
