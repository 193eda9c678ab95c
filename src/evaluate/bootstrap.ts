import type { ConfusionMatrix } from './confusion.ts';
import type { Interval } from './interval.ts';

/**
 * 95 % bootstrap percentile interval of a figure that depends on the confusion matrix alone: 2,000 resamples of
 * the cells, drawn as multinomial counts, so the cost does not grow with N. Seeded: the same matrix gives the
 * same interval. Null when no cell was taken for another class: nothing varies then, and an interval of no width
 * would say more than is known.
 */
export function bootstrapInterval(
  confusion: ConfusionMatrix,
  figure: (resampled: ConfusionMatrix) => number | null,
): Interval | null {
  const cells = confusion
    .flatMap((row, k) => row.map((count, j) => ({ k, j, count })))
    .filter(one => one.count > 0);
  if (cells.every(({ k, j }) => k === j)) return null;
  const random = seededUniform(20191005);
  const values: number[] = [];
  for (let resample = 0; resample < 2000; resample++) {
    const value = figure(resampleCounts(confusion.length, cells, random));
    if (value !== null) values.push(value);
  }
  values.sort((a, b) => a - b);
  return [quantile(values, 0.025), quantile(values, 0.975)];
}

interface Count {
  k: number;
  j: number;
  count: number;
}

function resampleCounts(classes: number, cells: Count[], random: () => number): ConfusionMatrix {
  const drawn: ConfusionMatrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  const counts = cells.map(({ count }) => count);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const draws = drawMultinomial(counts, total, random, new Float64Array(counts.length));
  for (const [i, { k, j }] of cells.entries()) drawn[k]![j] = draws[i]!;
  return drawn;
}

/**
 * Draws `total` times with replacement from things that are there `counts` times each, as a chain of binomial draws: each
 * count, given what the counts before it left. Fills and gives `drawn`.
 */
export function drawMultinomial(
  counts: ArrayLike<number>,
  total: number,
  random: () => number,
  drawn: Float64Array,
): Float64Array {
  let left = total;
  let weight = 0;
  for (let i = 0; i < counts.length; i++) weight += counts[i]!;
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i]!;
    drawn[i] = count >= weight ? left : drawBinomial(left, count / weight, random);
    left -= drawn[i]!;
    weight -= count;
  }
  return drawn;
}

/** Successes of n trials. Past 30 expected successes and failures the rounded normal is close enough here. */
function drawBinomial(n: number, p: number, random: () => number): number {
  if (p > 0.5) return n - drawBinomial(n, 1 - p, random);
  if (n * p > 30) {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return Math.min(n, Math.max(0, Math.round(n * p + Math.sqrt(n * p * (1 - p)) * normal)));
  }
  let term = Math.exp(n * Math.log1p(-p)); // probability of 0 successes, then of 1, 2, ...
  let remaining = random();
  let successes = 0;
  while (remaining > term && successes < n) {
    remaining -= term;
    term *= ((n - successes) / (successes + 1)) * (p / (1 - p));
    successes++;
  }
  return successes;
}

/** Uniform numbers in [0, 1) by Mulberry32. */
export function seededUniform(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** The q-th quantile of ascending values, between neighbours in proportion. */
export function quantile(sorted: number[], q: number): number {
  const at = q * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (at - below) * (sorted[above]! - sorted[below]!);
}
