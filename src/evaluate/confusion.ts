// K classes, N cells. A confusion matrix has K rows, the true class, and K columns, the predicted class.
import { type Interval, wilsonInterval } from './interval.ts';

/** Counts of cells by true class (rows) and predicted class (columns). */
export type ConfusionMatrix = number[][];

/** What the confusion matrix says about one class; null where a quotient has no denominator. */
export interface ClassCounts {
  /** Cells that are of the class. */
  support: number;
  /** Cells that were taken for the class. */
  predicted: number;
  /** Right among those taken for the class. */
  precision: number | null;
  precisionInterval: Interval | null;
  /** Found among those of the class. */
  recall: number | null;
  recallInterval: Interval | null;
  /** Left alone among those of other classes. */
  specificity: number | null;
  /** Harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN). */
  f1: number | null;
}

/** The confusion matrix of N labels and N predictions, each in [0, K). */
export function confusionMatrix(labels: Int32Array, predicted: Int32Array, classes: number): ConfusionMatrix {
  const counts: ConfusionMatrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let cell = 0; cell < labels.length; cell++) counts[labels[cell]!]![predicted[cell]!]!++;
  return counts;
}

/** Precision, recall and F score of every class with their 95 % Wilson intervals. */
export function classCounts(confusion: ConfusionMatrix): ClassCounts[] {
  const cells = sum(confusion.map(sum));
  return confusion.map((row, k) => {
    const right = row[k]!;
    const support = sum(row);
    const predicted = sum(confusion.map(one => one[k]!));
    return {
      support,
      predicted,
      precision: quotient(right, predicted),
      precisionInterval: wilsonInterval(right, predicted),
      recall: quotient(right, support),
      recallInterval: wilsonInterval(right, support),
      specificity: quotient(cells - support - predicted + right, cells - support),
      f1: quotient(2 * right, support + predicted),
    };
  });
}

/** Cells on the diagonal. */
export function countRight(confusion: ConfusionMatrix): number {
  return sum(confusion.map((row, k) => row[k]!));
}

/**
 * Matthews correlation for K classes (Gorodkin 2004), from -1 to 1, 0 for guessing; null when all labels or all
 * predictions are of one class.
 */
export function matthewsCorrelation(confusion: ConfusionMatrix): number | null {
  const supports = confusion.map(sum);
  const predicted = confusion.map((_, k) => sum(confusion.map(row => row[k]!)));
  const cells = sum(supports);
  const spread = (counts: number[]) => cells * cells - sum(counts.map(count => count * count));
  const covariance = countRight(confusion) * cells - sum(supports.map((count, k) => count * predicted[k]!));
  const scale = Math.sqrt(spread(supports) * spread(predicted));
  return quotient(covariance, scale);
}

/**
 * Cohen's kappa (1960): agreement beyond what labels and predictions of these shares would have by chance, from -1 to 1,
 * 0 for guessing; null when labels and predictions are all of one and the same class.
 */
export function cohenKappa(confusion: ConfusionMatrix): number | null {
  const supports = confusion.map(sum);
  const cells = sum(supports);
  const byChance = sum(supports.map((count, k) => count * sum(confusion.map(row => row[k]!))));
  return quotient(countRight(confusion) * cells - byChance, cells * cells - byChance);
}

/** a / b, or null where b is 0. */
export function quotient(a: number, b: number): number | null {
  return b === 0 ? null : a / b;
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
