// N vectors of D numbers, k neighbours of each.
import { BrightcellError } from '../errors.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { addon } from './addon.ts';
import { vectorLength } from './distances.ts';
import type { ImageSet } from './imageSet.ts';
import { findNeighbours } from './neighbours.ts';
import { watched } from './watch.ts';

/** How near each of N vectors is to its k nearest others. */
export interface NeighbourWeights {
  k: number;
  /** N x k: which vectors, never itself. */
  places: Int32Array;
  /** N x k: conditional probabilities of t-SNE, or memberships of UMAP. */
  weights: Float32Array;
}

export interface TsneSettings {
  /** Iterations in all; 1000 by default, of which the first quarter with attraction 12 times as strong. */
  iterations?: number;
  /** `pairs`: every pair of points; `grid`: interpolated; by default pairs up to 4,000 points. */
  repulsion?: 'pairs' | 'grid';
}

export interface TsneResult {
  /** N x 2. */
  coordinates: Float32Array;
  /** Kullback-Leibler divergence of the neighbours' probabilities from those of the points, in nats. */
  divergence: number;
  iterations: number;
}

export interface UmapSettings {
  /** How near points may come; 0.1 by default. */
  minimumDistance?: number;
  /** 500 by default up to 10,000 points, 200 beyond. */
  epochs?: number;
  seed?: number;
}

/** Most vectors whose points repel each other pair by pair unless asked for. */
export const mostPairs = 4000;
const queriesAtOnce = 8192;
const exaggeration = 12;

/**
 * Finds the k nearest others of every vector of a set, exactly, and weighs them: for t-SNE by a Gaussian of the given
 * perplexity, for UMAP (`perplexity` null) as its fuzzy graph does. Distances are kept for a few thousand vectors at a
 * time: memory beyond the result, 8 N k bytes, is bounded. Throws `option-invalid`, `cancelled`.
 */
export async function weighNeighbours(
  set: ImageSet,
  k: number,
  perplexity: number | null,
  job: Job = {},
): Promise<NeighbourWeights> {
  const N = set.count;
  if (!Number.isInteger(k) || k < 1 || k >= N)
    throw invalid(`Neighbours must be a whole number from 1 to ${N - 1}, all others. Received ${k}.`);
  const rows = Int32Array.from({ length: N }, (_, i) => i);
  const result = { k, places: new Int32Array(N * k), weights: new Float32Array(N * k) };
  for (let at = 0; at < N; at += queriesAtOnce) {
    throwIfCancelled(job);
    const queries = rows.subarray(at, at + queriesAtOnce);
    const found = await findNeighbours(
      { set, rows },
      { set, rows: queries },
      k + 1,
      progressFrom(job, at, N),
    );
    const distances = new Float64Array(queries.length * k);
    withoutSelf(found, at, result.places.subarray(at * k), distances);
    const weights = result.weights.subarray(at * k, (at + queries.length) * k);
    await addon.weighNeighbours(queries.length, k, distances, perplexity ?? 0, weights);
  }
  return result;
}

function progressFrom({ signal, onProgress }: Job, at: number, N: number): Job {
  return {
    signal,
    onProgress: ({ done }) =>
      onProgress?.({ stage: 'finding neighbours', done: at + done, total: N, unit: 'cells' }),
  };
}

/** A vector is its own nearest; among more than k equal ones it may be missing, and then the last is left out. */
function withoutSelf(
  { k: found, places, squaredDistances }: { k: number; places: Int32Array; squaredDistances: Float64Array },
  first: number,
  to: Int32Array,
  distances: Float64Array,
): void {
  const k = found - 1;
  for (let i = 0; i * k < distances.length; i++) {
    let n = i * k;
    for (let j = 0; j < found && n < (i + 1) * k; j++) {
      if (places[i * found + j] === first + i) continue;
      to[n] = places[i * found + j]!;
      distances[n++] = squaredDistances[i * found + j]!;
    }
  }
}

/** Neighbours that t-SNE weighs for a perplexity: one more than three times as many, as scikit-learn does, or all. */
export function neighboursOfPerplexity(perplexity: number, N: number): number {
  return Math.min(N - 1, Math.floor(3 * perplexity + 1));
}

/**
 * t-SNE (van der Maaten and Hinton 2008) of weighed neighbours by gradient descent from `start`, N x 2, with the
 * settings of scikit-learn: early exaggeration 12 for a quarter of the iterations, learning rate max(N / 48, 50), first
 * coordinate of the start scaled to a deviation of 1e-4. The same bits on any number of threads. Throws
 * `option-invalid`, `memory-full`, `cancelled`.
 */
