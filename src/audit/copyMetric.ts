// S sampled cells, D numbers of a description, P bytes of it that are kept.
import { findPrincipalAxes, type PrincipalAxes, projectOnAxes } from '../engine/pca.ts';

/** Most bytes of a description that are kept: the axes along which cells differ most. */
export const mostBytes = 64;
/** Deviations of the widest axis that bytes hold to either side. */
const held = 3;

/**
 * The metric in which copies are near: each number is scaled by how much changes move it, so that what tells cells apart counts
 * and what a shift or noise changes does not; then turned to its principal axes and made bytes.
 */
export class CopyMetric {
  /** P. */
  readonly bytes: number;
  readonly #weights: Float64Array;
  readonly #axes: PrincipalAxes;
  readonly #factor: number;

  private constructor(weights: Float64Array, axes: PrincipalAxes) {
    this.#weights = weights;
    this.#axes = axes;
    this.bytes = axes.variances.length;
    const widest = Math.sqrt(axes.variances[0]!);
    this.#factor = widest > 0 ? 127 / (held * widest) : 0;
  }

  /** Learnt from S x D numbers of cells and of changed copies of the very cells, one array a kind of change; S at least 1. */
  static async learn(own: Float32Array, copies: readonly Float32Array[], D: number): Promise<CopyMetric> {
    const weights = weighNumbers(own, copies, D);
    const all = new Float32Array(own.length * (1 + copies.length));
    for (const [i, values] of [own, ...copies].entries()) all.set(weigh(values, weights), i * own.length);
    return new CopyMetric(weights, await findPrincipalAxes(all, D, Math.min(mostBytes, D, all.length / D)));
  }

  /** N x P bytes of N x D numbers. */
  async apply(values: Float32Array): Promise<Uint8Array> {
    const projected = await projectOnAxes(weigh(values, this.#weights), this.#axes);
    const bytes = new Uint8Array(projected.length);
    for (let i = 0; i < bytes.length; i++)
      bytes[i] = Math.max(0, Math.min(255, Math.round(128 + projected[i]! * this.#factor)));
    return bytes;
  }
}

function weighNumbers(own: Float32Array, copies: readonly Float32Array[], D: number): Float64Array {
  const S = own.length / D;
  const means = new Float64Array(D);
  for (let i = 0; i < own.length; i++) means[i % D]! += own[i]! / S;
  const within = new Float64Array(D);
  const between = new Float64Array(D);
  for (let i = 0; i < own.length; i++) {
    between[i % D]! += (own[i]! - means[i % D]!) ** 2 / S;
    for (const copy of copies) within[i % D]! += (copy[i]! - own[i]!) ** 2 / (S * copies.length);
  }
  // A number that no change moves must not count without bounds: at most as if moved by a twentieth of its spread.
  return within.map((moved, d) => {
    const least = Math.max(moved, between[d]! / 400);
    return least > 0 ? 1 / Math.sqrt(least) : 0;
  });
}

function weigh(values: Float32Array, weights: Float64Array): Float32Array {
  const D = weights.length;
  return values.map((value, i) => value * weights[i % D]!);
}
