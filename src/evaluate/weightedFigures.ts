// N cells, K classes. Figures of cells that count with weights: what leaving out cells asks for, many times.
import { type LabelledPredictions, mostProbable } from './score.ts';

/**
 * Figures of a whole part, in this order; losses are better when lower. The calibration error is not among them: noise in
 * its bins adds up, and no interval of it held the true one often enough.
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

/**
 * Cells that were guessed, added to each class that has cells: their weight for figures of counts and for those of ranks. They
 * keep a class from being all right, or gone, where a cell or a group is left out: a cell of a class is spread over the
 * predictions and the places in rank of all cells.
 */
export interface Guessed {
  counted: number;
  ranked: number;
}

const none: Guessed = { counted: 0, ranked: 0 };

/** What figures of counts are made of, with weights: K of each. */
export interface Counts {
  right: Float64Array;
  /** Of the class. */
  supports: Float64Array;
  /** Taken for the class. */
  taken: Float64Array;
  total: number;
}

/** Figures of the same cells under any weights, each in N K steps. What does not depend on weights is done once. */
export class WeightedFigures {
  readonly cells: number;
  readonly classes: number;
  /** N of [0, K). */
  readonly labels: Int32Array;
  /** N of [0, K). */
  readonly predicted: Int32Array;
  /** N: log loss and Brier loss of each cell. */
  readonly losses: readonly [Float64Array, Float64Array];
  /** K x N: cells by probability of the class, highest first; a negative number, -1 - cell, is tied with the next one. */
  readonly orders: readonly Int32Array[];
  /** Every cell once. */
  readonly counts: Counts;
  /** Classes that have cells. */
  readonly present: number;

  constructor({ classes, labels, probabilities }: LabelledPredictions) {
    const K = classes.length;
    this.cells = labels.length;
    this.classes = K;
    this.labels = labels;
    this.predicted = mostProbable(probabilities, K);
    const loss = Float64Array.from(
      labels,
      (label, i) => -Math.log(Math.max(smallest, probabilities[i * K + label]!)),
    );
    const brier = Float64Array.from(labels, (label, i) => {
      let sum = 0;
      for (let k = 0; k < K; k++) sum += (probabilities[i * K + k]! - (k === label ? 1 : 0)) ** 2;
      return sum;
    });
    this.losses = [loss, brier];
    this.orders = classes.map((_, k) => orderBy(probabilities, K, k));
    this.counts = this.#count(new Float64Array(this.cells).fill(1));
    this.present = this.counts.supports.filter(support => support > 0).length;
  }

  /** Numbers that `measure` gives: `wholeFigures`, then `classFigures` of each class. */
  get length(): number {
    return wholeFigures.length + this.classes * classFigures.length;
  }

  /** All figures; NaN where one is not defined. Means are over the classes that have weight. Guessed cells have no loss. */
  measure(weights: Float64Array, guessed: Guessed = none): Float64Array {
    const values = new Float64Array(this.length).fill(Number.NaN);
    const counts = this.#count(weights);
    this.losses.forEach((loss, l) => {
      let sum = 0;
      for (let i = 0; i < this.cells; i++) sum += weights[i]! * loss[i]!;
      values[lossesAt + l] = sum / counts.total;
    });
    fillCounted(values, this.#withGuessed(counts, guessed.counted));
    for (let k = 0; k < this.classes; k++) {
      values.set(this.rank(k, weights, guessed.ranked), rankedAt(k));
    }
    fillRankMeans(values);
    return values;
  }

  /** Weight of the cells of class k and of the others that were guessed, at each place in rank. */
  guessedAt(k: number, ranked: number): [own: number, others: number] {
    const own = this.counts.supports[k]! > 0 ? 1 : 0;
    return [(own * ranked) / this.cells, ((this.present - own) * ranked) / this.cells];
  }

  #count(weights: Float64Array): Counts {
    const [right, supports, taken] = [0, 0, 0].map(() => new Float64Array(this.classes)) as Float64Array[];
    let total = 0;
    for (let i = 0; i < this.cells; i++) {
      const [label, predicted, weight] = [this.labels[i]!, this.predicted[i]!, weights[i]!];
      supports![label]! += weight;
      taken![predicted]! += weight;
      if (label === predicted) right![label]! += weight;
      total += weight;
    }
    return { right: right!, supports: supports!, taken: taken!, total };
  }

