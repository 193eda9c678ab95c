import { BrightcellError } from '../errors.ts';

/** McNemar's test of two classifiers on the same cells. */
export interface McNemar {
  /** Cells that only the first classifier names rightly. */
  onlyFirst: number;
  /** Cells that only the second names rightly. */
  onlySecond: number;
  /** 'exact': binomial, two-sided; 'chi-squared': with continuity correction, one degree of freedom. */
  test: 'exact' | 'chi-squared';
  /** Of the chi-squared form, (|b - c| - 1)^2 / (b + c); null of the exact one. */
  statistic: number | null;
  /** Two-sided probability of so unequal a count if both were right equally often. From 0 to 1. */
  p: number;
}

/** Below this many cells on which exactly one classifier is right, the exact form is used. */
const fewDiscordant = 25;

/**
 * McNemar's test (1947) from the two counts of cells on which exactly one of two classifiers is right: the exact binomial
 * form below 25 such cells, else chi-squared with Edwards's continuity correction. Without any, p is 1. It takes cells as
 * drawn one by one. Throws `option-invalid` for what is no count.
 */
export function testMcNemar(onlyFirst: number, onlySecond: number): McNemar {
  for (const count of [onlyFirst, onlySecond]) {
    if (Number.isSafeInteger(count) && count >= 0) continue;
    throw new BrightcellError(
      'option-invalid',
      `Counts of cells must be whole numbers from 0. Received ${count}.`,
    );
  }
  const discordant = onlyFirst + onlySecond;
  if (discordant < fewDiscordant) {
    const p = exactP(Math.min(onlyFirst, onlySecond), discordant);
    return { onlyFirst, onlySecond, test: 'exact', statistic: null, p };
  }
  const statistic = Math.max(0, Math.abs(onlyFirst - onlySecond) - 1) ** 2 / discordant;
  return { onlyFirst, onlySecond, test: 'chi-squared', statistic, p: chiSquaredTail(statistic) };
}

/** Twice the probability of at most `fewer` heads in `throws` throws of a fair coin, at most 1. */
function exactP(fewer: number, throws: number): number {
  let ways = 1; // throws choose heads: exact below 2^53
  let sum = 0;
  for (let heads = 0; heads <= fewer; heads++) {
    sum += ways;
    ways = (ways * (throws - heads)) / (heads + 1);
  }
  return Math.min(1, (2 * sum) / 2 ** throws);
}

/** Probability that chi-squared of one degree of freedom is above x: Q(1/2, x/2), the complementary error function. */
export function chiSquaredTail(x: number): number {
  const half = x / 2;
  if (half === 0) return 1;
  const scale = Math.exp(-half) * Math.sqrt(half / Math.PI);
  return half < 1.5 ? 1 - scale * lowerSeries(half) : scale * upperFraction(half);
}

/** Series of the lower incomplete gamma function of 1/2, without its factor. */
function lowerSeries(x: number): number {
  let term = 2;
  let sum = term;
  for (let n = 1; term > sum * 1e-17; n++) sum += term *= x / (0.5 + n);
  return sum;
}

/** Continued fraction of the upper one, without its factor, by Lentz's method. */
function upperFraction(x: number): number {
  let b = x + 0.5;
  let c = 1e300;
  let d = 1 / b;
  let fraction = d;
  for (let n = 1; n < 500; n++) {
    const a = -n * (n - 0.5);
    b += 2;
    d = 1 / (a * d + b);
    c = b + a / c;
    fraction *= c * d;
    if (Math.abs(c * d - 1) < 1e-16) break;
  }
  return fraction;
}
