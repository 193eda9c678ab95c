import type { ConfusionMatrix } from '../evaluate/confusion.ts';
import type { ClassScores } from '../evaluate/score.ts';
import type { AuditFacts } from './auditFacts.ts';
import type { ReportPart } from './evaluation.ts';
import { type Html, html } from './html.ts';
import type { Subject } from './subject.ts';
import { command, countOf, listed, percent } from './words.ts';

/** The question, and the answer in three lines: how well, where not, and whether to believe it. */
export function formatVerdict(subjects: readonly Subject[], audits: readonly AuditFacts[]): Html {
  const [first] = subjects;
  if (!first) return html``;
  const classes = first.provenance?.dataset.classes ?? first.evaluation?.parts[0]?.classes ?? [];
  const names = classes.length <= 6 ? listed([...classes]) : `${classes.length} classes of cells`;
  const asked =
    subjects.length === 1
      ? `Can ${first.folder.network} tell ${names} apart by their images?`
      : `Which of ${listed(subjects.map(one => one.name))} tells ${names} apart best by their images?`;
  const lines = [howWell(subjects), whereNot(subjects), believable(subjects, audits)];
  return html`<p class="question">${asked}</p>
<ol class="verdict">${lines.map(line => html`<li>${line}</li>`)}</ol>`;
}

/** The part that says most: test, else all, else what there is. */
export function judgedPart(subject: Subject): ReportPart | undefined {
  return subject.evaluation?.parts[0];
}

function howWell(subjects: readonly Subject[]): Html {
  const [first] = subjects;
  const judged = subjects.flatMap(subject => {
    const part = judgedPart(subject);
    return part ? [{ subject, part }] : [];
  });
  if (judged.length === 0)
    return html`How well is not known: there is no evaluation. <code>${command('evaluate', first!.path)}</code> makes it.`;
  const best = judged.reduce((a, b) => (b.part.scores.accuracy > a.part.scores.accuracy ? b : a));
  const { scores, part, groups } = best.part;
  const [low, high] = scores.accuracyInterval;
  const unseen = part === 'test' ? ' that it had never seen' : '';
  const kept = groups.length > 1 ? `, of ${groups.length} groups` : '';
  const who = subjects.length === 1 ? 'It' : `The best, ${best.subject.name},`;
  return html`${who} named <strong>${percent(scores.accuracy)}</strong> of ${countOf(scores.cells, `${part} cell`)}${unseen}${kept} rightly (95 % interval ${percent(low)} to ${percent(high)}); always naming the commonest class gives ${percent(scores.commonestClassAccuracy)}.`;
}

function whereNot(subjects: readonly Subject[]): Html {
  const judged = subjects.filter(judgedPart);
  if (judged.length === 0) return html`Which classes are hard is not known either.`;
  if (judged.length > 1) return compareRuns(judged);
  const { scores, classes } = judgedPart(judged[0]!)!;
  const ranked = scores.perClass.filter(one => one.support > 0).sort((a, b) => (b.f1 ?? 0) - (a.f1 ?? 0));
  const [easiest, hardest] = [ranked[0]!, ranked.at(-1)!];
  if (ranked.length < 2)
    return html`All cells are of ${easiest.class}: nothing is said of the other classes.`;
  const taken = mostTaken(scores.confusion, classes, hardest);
  return html`Easiest is ${easiest.class} (F score ${(easiest.f1 ?? 0).toFixed(2)}), hardest ${hardest.class} (${(hardest.f1 ?? 0).toFixed(2)})${taken}.`;
}

function mostTaken(confusion: ConfusionMatrix, classes: readonly string[], hardest: ClassScores): string {
  const k = classes.indexOf(hardest.class);
  const wrong = confusion[k]!.map((cells, j) => (j === k ? 0 : cells));
  const most = Math.max(...wrong);
  return most > 0 ? `, which is mostly taken for ${classes[wrong.indexOf(most)]}` : '';
}

function compareRuns(judged: readonly Subject[]): Html {
  const others = [...judged].sort((a, b) => judgedPart(b)!.scores.accuracy - judgedPart(a)!.scores.accuracy);
  const named = others.map(one => `${one.name} ${percent(judgedPart(one)!.scores.accuracy)}`);
  return html`In order: ${listed(named)}. Whether a difference can be chance is for a comparison to say.`;
}

function believable(subjects: readonly Subject[], audits: readonly AuditFacts[]): Html {
  const confounded = audits.filter(one => one.confounded);
  if (confounded.length > 0)
    return html`<strong>Do not take it at its word:</strong> the audit calls the data set confounded: something beside the cells gives the class away. See <a href="#audit">the audit</a>.`;
  const count = subjects.reduce(
    (sum, { evaluation, data }) =>
      sum +
      (data.changed ? 1 : 0) +
      (evaluation?.cautions.length ?? 0) +
      (evaluation?.parts[0]?.cautions.length ?? 0),
    0,
  );
  const warned = count > 0 ? html` ${countOf(count, 'caution')} stand beside the figures.` : '';
  if (audits.length === 0) {
    const path = subjects[0]!.data.path;
    return html`Whether shortcuts, leaks or wrong labels play a part has not been checked: <code>${command('audit', path)}</code> does it.${warned}`;
  }
  const asked = [...new Set(audits.flatMap(one => one.parts.map(part => part.name)))];
  const warnings = audits.reduce((sum, one) => sum + one.parts.filter(part => part.warning).length, 0);
  return warnings === 0
    ? html`The audit (${listed(asked)}) found nothing that would explain it away.${warned}`
    : html`The audit did not call the data confounded, but warns in ${countOf(warnings, 'point')}: see <a href="#audit">the audit</a>.${warned}`;
}
