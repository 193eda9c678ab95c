import { toCsv } from '../evaluate/csv.ts';
import { classCurvesFigure } from '../figures/classCurves.ts';
import { reliabilityFigure } from '../figures/reliabilityFigure.ts';
import { type ClassCurves, classCurves, reliability } from './curves.ts';
import type { ReportPart } from './evaluation.ts';
import { drawnFigure } from './figureHtml.ts';
import { type Html, html } from './html.ts';
import { perRun } from './perRun.ts';
import { withoutEvaluation } from './scoresSection.ts';
import type { Section } from './section.ts';
import type { Subject } from './subject.ts';
import { countOf, score } from './words.ts';

/** ROC and precision-recall curve of each class against all others. */
export async function rankingSection(subjects: readonly Subject[]): Promise<Section> {
  const body = await perRun(
    subjects,
    subject => {
      const part = subject.evaluation?.parts[0];
      return part ? rankingOf(part) : withoutEvaluation(subject);
    },
    { side: subjects.length > 1 },
  );
  return { id: 'ranking', title: 'ROC and precision-recall curves', body };
}

async function rankingOf(part: ReportPart): Promise<Html> {
  const { classes, labels, probabilities, scores } = part;
  const K = classes.length;
  const curves = classes.map((_, k) => classCurves(labels, probabilities, K, k));
  const cells = countOf(labels.length, `${part.part} cell`);
  const note = `Each class against all others, ${cells}.`;
  const draw = (
    kind: keyof ClassCurves,
    area: 'rocAuc' | 'averagePrecision',
    text: { title: string; x: string; y: string; name: string; areaName: string },
  ) => {
    const drawn = classes.flatMap((name, k) =>
      curves[k]![kind].length === 0
        ? []
        : [{ class: name, label: score(scores.perClass[k]![area]), points: curves[k]![kind] }],
    );
    const { name, areaName, ...axes } = text;
    if (drawn.length === 0) return html``;
    const figure = classCurvesFigure(drawn, {
      ...axes,
      diagonal: kind === 'roc',
      notes: [`${note} Beside the name: ${areaName}.`],
    });
    const alt = `${text.title}. ${areaName}: ${drawn.map(one => `${one.class} ${one.label}`).join(', ')}.`;
    return drawnFigure(figure, {
      name: `${name}-${part.part}`,
      alt,
      caption: `${text.title}, ${cells}.`,
      csv: curvesCsv(kind, classes, curves),
    });
  };
  return html`<div class="side">${await draw('roc', 'rocAuc', { title: 'ROC curves', x: 'false positive rate', y: 'recall', name: 'roc', areaName: 'area under the curve' })}
${await draw('precisionRecall', 'averagePrecision', { title: 'Precision-recall curves', x: 'recall', y: 'precision', name: 'precision-recall', areaName: 'average precision' })}</div>`;
}

function curvesCsv(
  kind: keyof ClassCurves,
  classes: readonly string[],
  curves: readonly ClassCurves[],
): string {
  const header =
    kind === 'roc' ? ['class', 'false_positive_rate', 'recall'] : ['class', 'recall', 'precision'];
  return toCsv([header, ...classes.flatMap((name, k) => curves[k]![kind].map(({ x, y }) => [name, x, y]))]);
}

/** How far stated probabilities can be believed. */
export async function calibrationSection(subjects: readonly Subject[]): Promise<Section> {
  const body = await perRun(subjects, subject => {
    const part = subject.evaluation?.parts[0];
    return part ? reliabilityOf(part) : withoutEvaluation(subject);
  });
  return { id: 'calibration', title: 'Calibration', body };
}

/** The mean stated probability less the share that is right, in words. */
function biasOf(gap: number): string {
  if (Math.abs(gap) < 0.02) return 'about as it states';
  return gap > 0 ? 'it is surer than it is right' : 'it is right more often than it states';
}

async function reliabilityOf(part: ReportPart): Promise<Html> {
  const { classes, labels, probabilities, predicted, scores } = part;
  const bins = reliability(labels, probabilities, predicted, classes.length);
  const mean = bins.reduce((sum, one) => sum + one.cells * one.confidence, 0) / labels.length;
  const bias = biasOf(mean - scores.accuracy);
  const caption = `In the mean it states ${score(mean)} and is right in ${score(scores.accuracy)} of ${countOf(labels.length, `${part.part} cell`)}: ${bias}. Expected calibration error ${score(scores.calibrationError)}.`;
  const figure = reliabilityFigure('Reliability of stated probabilities', bins, [
    'Lines: 95 % intervals of the share that is right. On the diagonal, stated and reached are the same.',
  ]);
  const header = ['from', 'to', 'cells', 'mean_probability', 'share_right', 'low', 'high'];
  const rows = bins.map(one => [
    one.from,
    one.to,
    one.cells,
    one.confidence,
    one.accuracy,
    one.low,
    one.high,
  ]);
  const alt = `Reliability: ${bins.map(one => `stated ${one.confidence.toFixed(2)}, right ${one.accuracy.toFixed(2)} of ${one.cells}`).join('; ')}.`;
  return drawnFigure(figure, {
    name: `reliability-${part.part}`,
    alt,
    caption,
    csv: toCsv([header, ...rows]),
  });
}
