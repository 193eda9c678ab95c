// R references, D numbers an embedding.
import { BrightcellError } from '../errors.ts';

/** Embeddings of training cells and their classes. */
export interface KnownCells {
  /** R x D row major. */
  embeddings: Float32Array;
  /** R of [0, K). */
  labels: Int32Array;
  /** D. */
  dimensions: number;
}

/** Class means in coordinates in which the classes' shared covariance is the identity. */
export interface Whitening {
  /** K' x D: the classes that have cells. */
  means: Float32Array;
  /** D x D lower triangular: the inverse of the covariance's Cholesky factor. */
  factor: Float32Array;
  dimensions: number;
}

/** Embeddings with more numbers are too long for a covariance matrix here. */
export const longestWhitening = 512;

/**
 * Means and shared covariance of the classes (Lee et al. 2018), shrunk towards a multiple of the identity by as much as
 * the number of cells calls for (oracle approximating shrinkage, Chen et al. 2010). R D^2 + D^3 / 3 multiply-adds on the
 * calling thread. Throws `option-invalid` for more than 512 numbers.
 */
export function fitWhitening({ embeddings, labels, dimensions: D }: KnownCells): Whitening {
  if (D > longestWhitening) {
    throw new BrightcellError(
      'option-invalid',
      `Mahalanobis distances need embeddings of at most ${longestWhitening} numbers. Received ${D}. Use knn.`,
    );
  }
  const means = meansOf(embeddings, labels, D);
  const covariance = covarianceOf(embeddings, labels, means, D);
  shrink(covariance, labels.length, D);
  const factor = invertFactor(covariance, D);
  const whitened = [...means.values()].map(mean => multiplyLower(factor, mean, D));
  return {
    means: Float32Array.from(whitened.flatMap(mean => [...mean])),
    factor: Float32Array.from(factor),
    dimensions: D,
  };
}

/** The inverse of the Cholesky factor of a positive definite matrix, D x D lower triangular. */
export function invertFactor(matrix: Float64Array, D: number): Float64Array {
  return invertLower(cholesky(matrix, D), D);
}

function meansOf(embeddings: Float32Array, labels: Int32Array, D: number): Map<number, Float64Array> {
  const sums = new Map<number, { sum: Float64Array; count: number }>();
  labels.forEach((label, i) => {
    const own = sums.get(label) ?? { sum: new Float64Array(D), count: 0 };
    sums.set(label, own);
    own.count++;
    for (let d = 0; d < D; d++) own.sum[d]! += embeddings[i * D + d]!;
  });
  return new Map(
    [...sums]
      .sort(([a], [b]) => a - b)
      .map(([label, { sum, count }]) => [label, sum.map(one => one / count)]),
  );
}

function covarianceOf(
  embeddings: Float32Array,
  labels: Int32Array,
  means: Map<number, Float64Array>,
  D: number,
): Float64Array {
  const covariance = new Float64Array(D * D);
  const centred = new Float64Array(D);
  for (let i = 0; i < labels.length; i++) {
    const mean = means.get(labels[i]!)!;
    for (let d = 0; d < D; d++) centred[d] = embeddings[i * D + d]! - mean[d]!;
    for (let a = 0; a < D; a++) {
      const own = centred[a]!;
      if (own === 0) continue;
      for (let b = 0; b <= a; b++) covariance[a * D + b]! += own * centred[b]!;
    }
  }
  for (let a = 0; a < D; a++) {
    for (let b = 0; b <= a; b++) {
      const value = covariance[a * D + b]! / labels.length;
      covariance[a * D + b] = value;
      covariance[b * D + a] = value;
    }
  }
  return covariance;
}

/** Chen et al. 2010, equation 23; where nothing varies, the identity. */
function shrink(covariance: Float64Array, cells: number, D: number): void {
  let trace = 0;
  for (let d = 0; d < D; d++) trace += covariance[d * D + d]!;
  const squares = covariance.reduce((sum, value) => sum + value * value, 0);
  const above = (1 - 2 / D) * squares + trace * trace;
  const below = (cells + 1 - 2 / D) * (squares - (trace * trace) / D);
  const share = below > 0 ? Math.min(1, Math.max(above / below, 1e-6)) : 1;
  const mean = trace > 0 ? trace / D : 1;
  for (let i = 0; i < covariance.length; i++) covariance[i]! *= 1 - share;
  for (let d = 0; d < D; d++) covariance[d * D + d]! += share * mean;
}

function cholesky(matrix: Float64Array, D: number): Float64Array {
  const lower = new Float64Array(D * D);
  for (let a = 0; a < D; a++) {
    for (let b = 0; b <= a; b++) {
      let rest = matrix[a * D + b]!;
      for (let d = 0; d < b; d++) rest -= lower[a * D + d]! * lower[b * D + d]!;
      lower[a * D + b] = a === b ? Math.sqrt(rest) : rest / lower[b * D + b]!;
    }
  }
  return lower;
}

function invertLower(lower: Float64Array, D: number): Float64Array {
  const inverse = new Float64Array(D * D);
  for (let column = 0; column < D; column++) {
    for (let row = column; row < D; row++) {
      let rest = row === column ? 1 : 0;
      for (let d = column; d < row; d++) rest -= lower[row * D + d]! * inverse[d * D + column]!;
      inverse[row * D + column] = rest / lower[row * D + row]!;
    }
  }
  return inverse;
}

/** A lower triangular matrix, D x D, times a vector. */
export function multiplyLower(lower: Float64Array, vector: Float64Array, D: number): Float64Array {
  const product = new Float64Array(D);
  for (let a = 0; a < D; a++) {
    let sum = 0;
    for (let b = 0; b <= a; b++) sum += lower[a * D + b]! * vector[b]!;
    product[a] = sum;
  }
  return product;
}

/** From a vector to the D numbers from `at` on of `means`. */
export function squaredDistance(vector: Float64Array, means: ArrayLike<number>, at: number): number {
  let squares = 0;
  for (let d = 0; d < vector.length; d++) squares += (vector[d]! - means[at + d]!) ** 2;
  return squares;
}
