import type { ConfusionMatrix } from './confusion.ts';
import type { PartIntervals } from './figureIntervals.ts';
import type { Interval } from './interval.ts';
import type { OperatingPoint } from './operatingPoints.ts';
import type { AverageScores, ClassScores, LabelledPredictions, Scores } from './score.ts';
import { curveOf, sweepClass } from './sweep.ts';
import { classFigures, wholeFigures } from './weightedFigures.ts';

/** One row a class and one for each mean, figures in full; an empty field is a figure that is not defined. */
export function scoresCsv(scores: Scores): string {
  const header = [
    ...['class', 'cells', 'predicted', 'precision', 'precision_low', 'precision_high'],
    ...['recall', 'recall_low', 'recall_high', 'f1', 'roc_auc', 'average_precision'],
  ];
  const ofClass = (one: ClassScores) => [
    ...[one.class, one.support, one.predicted, one.precision, ...ends(one.precisionInterval)],
    ...[one.recall, ...ends(one.recallInterval), one.f1, one.rocAuc, one.averagePrecision],
  ];
  const ofMean = (name: string, mean: AverageScores) => [
    ...[name, scores.cells, scores.cells, mean.precision, null, null],
    ...[mean.recall, null, null, mean.f1, mean.rocAuc, mean.averagePrecision],
  ];
  return toCsv([
    header,
    ...scores.perClass.map(ofClass),
    ofMean('(macro mean)', scores.macro),
    ofMean('(weighted mean)', scores.weighted),
  ]);
}

/** Rows are the true class, columns the predicted one; the first field of a row names the class. */
export function confusionCsv(classes: readonly string[], confusion: ConfusionMatrix): string {
  return toCsv([['true \\ predicted', ...classes], ...confusion.map((row, k) => [classes[k]!, ...row])]);
}

/** A row a class and purity asked for; empty where no threshold reaches it. */
export function operatingPointsCsv(points: readonly OperatingPoint[]): string {
  const header = [
    ...['class', 'target', 'threshold', 'taken', 'purity', 'purity_low', 'purity_high'],
    ...['yield', 'yield_low', 'yield_high', 'enrichment'],
  ];
  const rows = points.map(one => [
    ...[one.class, one.target, one.threshold, one.taken, one.purity, ...ends(one.purityInterval)],
    ...[one.yield, ...ends(one.yieldInterval), one.enrichment],
  ]);
  return toCsv([header, ...rows]);
}

/** A row a figure, of the whole part and of each class: 95 % intervals by cell and, where there are groups, by group. */
export function intervalsCsv({ byCell, byGroup }: PartIntervals): string {
  const header = ['class', 'figure', 'cell_low', 'cell_high', 'group_low', 'group_high'];
  const whole = wholeFigures.map(name => ['', name, ...ends(byCell[name]), ...ends(byGroup?.[name] ?? null)]);
  const perClass = byCell.perClass.flatMap((one, k) =>
    classFigures.map(name => [
      ...[one.class, name, ...ends(one[name])],
      ...ends(byGroup?.perClass[k]?.[name] ?? null),
    ]),
  );
  return toCsv([header, ...whole, ...perClass]);
}

/** About 200 points of each class's curves: what taking cells from a threshold of its probability on gives. */
export function curvesCsv(predictions: LabelledPredictions): string {
  const header = ['class', 'threshold', 'purity', 'yield', 'false_positive_rate', 'enrichment'];
  const rows = predictions.classes.flatMap((name, k) =>
    curveOf(sweepClass(predictions, k)).map(one => [
      ...[name, one.threshold, one.purity, one.yield, one.falsePositiveRate, one.enrichment],
    ]),
  );
  return toCsv([header, ...rows]);
}

function ends(interval: Interval | null): (number | null)[] {
  return interval ?? [null, null];
}

type Field = string | number | null;

/** RFC 4180, with a plain line feed. */
export function toCsv(rows: Field[][]): string {
  return `${rows.map(row => row.map(quote).join(',')).join('\n')}\n`;
}

function quote(field: Field): string {
  const text = String(field ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
