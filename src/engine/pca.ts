// N vectors, D numbers each, P axes.
import { BrightcellError } from '../errors.ts';
import type { Job } from '../job.ts';
import { addon } from './addon.ts';
import { watched } from './watch.ts';

/** The directions in which vectors vary most. */
export interface PrincipalAxes {
  /** D. */
  mean: Float32Array;
  /** [P, D], each of length 1; the number of largest size in each is positive. */
  axes: Float32Array;
  /** P, sums of squares / (N - 1), largest first. */
  variances: Float64Array;
  /** Variance in all directions. */
  total: number;
}

/**
 * Principal component analysis of N x D numbers, which are centred where they stand: the first P axes, at most
 * min(N, D), by subspace iteration until none of the first three variances changes by more than 1e-8 of the largest and
 * all of them together by more than 1e-4 of themselves. The same bits on any number of threads; memory beyond the
 * numbers: (N + D) (P + 14) of them and a part of 64 MB. Throws `option-invalid`
 * for fewer than two vectors or less than one axis, `vectors-invalid`, `memory-full`, `cancelled`.
 */
export async function findPrincipalAxes(
  values: Float32Array,
  D: number,
  P: number,
  job: Job = {},
): Promise<PrincipalAxes> {
  const N = values.length / D;
  if (!Number.isInteger(N) || N < 2)
    throw invalid(
      `Principal axes need at least two vectors of ${D} numbers. Received ${values.length} numbers.`,
    );
  if (!Number.isInteger(P) || P < 1 || P > Math.min(N, D))
    throw invalid(`Axes must be a whole number from 1 to ${Math.min(N, D)}. Received ${P}.`);
  return watched(job, { stage: 'finding principal axes', unit: 'rounds' }, shared =>
    addon.principalAxes(values, N, D, P, shared),
  );
}

/** Vectors' coordinates on the axes, N x P: (values - mean) axes^T. Throws `option-invalid` for vectors of another length. */
export async function projectOnAxes(
  values: Float32Array,
  { mean, axes }: PrincipalAxes,
): Promise<Float32Array> {
  const [D, P] = [mean.length, axes.length / mean.length];
  const N = values.length / D;
  if (!Number.isInteger(N))
    throw invalid(`Vectors of ${D} numbers are expected. Received ${values.length} numbers.`);
  const projected = new Float32Array(N * P);
  if (N > 0) await addon.projectOnAxes(values, N, D, mean, axes, P, projected);
  return projected;
}

function invalid(message: string): BrightcellError {
  return new BrightcellError('option-invalid', message);
}
