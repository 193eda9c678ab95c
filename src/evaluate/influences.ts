// N cells, K classes. How far each cell moves each figure.
import {
  type Counts,
  fillCounted,
  type Guessed,
  lossesAt,
  rankedAt,
  rankMeansAt,
  type WeightedFigures,
} from './weightedFigures.ts';

/** For every figure of `WeightedFigures.measure` a sum of squares: what leaving out one cell does to it. */
export interface Spread {
  /** Over the cells: the jackknife's variance of the figure (Tukey 1958). */
  cells: Float64Array;
  /** Over the guessed cells, by their weight. */
  guessed: Float64Array;
}

/**
 * What leaving out each cell in turn does to every figure, in a few N K steps where measuring N times takes N N K. Exact for
 * what counts decide and for ROC-AUC; average precision by its derivative.
 */
export function measureSpread(figures: WeightedFigures, guessed: Guessed): Spread {
  const spread = { cells: new Float64Array(figures.length), guessed: new Float64Array(figures.length) };
  spreadCounts(figures, guessed.counted, spread);
  spreadRanks(figures, guessed.ranked, spread);
  figures.losses.forEach((loss, l) => {
    const mean = loss.reduce((a, b) => a + b, 0) / loss.length;
    const others = Math.max(1, loss.length - 1);
    for (const one of loss) spread.cells[lossesAt + l]! += ((one - mean) / others) ** 2;
  });
  return spread;
}

/** Cells of one label and one prediction are alike: each such kind is left out once. */
function spreadCounts(figures: WeightedFigures, counted: number, spread: Spread): void {
  const K = figures.classes;
  const kinds = countKinds(figures);
  const { counts, cells } = figures;
  const guessed = (k: number, j: number) =>
    counts.supports[k]! > 0 ? (counted * counts.taken[j]!) / cells : 0;
  const all = kinds.map((count, at) => count + guessed(Math.floor(at / K), at % K));
  const whole = countsOf(all, K);
  const values = new Float64Array(figures.length);
  const left = new Float64Array(figures.length);
  fillCounted(values, whole);
  kinds.forEach((count, at) => {
    const weight = Math.min(1, all[at]!);
    if (!(weight > 0)) return;
    const [k, j] = [Math.floor(at / K), at % K];
    leaveOut(whole, k, j, weight);
    fillCounted(left, whole);
    leaveOut(whole, k, j, -weight);
    for (let f = 0; f < left.length; f++) {
      const change = ((values[f]! - left[f]!) / weight) ** 2;
      // A figure that is not defined without the cell: its own is not defined either, or rests on this cell alone.
      if (Number.isNaN(change)) continue;
      spread.cells[f]! += count * change;
      spread.guessed[f]! += guessed(k, j) * change;
    }
  });
}

/** K x K: cells by label and prediction. */
function countKinds({ classes, labels, predicted }: WeightedFigures): Float64Array {
  const kinds = new Float64Array(classes * classes);
  for (let i = 0; i < labels.length; i++) kinds[labels[i]! * classes + predicted[i]!]!++;
  return kinds;
}

function countsOf(kinds: Float64Array, K: number): Counts {
  const counts = {
    ...{ right: new Float64Array(K), supports: new Float64Array(K), taken: new Float64Array(K) },
    total: 0,
  };
  kinds.forEach((weight, at) => void leaveOut(counts, Math.floor(at / K), at % K, -weight));
  return counts;
}

function leaveOut(counts: Counts, k: number, j: number, weight: number): void {
  counts.supports[k]! -= weight;
  counts.taken[j]! -= weight;
  if (k === j) counts.right[k]! -= weight;
  counts.total -= weight;
}

/**
 * A cell's influence on a mean over classes depends on its label: with o the sum of what a cell of another class does and d_l
 * what one of class l does beyond that, it is o + d_l. The sums over l of the squares follow from sums of d and d squared.
 */
