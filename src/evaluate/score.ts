// N cells, K classes.
import { BrightcellError } from '../errors.ts';
import { bootstrapInterval } from './bootstrap.ts';
import { type Calibration, measureCalibration } from './calibration.ts';
import {
  type ClassCounts,
  type ConfusionMatrix,
  classCounts,
  cohenKappa,
  confusionMatrix,
  countRight,
  matthewsCorrelation,
  sum,
} from './confusion.ts';
import { type Interval, wilsonInterval } from './interval.ts';
import { type Ranking, rankClass } from './ranking.ts';

/** Cells whose class is known and what a classifier said of them. */
export interface LabelledPredictions {
  /** K names. */
  classes: readonly string[];
  /** N of [0, K). */
  labels: Int32Array;
  /** N x K row major; every row adds up to 1. */
  probabilities: Float32Array;
}

export interface ClassScores extends ClassCounts, Ranking {
  class: string;
}

/** Means over the classes that have cells; `weighted` by their number. */
export interface AverageScores {
  precision: number;
  recall: number;
  f1: number;
  rocAuc: number | null;
  averagePrecision: number | null;
}

/** Every figure of one part of the data. Null is a figure that is not defined there; `undefinedScores` says why. */
export interface Scores extends Calibration {
  cells: number;
  /** Share that is right. */
  accuracy: number;
  accuracyInterval: Interval;
  /** Mean recall of the classes that have cells. */
  balancedAccuracy: number;
  /** Accuracy of always naming the commonest class: what any classifier must beat. */
  commonestClassAccuracy: number;
  matthewsCorrelation: number | null;
  cohenKappa: number | null;
  macro: AverageScores;
  /** Bootstrap; null when every cell is right. */
  macroF1Interval: Interval | null;
  weighted: AverageScores;
  perClass: ClassScores[];
  confusion: ConfusionMatrix;
  /** One sentence for each figure that is null. */
  undefinedScores: string[];
}

/**
 * Scores N predictions against their labels. A class without cells has no recall and counts in no mean; a class
 * that was never predicted has no precision, which counts as 0 in the means.
 * Throws `predictions-invalid` when N is 0, sizes do not match, a label is not in [0, K) or a row is no
 * probability distribution (what a diverged network gives).
 */
export function scorePredictions(predictions: LabelledPredictions): Scores {
  checkPredictions(predictions);
  const { classes, labels, probabilities } = predictions;
  const predicted = mostProbable(probabilities, classes.length);
  const confusion = confusionMatrix(labels, predicted, classes.length);
  const perClass = classCounts(confusion).map((counts, k) => ({
    class: classes[k]!,
    ...counts,
    ...rankClass(labels, probabilities, classes.length, k),
  }));
  const right = countRight(confusion);
  const macro = averageScores(perClass, () => 1);
  return {
    cells: labels.length,
    accuracy: right / labels.length,
    accuracyInterval: wilsonInterval(right, labels.length)!,
    balancedAccuracy: macro.recall,
    commonestClassAccuracy: Math.max(...perClass.map(one => one.support)) / labels.length,
    matthewsCorrelation: matthewsCorrelation(confusion),
    cohenKappa: cohenKappa(confusion),
    macro,
    macroF1Interval: bootstrapInterval(confusion, macroF1),
    weighted: averageScores(perClass, one => one.support),
    ...measureCalibration(labels, probabilities, predicted, classes.length),
    perClass,
    confusion,
    undefinedScores: explainUndefined(perClass),
  };
}

function checkPredictions({ classes, labels, probabilities }: LabelledPredictions): void {
  const K = classes.length;
  if (K < 2) refuse(`at least 2 classes are needed. Received ${K}`);
  if (labels.length === 0) refuse('at least 1 labelled cell is needed. Received 0');
  if (probabilities.length !== labels.length * K) {
    refuse(
      `${labels.length} cells of ${K} classes need ${labels.length * K} numbers. Received ${probabilities.length}`,
    );
  }
  for (let cell = 0; cell < labels.length; cell++) {
    const label = labels[cell]!;
    if (label < 0 || label >= K)
      refuse(`labels must be from 0 to ${K - 1}. Received ${label} at cell ${cell}`);
    let total = 0;
    for (let k = 0; k < K; k++) {
      const probability = probabilities[cell * K + k]!;
      if (!(probability >= 0 && probability <= 1.001)) {
        refuse(
          `probabilities must be from 0 to 1. Received ${probability} at cell ${cell}; the training may have diverged`,
        );
      }
      total += probability;
    }
    if (Math.abs(total - 1) > 1e-3)
      refuse(`a cell's probabilities must add up to 1. Received ${total} at cell ${cell}`);
  }
}

function refuse(message: string): never {
  throw new BrightcellError('predictions-invalid', `These predictions cannot be scored: ${message}.`);
}

/** The most probable class of each cell, the first of several. */
export function mostProbable(probabilities: Float32Array, classes: number): Int32Array {
  const predicted = new Int32Array(probabilities.length / classes);
  for (let cell = 0; cell < predicted.length; cell++) {
    let best = 0;
    for (let k = 1; k < classes; k++) {
      if (probabilities[cell * classes + k]! > probabilities[cell * classes + best]!) best = k;
    }
    predicted[cell] = best;
  }
  return predicted;
}

/** Mean F score of the classes that have cells. */
function macroF1(confusion: ConfusionMatrix): number | null {
  const present = classCounts(confusion).filter(one => one.support > 0);
  return present.length === 0 ? null : sum(present.map(one => one.f1 ?? 0)) / present.length;
}

function averageScores(perClass: ClassScores[], weightOf: (one: ClassScores) => number): AverageScores {
  const present = perClass.filter(one => one.support > 0);
  const mean = (ofClass: (one: ClassScores) => number | null) =>
    sum(present.map(one => (ofClass(one) ?? 0) * weightOf(one))) / sum(present.map(weightOf));
  // With cells of one class only there is no other side to rank against.
  const ranked = present.length > 1;
  return {
    precision: mean(one => one.precision),
    recall: mean(one => one.recall),
    f1: mean(one => one.f1),
    rocAuc: ranked ? mean(one => one.rocAuc) : null,
    averagePrecision: ranked ? mean(one => one.averagePrecision) : null,
  };
}

function explainUndefined(perClass: ClassScores[]): string[] {
  const namesOf = (counts: 'support' | 'predicted') =>
    perClass
      .filter(one => one[counts] === 0)
      .map(one => one.class)
      .join(', ');
  const absent = namesOf('support');
  const unused = namesOf('predicted');
  const present = perClass.filter(one => one.support > 0);
  return [
    ...(absent ? [`No cell is of ${absent}: recall, ROC-AUC and average precision are not defined.`] : []),
    ...(unused
      ? [`No cell was taken for ${unused}: precision is not defined and counts as 0 in means.`]
      : []),
    ...(present.length === 1 ? [`All cells are of ${present[0]!.class}: no ROC-AUC is defined.`] : []),
  ];
}
