// N cells, D numbers an embedding, R references, K classes.
import { z } from 'zod';
import { apportion } from '../dataset/stratify.ts';
import type { NamedTensor } from '../engine/networkState.ts';
import type { Job } from '../job.ts';
import {
  fitWhitening,
  type KnownCells,
  longestWhitening,
  scoreByMahalanobis,
  scoreByNeighbours,
  type Whitening,
} from './unknown.ts';

/** How unlike every known class a cell is: what a model keeps for it. */
export type UnknownScorer =
  | { score: 'mahalanobis'; whitening: Whitening }
  | { score: 'knn'; k: number; embeddings: Float32Array; dimensions: number };

export type UnknownScore = UnknownScorer['score'];

/** Most training cells that a scorer is fitted on, and most bytes of those that it keeps. */
export const mostReferences = 4096;
const mostBytes = 2 ** 26;
const neighbours = 5;

/** How many references of D numbers are kept. */
export function countReferences(D: number): number {
  return Math.max(neighbours, Math.min(mostReferences, Math.floor(mostBytes / (4 * D))));
}

/** The score that docs/evaluation.md finds best for embeddings of this length. */
export function chooseScore(D: number): UnknownScore {
  return D <= longestWhitening ? 'mahalanobis' : 'knn';
}

/** Fits a score on embeddings of training cells. */
export function fitUnknown(
  known: KnownCells,
  score: UnknownScore = chooseScore(known.dimensions),
): UnknownScorer {
  if (score === 'mahalanobis') return { score, whitening: fitWhitening(known) };
  const k = Math.min(neighbours, known.labels.length);
  return { score, k, embeddings: known.embeddings, dimensions: known.dimensions };
}

/** Scores N embeddings, N x D, each higher for what is less like a known class. */
export async function scoreUnknown(
  scorer: UnknownScorer,
  embeddings: Float32Array,
  job: Job = {},
): Promise<Float32Array> {
  if (scorer.score === 'mahalanobis') return scoreByMahalanobis(scorer.whitening, embeddings);
  return scoreByNeighbours(scorer, embeddings, { k: scorer.k }, job);
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

const side = z
  .int()
  .min(1)
  .max(2 ** 30);

/** What a model's description says of its scorer. */
export const scorerSchema = z.discriminatedUnion('score', [
  z.strictObject({ score: z.literal('mahalanobis'), dimensions: side.max(longestWhitening), classes: side }),
  z
    .strictObject({ score: z.literal('knn'), dimensions: side, references: side, k: side })
    .refine(({ k, references }) => k <= references, 'k is above the number of references'),
]);
export type ScorerDescription = z.infer<typeof scorerSchema>;

export function describeScorer(scorer: UnknownScorer): ScorerDescription {
  if (scorer.score === 'mahalanobis') {
    const { means, dimensions } = scorer.whitening;
    return { score: 'mahalanobis', dimensions, classes: means.length / dimensions };
  }
  const { k, embeddings, dimensions } = scorer;
  return { score: 'knn', dimensions, references: embeddings.length / dimensions, k };
}

export function tensorsOf(scorer: UnknownScorer): NamedTensor[] {
  if (scorer.score === 'mahalanobis') {
    const { means, factor, dimensions: D } = scorer.whitening;
    return [
      { name: 'unknown.means', shape: [means.length / D, D], data: means },
      { name: 'unknown.factor', shape: [D, D], data: factor },
    ];
  }
  const { embeddings, dimensions: D } = scorer;
  return [{ name: 'unknown.references', shape: [embeddings.length / D, D], data: embeddings }];
}

/** The scorer of a description and its tensors, whose shapes `take` has checked against what is given. */
export function readScorer(
  description: ScorerDescription,
  take: (name: string, shape: number[]) => Float32Array,
): UnknownScorer {
  const D = description.dimensions;
  if (description.score === 'mahalanobis') {
    const means = take('unknown.means', [description.classes, D]);
    return {
      score: 'mahalanobis',
      whitening: { means, factor: take('unknown.factor', [D, D]), dimensions: D },
    };
  }
  const { references, k } = description;
  return { score: 'knn', k, dimensions: D, embeddings: take('unknown.references', [references, D]) };
}