function spreadRanks(figures: WeightedFigures, ranked: number, spread: Spread): void {
  const { cells: N, classes: K, present, labels } = figures;
  if (present < 2) return;
  const means = [0, 1].map(() => ({
    ...{ real: new Float64Array(N), others: new Float64Array(N) },
    ...{ beyond: new Float64Array(N), squares: new Float64Array(N) },
  }));
  for (let k = 0; k < K; k++) {
    if (figures.counts.supports[k] === 0) continue;
    const influences = rankInfluences(figures, k, ranked);
    const [guessedOwn, guessedOthers] = figures.guessedAt(k, ranked);
    influences.forEach(({ own, others }, figure) => {
      const mean = means[figure]!;
      const at = rankedAt(k) + figure;
      for (let i = 0; i < N; i++) {
        const real = labels[i] === k ? own[i]! : others[i]!;
        const beyond = own[i]! - others[i]!;
        spread.cells[at]! += real ** 2;
        spread.guessed[at]! += guessedOwn * own[i]! ** 2 + guessedOthers * others[i]! ** 2;
        mean.real[i]! += real / present;
        mean.others[i]! += others[i]! / present;
        mean.beyond[i]! += beyond / present;
        mean.squares[i]! += (beyond / present) ** 2;
      }
    });
  }
  means.forEach(({ real, others, beyond, squares }, figure) => {
    for (let i = 0; i < N; i++) {
      spread.cells[rankMeansAt + figure]! += real[i]! ** 2;
      const sum = present * others[i]! ** 2 + 2 * others[i]! * beyond[i]! + squares[i]!;
      spread.guessed[rankMeansAt + figure]! += (ranked / N) * sum;
    }
  });
}

interface Influences {
  /** N: of a cell of the class at the place of each cell. */
  own: Float64Array;
  /** N: of a cell of another class there. */
  others: Float64Array;
}

/**
 * What a cell of class k, or of another one, does to ROC-AUC and average precision at the place of each cell, by one walk
 * from the lowest probability up: derivatives by weight, over the share of the class that is left without the cell.
 */
function rankInfluences(figures: WeightedFigures, k: number, ranked: number): [Influences, Influences] {
  const { cells: N, labels } = figures;
  const order = figures.orders[k]!;
  const [guessedOwn, guessedOthers] = figures.guessedAt(k, ranked);
  const unit = new Float64Array(N).fill(1);
  const [auc, precision] = figures.rank(k, unit, ranked);
  const positives = figures.counts.supports[k]! + guessedOwn * N;
  const negatives = N - figures.counts.supports[k]! + guessedOthers * N;
  const [area, mean] = [0, 0].map(() => ({ own: new Float64Array(N), others: new Float64Array(N) })) as [
    Influences,
    Influences,
  ];
  // Without the only cell of a class there would be its guessed weight alone: it moves the figure at most twentyfold.
  const kept = [positives, negatives].map(weight => Math.max(0.05, 1 - 1 / weight)) as [number, number];
  let [above, below, risen, fallen] = [positives, negatives, 0, 0];
  for (let end = N - 1; end >= 0; ) {
    let start = end;
    while (start > 0 && order[start - 1]! < 0) start--;
    let [own, others] = [(end - start + 1) * guessedOwn, (end - start + 1) * guessedOthers];
    for (let at = start; at <= end; at++) {
      if (labels[cellOf(order[at]!)] === k) own++;
      else others++;
    }
    const all = above + below;
    risen += (own * below) / all ** 2;
    fallen += (own * above) / all ** 2;
    for (let at = start; at <= end; at++) {
      const cell = cellOf(order[at]!);
      area.own[cell] = ((negatives - below + others / 2) / negatives - auc) / positives / kept[0];
      area.others[cell] = ((above - own / 2) / positives - auc) / negatives / kept[1];
      mean.own[cell] = (above / all + risen - precision) / positives / kept[0];
      mean.others[cell] = -fallen / positives / kept[1];
    }
    above -= own;
    below -= others;
    end = start - 1;
  }
  return [area, mean];
}

const cellOf = (entry: number) => (entry < 0 ? -1 - entry : entry);
