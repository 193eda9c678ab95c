// N cells, K classes, T distinct thresholds.
import { separate } from './ranking.ts';
import type { LabelledPredictions } from './score.ts';

/**
 * What taking every cell whose probability of one class is at least a threshold gives, for every threshold at which it
 * changes, from the highest down.
 */
export interface Sweep {
  /** T, descending; cells of the same probability enter together. */
  thresholds: Float32Array;
  /** T: cells of the class that are taken. */
  found: Int32Array;
  /** T: cells of other classes that are taken. */
  wrong: Int32Array;
  /** Cells of the class, and of all others. */
  positives: number;
  negatives: number;
}

/** Every threshold of class k. N log N time; 12 N bytes. */
export function sweepClass({ classes, labels, probabilities }: LabelledPredictions, k: number): Sweep {
  const { positives, negatives } = separate(labels, probabilities, classes.length, k);
  const thresholds = new Float32Array(labels.length);
  const found = new Int32Array(labels.length);
  const wrong = new Int32Array(labels.length);
  let [p, n, T] = [positives.length, negatives.length, 0];
  while (p > 0 || n > 0) {
    const threshold = Math.max(p > 0 ? positives[p - 1]! : -1, n > 0 ? negatives[n - 1]! : -1);
    while (p > 0 && positives[p - 1] === threshold) p--;
    while (n > 0 && negatives[n - 1] === threshold) n--;
    thresholds[T] = threshold;
    found[T] = positives.length - p;
    wrong[T++] = negatives.length - n;
  }
  return {
    thresholds: thresholds.subarray(0, T),
    found: found.subarray(0, T),
    wrong: wrong.subarray(0, T),
    positives: positives.length,
    negatives: negatives.length,
  };
}

/** A point of the curves of one class; shares from 0 to 1. */
export interface CurvePoint {
  threshold: number;
  /** Right among those taken. */
  purity: number;
  /** Of the class's cells, the share that is taken: recall, or true-positive rate. */
  yield: number;
  /** Of the other cells, the share that is taken. */
  falsePositiveRate: number;
  /** Purity over the class's share of all cells. */
  enrichment: number;
}

/**
 * About `most` points of a sweep, spread evenly over what is taken: of each side's cells, an equal share between two
 * points. None where the class or the others have no cells.
 */
export function curveOf(sweep: Sweep, most = 200): CurvePoint[] {
  const { thresholds, found, wrong, positives, negatives } = sweep;
  if (positives === 0 || negatives === 0) return [];
  const points: CurvePoint[] = [];
  const prevalence = positives / (positives + negatives);
  let last = Number.NEGATIVE_INFINITY;
  for (let t = 0; t < thresholds.length; t++) {
    const gone = found[t]! / positives + wrong[t]! / negatives; // from 0 to 2
    if (gone - last < 2 / most && t < thresholds.length - 1) continue;
    last = gone;
    const purity = found[t]! / (found[t]! + wrong[t]!);
    points.push({
      threshold: thresholds[t]!,
      purity,
      yield: found[t]! / positives,
      falsePositiveRate: wrong[t]! / negatives,
      enrichment: purity / prevalence,
    });
  }
  return points;
}
