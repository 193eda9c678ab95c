// N cells, D features, R references, K' classes that have references.
import { measureStandardisation, type Standardisation, standardise } from './standardised.ts';
import {
  fitWhitening,
  invertFactor,
  type KnownCells,
  multiplyLower,
  squaredDistance,
  type Whitening,
} from './whitening.ts';

/** Cells of known classes, and of a class that might also have been. */
export interface LikelihoodRatio {
  /** D: mean size of each feature; 1 where it is 0 in every reference. */
  scales: Float32Array;
  standardisation: Standardisation;
  whitening: Whitening;
  /** K': share of the references that are of each class. */
  shares: Float32Array;
  /** D x D lower triangular: the inverse of the Cholesky factor of an unseen class's covariance, where W is the identity. */
  unseen: Float32Array;
}

/** Of what is known of where an unseen class lies, the share that has no direction; chosen by measurement. */
const spread = 0.25;

/**
 * Fits what `scoreByLikelihoodRatio` asks: features brought to log scale and standardised, a mean for each class and W,
 * the covariance that all share, shrunk (see `fitWhitening`). Means of classes are taken to be drawn from a normal
 * distribution as well (as in probabilistic linear discriminant analysis, Ioffe 2006), about the mean of the known means.
 * With W the identity, its covariance is 3/4 of that of the known means and 1/4 of as much variance in every direction
 * alike: K' classes show at most K' - 1 directions, and a new one keeps to these only in part. R D^2 + D^3 multiply-adds on
 * the calling thread. Throws as `fitWhitening` does.
 */
export function fitLikelihoodRatio(known: KnownCells): LikelihoodRatio {
  const D = known.dimensions;
  const scales = measureScales(known.embeddings, D);
  const values = toLogScale(known.embeddings, scales);
  const standardisation = measureStandardisation(values, D);
  standardise(values, standardisation);
  const whitening = fitWhitening({ ...known, embeddings: values });
  const unseen = Float32Array.from(invertFactor(covarianceOfUnseen(whitening), D));
  return { scales, standardisation, whitening, shares: measureShares(known.labels), unseen };
}

/**
 * How much better a class not seen yet explains the features of each cell (N x D) than the known classes do: twice the
 * logarithm of the ratio of the two likelihoods, up to a constant,
 *
 *   -2 ln sum_k share_k exp(-|z - m_k|^2 / 2) - (z - m)' (I + B)^-1 (z - m),
 *
 * where z is a cell where W is the identity, m_k a class's mean, m the mean of these, and B the covariance of means. The
 * second term is what sets it apart from the distance to the nearest class (compare Ren et al. 2021): a known cell that is
 * odd in every way, out of focus say, is no better explained by a new class.
 */
export function scoreByLikelihoodRatio(ratio: LikelihoodRatio, features: Float32Array): Float32Array {
  const { scales, standardisation, whitening, shares, unseen } = ratio;
  const D = whitening.dimensions;
  const logs = toLogScale(features, scales);
  standardise(logs, standardisation);
  const values = Float64Array.from(logs);
  const [lower, lowerOfUnseen] = [Float64Array.from(whitening.factor), Float64Array.from(unseen)];
  const means = Float64Array.from(whitening.means);
  const middle = meanOfRows(means, D);
  const logShares = Array.from(shares, Math.log);
  return Float32Array.from({ length: values.length / D }, (_, i) => {
    const cell = multiplyLower(lower, values.subarray(i * D, (i + 1) * D), D);
    const known = logShares.map((share, k) => share - squaredDistance(cell, means, k * D) / 2);
    const offMiddle = cell.map((value, d) => value - middle[d]!);
    return -2 * logSumExp(known) - squaredLength(multiplyLower(lowerOfUnseen, offMiddle, D));
  });
}

function measureScales(features: Float32Array, D: number): Float32Array {
  const sums = new Float64Array(D);
  features.forEach((value, i) => {
    sums[i % D]! += Math.abs(value);
  });
  return Float32Array.from(sums, sum => (sum > 0 ? (sum * D) / features.length : 1));
}

/** sign(x) ln(1 + |x| / scale): areas, moments and the like have long tails, which a normal distribution has not. */
function toLogScale(features: Float32Array, scales: Float32Array): Float32Array {
  const D = scales.length;
  return features.map((value, i) => Math.sign(value) * Math.log1p(Math.abs(value) / scales[i % D]!));
}

function measureShares(labels: Int32Array): Float32Array {
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  const inOrder = [...counts].sort(([a], [b]) => a - b);
  return Float32Array.from(inOrder, ([, count]) => count / labels.length);
}

/** I + B, D x D. */
function covarianceOfUnseen({ means: rows, dimensions: D }: Whitening): Float64Array {
  const means = Float64Array.from(rows);
  const middle = meanOfRows(means, D);
  const covariance = new Float64Array(D * D);
  const freedom = Math.max(1, means.length / D - 1);
  let trace = 0;
  for (let at = 0; at < means.length; at += D) {
    const off = middle.map((value, d) => means[at + d]! - value);
    for (let a = 0; a < D; a++) {
      trace += off[a]! ** 2 / freedom;
      for (let b = 0; b < D; b++) covariance[a * D + b]! += ((1 - spread) * off[a]! * off[b]!) / freedom;
    }
  }
  for (let d = 0; d < D; d++) covariance[d * D + d]! += 1 + (spread * trace) / D;
  return covariance;
}

function meanOfRows(rows: Float64Array, D: number): Float64Array {
  const sums = new Float64Array(D);
  rows.forEach((value, i) => {
    sums[i % D]! += value;
  });
  return sums.map(sum => (sum * D) / rows.length);
}

function squaredLength(values: Float64Array): number {
  let squares = 0;
  for (const value of values) squares += value * value;
  return squares;
}

function logSumExp(values: number[]): number {
  const most = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  return most + Math.log(values.reduce((sum, value) => sum + Math.exp(value - most), 0));
}
