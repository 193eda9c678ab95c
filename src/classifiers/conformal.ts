// n calibration cells, N cells, K classes.
import { BrightcellError } from '../errors.ts';
import { adaptiveScores, mostProbableFirst } from './adaptiveSets.ts';

/**
 * 'leastAmbiguous': as few classes as can be, with as many for hard cells as coverage needs (Sadinle, Lei and Wasserman 2019).
 * 'adaptive': larger for cells that are hard to tell, at about the same coverage for easy and for hard cells (Romano, Sesia
 * and Candes 2020).
 */
export const setKinds = ['leastAmbiguous', 'adaptive'] as const;
export type SetKind = (typeof setKinds)[number];

/** What the cells that a conformal classifier is calibrated on say: n of each. */
export interface ConformalScores {
  /** One less the probability of the true class: how strange the true class looked. */
  scores: Float32Array;
  /** The same for adaptive sets: `adaptiveScores` of the true class; null in models calibrated before there were any. */
  adaptive: Float32Array | null;
  /** True classes, of [0, K). */
  labels: Int32Array;
}

/** Scores of n calibration cells, which were not trained on, from their n x K probabilities. */
export function scoreForSets(labels: Int32Array, probabilities: Float32Array, K: number): ConformalScores {
  const of = (i: number) => probabilities.subarray(i * K, (i + 1) * K);
  return {
    labels,
    scores: Float32Array.from(labels, (label, i) => 1 - of(i)[label]!),
    adaptive: Float32Array.from(labels, (label, i) => adaptiveScores(of(i))[label]!),
  };
}

/**
 * Split conformal prediction: a class belongs to a cell's set when its score (one less its probability, or that of adaptive
 * sets) is at most a threshold. This gives the thresholds, one a class, for which the
 * true class of a new cell of the same kind belongs to its set with probability `coverage` or more, and at most
 * 1 / (n + 1) above where scores do not tie. With `byClass` this holds for the cells of each class apart, and its own
 * cells set each class's threshold. A threshold is infinite, and its class in every set, where n + 1 times one less
 * the coverage is below 1: too few cells to leave any out. Throws `option-invalid` for a coverage outside (0, 1), and for
 * adaptive sets of a model that was calibrated before there were any.
 */
export function findSetThresholds(
  known: ConformalScores,
  K: number,
  coverage: number,
  { byClass = false, kind = 'leastAmbiguous' as SetKind } = {},
): Float64Array {
  if (!(coverage > 0 && coverage < 1)) {
    throw new BrightcellError(
      'option-invalid',
      `coverage must be a number between 0 and 1, such as 0.95. Received ${coverage}.`,
    );
  }
  const scores = scoresOf(known, kind);
  if (!byClass) return new Float64Array(K).fill(conformalQuantile(scores, coverage));
  return Float64Array.from({ length: K }, (_, k) =>
    conformalQuantile(
      scores.filter((_, i) => known.labels[i] === k),
      coverage,
    ),
  );
}

function scoresOf({ scores, adaptive }: ConformalScores, kind: SetKind): Float32Array {
  if (!setKinds.includes(kind)) {
    throw new BrightcellError(
      'option-invalid',
      `sets must be one of ${setKinds.join(', ')}. Received ${String(kind)}.`,
    );
  }
  if (kind === 'leastAmbiguous') return scores;
  if (adaptive) return adaptive;
  throw new BrightcellError(
    'option-invalid',
    'Adaptive sets need a model that was calibrated for them, and this one was calibrated by an earlier version. Calibrate it ' +
      'anew: brightcell train DATASET --resume RUN',
  );
}

/** The ceil((n + 1) share)-th smallest of n scores; infinite where there are too few. */
export function conformalQuantile(scores: Float32Array, share: number): number {
  // What a share such as 0.95 loses to rounding must not cost a place.
  const place = Math.ceil((scores.length + 1) * share - 1e-9);
  return place > scores.length ? Number.POSITIVE_INFINITY : scores.toSorted()[Math.max(0, place - 1)]!;
}

/**
 * The classes of a cell's set, most probable first. One of the least ambiguous may be empty: nothing known is likely enough.
 * An adaptive one always holds the most probable class: chance alone would leave it out.
 */
export function predictSet(
  probabilities: Float32Array,
  thresholds: Float64Array,
  kind: SetKind = 'leastAmbiguous',
): number[] {
  const order = mostProbableFirst(probabilities);
  if (kind === 'leastAmbiguous')
    return order.filter(k => Math.fround(1 - probabilities[k]!) <= thresholds[k]!);
  const scores = adaptiveScores(probabilities);
  return order.filter((k, rank) => rank === 0 || scores[k]! <= thresholds[k]!);
}