export async function embedTsne(
  neighbours: NeighbourWeights,
  start: Float32Array,
  settings: TsneSettings = {},
  job: Job = {},
): Promise<TsneResult> {
  const N = checkSizes(neighbours, start);
  const { iterations = 1000, repulsion = N <= mostPairs ? 'pairs' : 'grid' } = settings;
  checkWhole('iterations', iterations, 1, 1_000_000);
  const y = scaleStart(start, 1e-4 / deviationOfFirst(start));
  const given = {
    exaggeration,
    learningRate: Math.max(N / exaggeration / 4, 50),
    iterations,
    exaggerated: Math.ceil(iterations / 4),
    grid: repulsion === 'grid',
  };
  const { k, places, weights } = neighbours;
  const result = await watched(job, { stage: 'embedding', unit: 'steps' }, shared =>
    addon.embedTsne(N, k, places, weights, y, given, shared),
  );
  return { coordinates: Float32Array.from(y), ...(result as { divergence: number; iterations: number }) };
}

/**
 * UMAP (McInnes, Healy and Melville 2018) of weighed neighbours from `start`, N x 2, whose largest coordinate is scaled
 * to 10; N x 2. Points of one epoch see the others where they stood before it: the same bits on any number of threads.
 * Throws `option-invalid`, `memory-full`, `cancelled`.
 */
export async function embedUmap(
  neighbours: NeighbourWeights,
  start: Float32Array,
  settings: UmapSettings = {},
  job: Job = {},
): Promise<Float32Array> {
  const N = checkSizes(neighbours, start);
  const { minimumDistance = 0.1, epochs = N <= 10_000 ? 500 : 200, seed = 0 } = settings;
  checkWhole('epochs', epochs, 1, 1_000_000);
  if (!(minimumDistance >= 0 && minimumDistance <= 2))
    throw invalid(`minimumDistance must be a number from 0 to 2. Received ${minimumDistance}.`);
  const largest = start.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const y = scaleStart(start, 10 / (largest || 1));
  const { k, places, weights } = neighbours;
  await watched(job, { stage: 'embedding', unit: 'epochs' }, shared =>
    addon.embedUmap(N, k, places, weights, y, { minimumDistance, epochs, seed }, shared),
  );
  return Float32Array.from(y);
}

/** Vectors of a set that a neighbour search can take: at least four. */
export function checkEmbeddable(set: ImageSet): void {
  if (set.count >= 4 && vectorLength(set) >= 1) return;
  throw invalid(`An embedding needs at least four vectors. Received ${set.count}.`);
}

function checkSizes({ k, places, weights }: NeighbourWeights, start: Float32Array): number {
  const N = start.length / 2;
  if (Number.isInteger(N) && places.length === N * k && weights.length === N * k) return N;
  throw invalid(
    `A start of N x 2 numbers needs N x ${k} neighbours. Received ${start.length} and ${places.length}.`,
  );
}

/** Points that stand at the same place would never part: each is moved by a hair, by its number alone. */
function scaleStart(start: Float32Array, factor: number): Float64Array {
  const scale = Math.max(...[0, 1].map(part => spreadOf(start, part))) * factor || 1e-4;
  return Float64Array.from(start, (x, i) => x * factor + 1e-3 * scale * hair(i));
}

/** In [-1, 1), as if at random. */
function hair(i: number): number {
  const mixed = Math.imul(i ^ (i >>> 15), 0x2c1b3c6d);
  return (Math.imul(mixed ^ (mixed >>> 12), 0x297a2d39) | 0) / 2 ** 31;
}

function spreadOf(start: Float32Array, part: number): number {
  let most = 0;
  for (let i = part; i < start.length; i += 2) most = Math.max(most, Math.abs(start[i]!));
  return most;
}

function deviationOfFirst(start: Float32Array): number {
  const N = start.length / 2;
  let [sum, squares] = [0, 0];
  for (let i = 0; i < N; i++) sum += start[2 * i]!;
  for (let i = 0; i < N; i++) squares += (start[2 * i]! - sum / N) ** 2;
  return Math.sqrt(squares / N) || 1;
}

function checkWhole(name: string, value: number, low: number, high: number): void {
  if (Number.isInteger(value) && value >= low && value <= high) return;
  throw invalid(`${name} must be a whole number from ${low} to ${high}. Received ${value}.`);
}

function invalid(message: string): BrightcellError {
  return new BrightcellError('option-invalid', message);
}
