// How a scorer stands in a model's files. D numbers a vector, R references, K classes.
import { z } from 'zod';
import type { NamedTensor } from '../engine/networkState.ts';
import { featuresVersion } from '../features/definitions.ts';
import type { LikelihoodRatio } from './likelihoodRatio.ts';
import type { UnknownScorer } from './unknownScorer.ts';
import { longestWhitening } from './whitening.ts';

const side = z
  .int()
  .min(1)
  .max(2 ** 30);

/** What a model's description says of its scorer. */
export const scorerSchema = z.discriminatedUnion('score', [
  z.strictObject({
    score: z.literal('likelihoodRatio'),
    features: z.int().min(0),
    dimensions: side.max(longestWhitening),
    classes: side,
  }),
  z.strictObject({ score: z.literal('mahalanobis'), dimensions: side.max(longestWhitening), classes: side }),
  z
    .strictObject({ score: z.literal('knn'), dimensions: side, references: side, k: side })
    .refine(({ k, references }) => k <= references, 'k is above the number of references'),
]);
export type ScorerDescription = z.infer<typeof scorerSchema>;

export function describeScorer(scorer: UnknownScorer): ScorerDescription {
  if (scorer.score === 'likelihoodRatio') {
    const { whitening, shares } = scorer.ratio;
    const { dimensions } = whitening;
    return { score: 'likelihoodRatio', features: featuresVersion, dimensions, classes: shares.length };
  }
  if (scorer.score === 'mahalanobis') {
    const { means, dimensions } = scorer.whitening;
    return { score: 'mahalanobis', dimensions, classes: means.length / dimensions };
  }
  const { k, embeddings, dimensions } = scorer;
  return { score: 'knn', dimensions, references: embeddings.length / dimensions, k };
}

export function tensorsOf(scorer: UnknownScorer): NamedTensor[] {
  if (scorer.score === 'likelihoodRatio') return tensorsOfRatio(scorer.ratio);
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

/** Gives a tensor of a file by its name; throws `model-corrupt` for one of another shape or with numbers that cannot be. */
export type TakeTensor = (name: string, shape: number[], numbers?: 'positive') => Float32Array;

/** The scorer of a description and its tensors. */
export function readScorer(description: ScorerDescription, take: TakeTensor): UnknownScorer {
  const D = description.dimensions;
  if (description.score === 'likelihoodRatio') {
    return { score: 'likelihoodRatio', ratio: readRatio(description, take) };
  }
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

function tensorsOfRatio({
  scales,
  standardisation,
  whitening,
  shares,
  unseen,
}: LikelihoodRatio): NamedTensor[] {
  const [D, K] = [whitening.dimensions, shares.length];
  return [
    { name: 'unknown.scales', shape: [D], data: scales },
    { name: 'unknown.centres', shape: [D], data: standardisation.means },
    { name: 'unknown.deviations', shape: [D], data: standardisation.deviations },
    { name: 'unknown.factor', shape: [D, D], data: whitening.factor },
    { name: 'unknown.means', shape: [K, D], data: whitening.means },
    { name: 'unknown.shares', shape: [K], data: shares },
    { name: 'unknown.unseen', shape: [D, D], data: unseen },
  ];
}

function readRatio(
  { dimensions: D, classes: K }: { dimensions: number; classes: number },
  take: TakeTensor,
): LikelihoodRatio {
  return {
    scales: take('unknown.scales', [D], 'positive'),
    standardisation: {
      means: take('unknown.centres', [D]),
      deviations: take('unknown.deviations', [D], 'positive'),
    },
    whitening: {
      ...{ factor: take('unknown.factor', [D, D]), means: take('unknown.means', [K, D]) },
      dimensions: D,
    },
    shares: take('unknown.shares', [K], 'positive'),
    unseen: take('unknown.unseen', [D, D]),
  };
}
