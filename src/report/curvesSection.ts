import { toCsv } from '../evaluate/csv.ts';
import { classCurvesFigure, oneAxis } from '../figures/classCurves.ts';
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
  const { classes, labels, probabilities } = part;
  const curves = classes.map((_, k) => classCurves(labels, probabilities, classes.length, k));
  const drawn = [await drawCurves(part, curves, rocText), await drawCurves(part, curves, recallText)];
  return classes.length > oneAxis ? html`${drawn}` : html`<div class="side">${drawn}</div>`;
}

interface CurveText {
  kind: keyof ClassCurves;
  area: 'rocAuc' | 'averagePrecision';
  areaName: string;
  title: string;
  x: string;
  y: string;
  file: string;
}

const rocText: CurveText = {
  ...{ kind: 'roc', area: 'rocAuc', areaName: 'area under the curve', title: 'ROC curves' },
  ...{ x: 'false positive rate', y: 'recall', file: 'roc' },
};

const recallText: CurveText = {
  ...{ kind: 'precisionRecall', area: 'averagePrecision', areaName: 'average precision' },
  ...{ title: 'Precision-recall curves', x: 'recall', y: 'precision', file: 'precision-recall' },
};

async function drawCurves(part: ReportPart, curves: readonly ClassCurves[], text: CurveText): Promise<Html> {
  const { classes, labels, scores } = part;
  const { kind, area, areaName, title, x, y, file } = text;
  const cells = countOf(labels.length, `${part.part} cell`);
  const drawn = classes.flatMap((name, k) => {
    const points = curves[k]![kind];
    return points.length === 0 ? [] : [{ class: name, label: score(scores.perClass[k]![area]), points }];
  });
  if (drawn.length === 0) return html``;
  const notes = [`Each class against all others, ${cells}. Beside the name: ${areaName}.`];
  const figure = classCurvesFigure(drawn, { title, x, y, notes, diagonal: kind === 'roc' });
  return drawnFigure(figure, {
    name: `${file}-${part.part}`,
    alt: `${title}. ${areaName}: ${drawn.map(one => `${one.class} ${one.label}`).join(', ')}.`,
    caption: `${title}, ${cells}.`,
    csv: curvesCsv(kind, classes, curves),
  });
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
