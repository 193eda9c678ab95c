// N cells, D numbers a vector, R references, K classes.
import { apportion } from '../dataset/stratify.ts';
import { featureCount } from '../engine/features.ts';
import type { Job } from '../job.ts';
import { fitLikelihoodRatio, type LikelihoodRatio, scoreByLikelihoodRatio } from './likelihoodRatio.ts';
import { scoreByMahalanobis, scoreByNeighbours } from './unknown.ts';
import { fitWhitening, type KnownCells, longestWhitening, type Whitening } from './whitening.ts';

/** How unlike every known class a cell is: what a model keeps for it. */
export type UnknownScorer =
  /** Of hand-made features, whatever the classifier is. */
  | { score: 'likelihoodRatio'; ratio: LikelihoodRatio }
  /** Of the classifier's embeddings. */
  | { score: 'mahalanobis'; whitening: Whitening }
  | { score: 'knn'; k: number; embeddings: Float32Array; dimensions: number };

export type UnknownScore = UnknownScorer['score'];

/** Most training cells that a scorer is fitted on, and most bytes of those that are kept themselves. */
const mostReferences = 4096;
const mostBytes = 2 ** 26;
/** Most validation cells whose scores a threshold is taken from. */
export const mostScored = 4096;
const neighbours = 5;

/** How many training cells a score is fitted on, of embeddings of D numbers. */
export function countReferences(score: UnknownScore, D: number): number {
  if (score !== 'knn') return mostReferences;
  return Math.max(neighbours, Math.min(mostReferences, Math.floor(mostBytes / (4 * D))));
}

/**
 * The score that docs/evaluation.md finds best, for images of so many channels. Of four and more the features are too many
 * for it; the embedding, of `dimensions` numbers, then has to do.
 */
export function chooseScore(channels: number, dimensions: number): UnknownScore {
  if (featureCount(channels) <= longestWhitening) return 'likelihoodRatio';
  return dimensions <= longestWhitening ? 'mahalanobis' : 'knn';
}

/** Fits a score on what it looks at of training cells. */
export function fitUnknown(known: KnownCells, score: UnknownScore): UnknownScorer {
  if (score === 'likelihoodRatio') return { score, ratio: fitLikelihoodRatio(known) };
  if (score === 'mahalanobis') return { score, whitening: fitWhitening(known) };
  const k = Math.min(neighbours, known.labels.length);
  return { score, k, embeddings: known.embeddings, dimensions: known.dimensions };
}

/** Scores N vectors, N x D as `viewCells` gives them, each higher for what is less like a known class. */
export async function scoreUnknown(
  scorer: UnknownScorer,
  vectors: Float32Array,
  job: Job = {},
): Promise<Float32Array> {
  if (scorer.score === 'likelihoodRatio') return scoreByLikelihoodRatio(scorer.ratio, vectors);
  if (scorer.score === 'mahalanobis') return scoreByMahalanobis(scorer.whitening, vectors);
  return scoreByNeighbours(scorer, vectors, { k: scorer.k }, job);
}

/** `count` places of cells, each class with its share, spread evenly over the list: no chance in it. */
export function spreadPlaces(labels: Int32Array, K: number, count: number): Int32Array {
  if (count >= labels.length) return Int32Array.from(labels.keys());
  const byClass = Array.from({ length: K }, () => [] as number[]);
  labels.forEach((label, i) => void byClass[label]!.push(i));
  const counts = apportion(
    count,
    byClass.map(members => members.length / labels.length),
  );
  const places = byClass.flatMap((members, k) =>
    Array.from(
      { length: counts[k]! },
      (_, i) => members[Math.floor(((i + 0.5) * members.length) / counts[k]!)]!,
    ),
  );
  return Int32Array.from(places).sort();
}
