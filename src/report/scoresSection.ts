import { confusionCsv, scoresCsv } from '../evaluate/csv.ts';
import type { ReportPart } from './evaluation.ts';
import { csvUri } from './figureHtml.ts';
import { type Html, html } from './html.ts';
import { perRun } from './perRun.ts';
import { overallTable, scoreTable } from './scoreTable.ts';
import { cautions, missing, type Section, table } from './section.ts';
import type { Subject } from './subject.ts';
import { capital, command, count, countOf, score } from './words.ts';

/** Tables III and IV of Meng et al. 2019, figures over all classes, groups, and what must be known before believing them. */
export async function scoresSection(subjects: readonly Subject[]): Promise<Section> {
  const judged = subjects.filter(one => one.evaluation);
  const names = [...new Set(judged.flatMap(one => one.evaluation!.parts.map(({ part }) => part)))];
  const tables = names.flatMap(name => comparable(judged, name).map(group => partTables(name, group)));
  const notes = await perRun(subjects, subject => notesOf(subject));
  const columns = judged.flatMap(subject =>
    subject.evaluation!.parts.map(({ part, scores, intervals }) => ({
      method: judged.length > 1 ? `${subject.name}, ${part}` : part,
      scores,
      ...(intervals && { intervals: intervals.of }),
      why: intervals ? `${capital(part)}: ${intervals.why}` : '',
    })),
  );
  const all = columns.length > 0 && overallTable('Over all classes', columns);
  const why = [...new Set(columns.map(one => one.why))].join(' ');
  return {
    id: 'scores',
    title: 'Scores',
    body: html`${all}${why !== '' && html`<p class="note">${why}</p>`}${notes}${tables}`,
  };
}

/** Why there are no figures of a run, and how to make them. */
export function withoutEvaluation(subject: Subject): Html {
  const what = subject.evaluationFault
    ? `The evaluation of ${subject.name} cannot be read: ${subject.evaluationFault}`
    : `${subject.name} has not been evaluated.`;
  return missing(what, command('evaluate', subject.path));
}

type Judged = { subject: Subject; part: ReportPart };

/** Runs whose part has the same cells go into one table. */
function comparable(judged: readonly Subject[], name: string): Judged[][] {
  const groups = new Map<string, Judged[]>();
  for (const subject of judged) {
    const part = subject.evaluation!.parts.find(one => one.part === name);
    if (!part) continue;
    const key = JSON.stringify([
      part.classes,
      part.labels.length,
      [...part.id.subarray(0, 50)],
      [...part.labels.subarray(0, 50)],
    ]);
    groups.set(key, [...(groups.get(key) ?? []), { subject, part }]);
  }
  return [...groups.values()];
}

const tableNames: Record<string, string> = { validation: 'Table III', test: 'Table IV' };

function partTables(name: string, group: Judged[]): Html {
  const methods = group.map(({ subject, part }) => ({ method: subject.name, scores: part.scores }));
  const [{ part }] = group as [Judged];
  const number = tableNames[name];
  const as = number ? ` (as ${number} of Meng et al. 2019)` : '';
  const cells = countOf(part.labels.length, `${name} cell`);
  const saves = group.map(
    one =>
      html` <a download="scores-${one.subject.name}-${name}.csv" href="${csvUri(scoresCsv(one.part.scores))}">${one.subject.name}: scores as CSV</a>, <a download="confusion-${one.subject.name}-${name}.csv" href="${csvUri(confusionCsv(one.part.classes, one.part.scores.confusion))}">confusion as CSV</a>.`,
  );
  return html`<h3>${capital(name)} part</h3>
${scoreTable(`Scores of each class on ${cells}${as}; under the name: cells of the class`, methods)}
<p class="note">${saves}</p>
${groupTable(name, group)}
`;
}

const mostGroups = 40;

function groupTable(name: string, group: Judged[]): Html {
  const { groups } = group[0]!.part;
  if (groups.length === 0) return html``;
  const rows = groups
    .slice(0, mostGroups)
    .map(({ group: own, cells }, i) => [
      own,
      count(cells),
      ...group.map(({ part }) => score(part.groups[i]?.accuracy)),
    ]);
  const more =
    groups.length > mostGroups &&
    html`<p class="note">And ${countOf(groups.length - mostGroups, 'more group')}: see scores.json.</p>`;
  const accuracies = groups.map(one => one.accuracy);
  const spread = `${score(Math.min(...accuracies))} to ${score(Math.max(...accuracies))}`;
  return html`${table(
    `Accuracy by group (run, donor, day) of the ${name} part: ${spread}`,
    [
      { title: 'Group' },
      { title: 'Cells', numeric: true },
      ...group.map(({ subject }) => ({ title: subject.name, numeric: true })),
    ],
    rows,
  )}${more}`;
}

function notesOf(subject: Subject): Html {
  const { evaluation } = subject;
  if (!evaluation) return withoutEvaluation(subject);
  const own = evaluation.parts.flatMap(({ part, cautions: said }) =>
    said.map(one => `${capital(part)} part: ${one}`),
  );
  return cautions([...evaluation.cautions, ...own]);
}
