// N vectors, K classes, k neighbours.
import type { Neighbours } from '../engine/neighbours.ts';

export const votes = ['majority', 'distance'] as const;
/**
 * 'majority': every neighbour counts the same. 'distance': a neighbour counts 1 / d with d its Euclidean distance;
 * where there are neighbours at distance 0, they alone count, each the same.
 */
export type Vote = (typeof votes)[number];

/**
 * Probabilities N x K: each class's share of the votes of the first `k` neighbours of each vector. `labels` are those
 * of the references. Classes with the same share tie, and whoever names the largest names the first of them.
 */
export function countVotes(
  neighbours: Neighbours,
  labels: Int32Array,
  { k, vote, classes: K }: { k: number; vote: Vote; classes: number },
): Float32Array {
  const { places, squaredDistances } = neighbours;
  const N = places.length / neighbours.k;
  const probabilities = new Float32Array(N * K);
  const weights = new Float64Array(k);
  const shares = new Float64Array(K);
  for (let i = 0; i < N; i++) {
    const at = i * neighbours.k;
    weigh(vote, squaredDistances.subarray(at, at + k), weights);
    shares.fill(0);
    let sum = 0;
    for (let j = 0; j < k; j++) {
      shares[labels[places[at + j]!]!]! += weights[j]!;
      sum += weights[j]!;
    }
    for (let c = 0; c < K; c++) probabilities[i * K + c] = shares[c]! / sum;
  }
  return probabilities;
}

/** Votes of neighbours, nearest first, as parts of the nearest one's vote: always from 0 to 1, and the first is 1. */
function weigh(vote: Vote, squaredDistances: Float64Array, weights: Float64Array): void {
  const nearest = squaredDistances[0]!;
  for (let j = 0; j < weights.length; j++) {
    const squared = squaredDistances[j]!;
    weights[j] = vote === 'majority' || squared === nearest ? 1 : Math.sqrt(nearest / squared);
  }
}
