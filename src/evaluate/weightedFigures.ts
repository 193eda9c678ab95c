// N cells, K classes. Figures of cells that count with weights: what resampling asks for, many times.
import { type LabelledPredictions, mostProbable } from './score.ts';

/**
 * Figures of a whole part, in this order; losses are better when lower. The calibration error is not among them: noise in
 * its bins adds up, more so in resamples, and no bootstrap interval of it held the true one often enough.
 */
export const wholeFigures = [
  'accuracy',
  'balancedAccuracy',
  'cohenKappa',
  'matthewsCorrelation',
  'macroPrecision',
  'macroF1',
  'weightedF1',
  'macroRocAuc',
  'macroAveragePrecision',
  'logLoss',
  'brierLoss',
] as const;
export type WholeFigure = (typeof wholeFigures)[number];

/** Figures of each class. */
export const classFigures = [
  'precision',
  'recall',
  'specificity',
  'f1',
  'rocAuc',
  'averagePrecision',
] as const;
export type ClassFigure = (typeof classFigures)[number];

const smallest = 2 ** -23;

/** Figures of the same cells under any weights, each in N K steps. What does not depend on weights is done once. */
export class WeightedFigures {
  readonly cells: number;
  readonly classes: number;
  readonly #labels: Int32Array;
  readonly #predicted: Int32Array;
  readonly #loss: Float64Array;
  readonly #brier: Float64Array;
  /** K x N: cells by probability of the class, highest first; a negative number, -1 - cell, is tied with the next one. */
  readonly #orders: Int32Array[];

  constructor({ classes, labels, probabilities }: LabelledPredictions) {
    const [N, K] = [labels.length, classes.length];
    this.cells = N;
    this.classes = K;
    this.#labels = labels;
    this.#predicted = mostProbable(probabilities, K);
    this.#loss = Float64Array.from(
      labels,
      (label, i) => -Math.log(Math.max(smallest, probabilities[i * K + label]!)),
    );
    this.#brier = Float64Array.from(labels, (label, i) => {
      let sum = 0;
      for (let k = 0; k < K; k++) sum += (probabilities[i * K + k]! - (k === label ? 1 : 0)) ** 2;
      return sum;
    });
    this.#orders = classes.map((_, k) => orderBy(probabilities, K, k));
  }

  /** Numbers that `measure` gives: `wholeFigures`, then `classFigures` of each class. */
  get length(): number {
    return wholeFigures.length + this.classes * classFigures.length;
  }

  /** All figures; NaN where one is not defined. Means are over the classes that have weight. */
  measure(weights: Float64Array): Float64Array {
    const values = new Float64Array(this.length).fill(Number.NaN);
    const K = this.classes;
    const confusion = new Float64Array(K * K);
    for (let i = 0; i < this.cells; i++)
      confusion[this.#labels[i]! * K + this.#predicted[i]!]! += weights[i]!;
    const supports = sums(confusion, K, (k, j) => k * K + j);
    const taken = sums(confusion, K, (k, j) => j * K + k);
    const total = supports.reduce((a, b) => a + b, 0);
    for (let k = 0; k < K; k++) {
      const right = confusion[k * K + k]!;
      const ranking = this.#rank(k, weights, supports[k]!, total - supports[k]!);
      const own = [
        right / taken[k]!,
        right / supports[k]!,
        (total - supports[k]! - taken[k]! + right) / (total - supports[k]!),
        (2 * right) / (supports[k]! + taken[k]!),
        ...ranking,
      ];
      values.set(own, wholeFigures.length + k * classFigures.length);
    }
    this.#fillWhole(values, { confusion, supports, taken, total }, weights);
    return values;
  }

  #fillWhole(values: Float64Array, counts: Counts, weights: Float64Array): void {
    const { confusion, supports, taken, total } = counts;
    const K = this.classes;
    const present = Array.from(supports.keys()).filter(k => supports[k]! > 0);
    const of = (figure: ClassFigure, k: number) =>
      values[wholeFigures.length + k * classFigures.length + classFigures.indexOf(figure)]!;
    const mean = (figure: ClassFigure, share = (_k: number) => 1 / present.length) =>
      present.reduce((sum, k) => sum + (Number.isNaN(of(figure, k)) ? 0 : of(figure, k)) * share(k), 0);
    let [right, chance, squares, takenSquares] = [0, 0, 0, 0];
    for (let k = 0; k < K; k++) {
      right += confusion[k * K + k]!;
      chance += supports[k]! * taken[k]!;
      squares += supports[k]! ** 2;
      takenSquares += taken[k]! ** 2;
    }
    const ranked = present.length > 1;
    values.set([
      right / total,
      mean('recall'),
      (right * total - chance) / (total * total - chance),
      (right * total - chance) / Math.sqrt((total * total - squares) * (total * total - takenSquares)),
      mean('precision'),
      mean('f1'),
      mean('f1', k => supports[k]! / total),
      ranked ? mean('rocAuc') : Number.NaN,
      ranked ? mean('averagePrecision') : Number.NaN,
      ...this.#losses(weights, total),
    ]);
  }

  #losses(weights: Float64Array, total: number): [number, number] {
    let [loss, brier] = [0, 0];
    for (let i = 0; i < this.cells; i++) {
      loss += weights[i]! * this.#loss[i]!;
      brier += weights[i]! * this.#brier[i]!;
    }
    return [loss / total, brier / total];
  }

  /** ROC-AUC and average precision, by one walk from the highest probability down; tied cells enter together. */
  #rank(k: number, weights: Float64Array, positives: number, negatives: number): [number, number] {
    if (!(positives > 0 && negatives > 0)) return [Number.NaN, Number.NaN];
    const labels = this.#labels;
    let [above, below, own, others, pairs, area] = [0, 0, 0, 0, 0, 0];
    for (const entry of this.#orders[k]!) {
      const cell = entry < 0 ? -1 - entry : entry;
      if (labels[cell] === k) own += weights[cell]!;
      else others += weights[cell]!;
      if (entry < 0) continue;
      pairs += others * (above + own / 2);
      above += own;
      below += others;
      if (own > 0) area += (above / (above + below)) * own;
      own = 0;
      others = 0;
    }
    return [pairs / positives / negatives, area / positives];
  }
}

interface Counts {
  confusion: Float64Array;
  supports: Float64Array;
  taken: Float64Array;
  total: number;
}

function sums(confusion: Float64Array, K: number, at: (k: number, j: number) => number): Float64Array {
  return new Float64Array(K).map((_, k) => {
    let sum = 0;
    for (let j = 0; j < K; j++) sum += confusion[at(k, j)]!;
    return sum;
  });
}

function orderBy(probabilities: Float32Array, K: number, k: number): Int32Array {
  const order = Int32Array.from({ length: probabilities.length / K }, (_, i) => i);
  order.sort((a, b) => probabilities[b * K + k]! - probabilities[a * K + k]! || a - b);
  return order.map((cell, i) => {
    const next = order[i + 1];
    return next !== undefined && probabilities[next * K + k] === probabilities[cell * K + k]
      ? -1 - cell
      : cell;
  });
}
