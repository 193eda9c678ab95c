// N cells, K classes.
import { bootstrapInterval, seededUniform } from '../evaluate/bootstrap.ts';
import { confusionMatrix } from '../evaluate/confusion.ts';
import { type Interval, wilsonInterval } from '../evaluate/interval.ts';
import { balancedAccuracy } from './balanced.ts';

/** How well something predicts a class. */
export interface ProbeScore {
  cells: number;
  /** Classes that are told apart. */
  classes: number;
  balancedAccuracy: number;
  /** 95 %, cells resampled; Wilson's where every cell is right. */
  interval: Interval;
  /** 1 / classes. */
  chance: number;
  /** (balanced accuracy - chance) / (1 - chance): 0 for guessing, 1 for no error; and its interval. */
  gain: number;
  gainInterval: Interval;
  /** Probability of so high a balanced accuracy if the class had nothing to do with what was said; permutation. */
  p: number;
}

/** Scores what was said of N cells; cells with a label or a prediction of -1 do not count. Needs two classes with cells. */
export function scoreProbe(labels: Int32Array, predicted: Int32Array, K: number, seed: number): ProbeScore {
  const rows = [...labels.keys()].filter(row => labels[row]! >= 0 && predicted[row]! >= 0);
  const actual = Int32Array.from(rows, row => labels[row]!);
  const said = Int32Array.from(rows, row => predicted[row]!);
  const confusion = confusionMatrix(actual, said, K);
  const classes = new Set(actual).size;
  const chance = 1 / classes;
  const value = balancedAccuracy(confusion)!;
  const interval =
    bootstrapInterval(confusion, balancedAccuracy) ?? wilsonInterval(rows.length, rows.length)!;
  const gainOf = (accuracy: number) => (accuracy - chance) / (1 - chance);
  return {
    ...{ cells: rows.length, classes, balancedAccuracy: value, interval, chance, gain: gainOf(value) },
    gainInterval: [gainOf(interval[0]), gainOf(interval[1])],
    p: permute(actual, said, K, value, seed),
  };
}

const permutations = 999;

/** Share of shuffles of the labels, the true order counted among them, that reach the balanced accuracy. */
function permute(labels: Int32Array, said: Int32Array, K: number, reached: number, seed: number): number {
  const random = seededUniform(seed + 1);
  const shuffled = labels.slice();
  const weights = new Float64Array(K);
  for (const label of labels) weights[label]!++;
  const classes = weights.filter(n => n > 0).length;
  for (let k = 0; k < K; k++) weights[k] = weights[k]! > 0 ? 1 / weights[k]! / classes : 0;
  let asHigh = 1;
  for (let draw = 0; draw < permutations; draw++) {
    let value = 0;
    for (let i = shuffled.length - 1; i >= 0; i--) {
      const j = Math.floor(random() * (i + 1));
      const label = shuffled[j]!;
      shuffled[j] = shuffled[i]!;
      shuffled[i] = label;
      if (label === said[i]) value += weights[label]!;
    }
    if (value >= reached - 1e-9) asHigh++;
  }
  return asHigh / (permutations + 1);
}