  #withGuessed({ right, supports, taken, total }: Counts, counted: number): Counts {
    const share = (k: number) => (counted * this.counts.taken[k]!) / this.cells;
    const own = (k: number) => (this.counts.supports[k]! > 0 ? 1 : 0);
    return {
      right: right.map((one, k) => one + own(k) * share(k)),
      supports: supports.map((one, k) => one + own(k) * counted),
      taken: taken.map((one, k) => one + this.present * share(k)),
      total: total + this.present * counted,
    };
  }

  /** ROC-AUC and average precision of class k, by one walk from the highest probability down; tied cells enter together. */
  rank(k: number, weights: Float64Array, ranked: number): [number, number] {
    const labels = this.labels;
    const [guessedOwn, guessedOthers] = this.guessedAt(k, ranked);
    let [above, below, own, others, pairs, area] = [0, 0, 0, 0, 0, 0];
    for (const entry of this.orders[k]!) {
      const cell = entry < 0 ? -1 - entry : entry;
      own += guessedOwn;
      others += guessedOthers;
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
    // NaN where one side is empty.
    return [pairs / above / below, below > 0 ? area / above : Number.NaN];
  }
}

/** Where the figures of class k begin. */
export const classAt = (k: number) => wholeFigures.length + k * classFigures.length;
/** Where ROC-AUC and, after it, average precision of class k stand. */
export const rankedAt = (k: number) => classAt(k) + classFigures.indexOf('rocAuc');
/** Where the means of both stand. */
export const rankMeansAt = wholeFigures.indexOf('macroRocAuc');
/** Where log loss and Brier loss stand. */
export const lossesAt = wholeFigures.indexOf('logLoss');

/** Fills in the figures that counts decide. */
export function fillCounted(values: Float64Array, { right, supports, taken, total }: Counts): void {
  let [rights, chance, squares, takenSquares, present] = [0, 0, 0, 0, 0];
  let [recalls, precisions, f1s, weightedF1] = [0, 0, 0, 0];
  for (let k = 0; k < right.length; k++) {
    const [hit, support, took] = [right[k]!, supports[k]!, taken[k]!];
    const f1 = (2 * hit) / (support + took);
    const at = classAt(k);
    values[at] = hit / took;
    values[at + 1] = hit / support;
    values[at + 2] = (total - support - took + hit) / (total - support);
    values[at + 3] = f1;
    rights += hit;
    chance += support * took;
    squares += support ** 2;
    takenSquares += took ** 2;
    if (!(support > 0)) continue;
    present++;
    recalls += hit / support;
    if (took > 0) precisions += hit / took;
    f1s += f1;
    weightedF1 += (support / total) * f1;
  }
  const beyond = rights * total - chance;
  values[0] = rights / total;
  values[1] = recalls / present;
  values[2] = beyond / (total * total - chance);
  values[3] = beyond / Math.sqrt((total * total - squares) * (total * total - takenSquares));
  values[4] = precisions / present;
  values[5] = f1s / present;
  values[6] = weightedF1;
}

/** The means are over the classes that have weight; with one of them there is no other side. */
function fillRankMeans(values: Float64Array): void {
  for (const figure of [0, 1]) {
    let [sum, present] = [0, 0];
    for (let at = rankedAt(0) + figure; at < values.length; at += classFigures.length) {
      if (Number.isNaN(values[at]!)) continue;
      sum += values[at]!;
      present++;
    }
    if (present > 0) values[rankMeansAt + figure] = sum / present;
  }
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
