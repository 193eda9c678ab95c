// N cells, D numbers an embedding, R references, K classes. Every score is higher for what is less like a known class.
import { ImageSet } from '../engine/imageSet.ts';
import { findNeighbours } from '../engine/neighbours.ts';
import type { Job } from '../job.ts';
import { vectorShape } from './makeVectors.ts';
import { type KnownCells, multiplyLower, squaredDistance, type Whitening } from './whitening.ts';

/** One less the probability of the predicted class (Hendrycks and Gimpel 2017). */
export function scoreByProbability(probabilities: Float32Array, K: number): Float32Array {
  const scores = new Float32Array(probabilities.length / K);
  for (let i = 0; i < scores.length; i++) {
    let most = 0;
    for (let k = 0; k < K; k++) most = Math.max(most, probabilities[i * K + k]!);
    scores[i] = 1 - most;
  }
  return scores;
}

/** The energy, -ln of the sum of e^logit (Liu et al. 2020). */
export function scoreByEnergy(logits: Float32Array, K: number): Float32Array {
  const scores = new Float32Array(logits.length / K);
  for (let i = 0; i < scores.length; i++) {
    const own = logits.subarray(i * K, (i + 1) * K);
    const most = own.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    scores[i] = -most - Math.log(own.reduce((sum, logit) => sum + Math.exp(logit - most), 0));
  }
  return scores;
}

/**
 * Euclidean distance to the k-th nearest reference (Sun et al. 2022), exact; with `unit`, of embeddings brought to
 * length 1.
 */
export async function scoreByNeighbours(
  known: Pick<KnownCells, 'embeddings' | 'dimensions'>,
  embeddings: Float32Array,
  { k, unit = false }: { k: number; unit?: boolean },
  job: Job = {},
): Promise<Float32Array> {
  const D = known.dimensions;
  const asSet = (values: Float32Array) => {
    const set = ImageSet.from(unit ? toUnitLength(values, D) : values, vectorShape(D));
    return { set, rows: Int32Array.from({ length: values.length / D }, (_, i) => i) };
  };
  const [references, queries] = [asSet(known.embeddings), asSet(embeddings)];
  try {
    const { squaredDistances } = await findNeighbours(references, queries, k, { signal: job.signal });
    return Float32Array.from(queries.rows, i => Math.sqrt(squaredDistances[i * k + k - 1]!));
  } finally {
    references.set.close();
    queries.set.close();
  }
}

/** Each row of D numbers divided by its length; zeros stay. */
export function toUnitLength(values: Float32Array, D: number): Float32Array {
  const scaled = new Float32Array(values.length);
  for (let at = 0; at < values.length; at += D) {
    let squares = 0;
    for (let d = 0; d < D; d++) squares += values[at + d]! ** 2;
    const length = Math.sqrt(squares);
    for (let d = 0; d < D; d++) scaled[at + d] = length > 0 ? values[at + d]! / length : 0;
  }
  return scaled;
}

/** Mahalanobis distance to the nearest class mean. */
export function scoreByMahalanobis(
  { means, factor, dimensions: D }: Whitening,
  embeddings: Float32Array,
): Float32Array {
  const scores = new Float32Array(embeddings.length / D);
  const [lower, values] = [Float64Array.from(factor), Float64Array.from(embeddings)];
  for (let i = 0; i < scores.length; i++) {
    const whitened = multiplyLower(lower, values.subarray(i * D, (i + 1) * D), D);
    let nearest = Number.POSITIVE_INFINITY;
    for (let at = 0; at < means.length; at += D)
      nearest = Math.min(nearest, squaredDistance(whitened, means, at));
    scores[i] = Math.sqrt(nearest);
  }
  return scores;
}
