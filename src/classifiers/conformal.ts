// n calibration cells, N cells, K classes.
import { BrightcellError } from '../errors.ts';

/** What the cells that a conformal classifier is calibrated on say: n of each. */
export interface ConformalScores {
  /** One less the probability of the true class: how strange the true class looked. */
  scores: Float32Array;
  /** True classes, of [0, K). */
  labels: Int32Array;
}

/** Scores of n calibration cells, which were not trained on, from their n x K probabilities. */
export function scoreForSets(labels: Int32Array, probabilities: Float32Array, K: number): ConformalScores {
  return { labels, scores: Float32Array.from(labels, (label, i) => 1 - probabilities[i * K + label]!) };
}

/**
 * Split conformal prediction with the least ambiguous sets (Sadinle, Lei and Wasserman 2019): a class belongs to a
 * cell's set when one less its probability is at most a threshold. This gives the thresholds, one a class, for which the
 * true class of a new cell of the same kind belongs to its set with probability `coverage` or more, and at most
 * 1 / (n + 1) above where scores do not tie. With `byClass` this holds for the cells of each class apart, and its own
 * cells set each class's threshold. A threshold is infinite, and its class in every set, where n + 1 times one less
 * the coverage is below 1: too few cells to leave any out. Throws `option-invalid` for a coverage outside (0, 1).
 */
export function findSetThresholds(
  { scores, labels }: ConformalScores,
  K: number,
  coverage: number,
  { byClass = false } = {},
): Float64Array {
  if (!(coverage > 0 && coverage < 1)) {
    throw new BrightcellError(
      'option-invalid',
      `coverage must be a number between 0 and 1, such as 0.95. Received ${coverage}.`,
    );
  }
  if (!byClass) return new Float64Array(K).fill(conformalQuantile(scores, coverage));
  return Float64Array.from({ length: K }, (_, k) =>
    conformalQuantile(
      scores.filter((_, i) => labels[i] === k),
      coverage,
    ),
  );
}

/** The ceil((n + 1) share)-th smallest of n scores; infinite where there are too few. */
export function conformalQuantile(scores: Float32Array, share: number): number {
  // What a share such as 0.95 loses to rounding must not cost a place.
  const place = Math.ceil((scores.length + 1) * share - 1e-9);
  return place > scores.length ? Number.POSITIVE_INFINITY : scores.toSorted()[Math.max(0, place - 1)]!;
}

/** The classes of a cell's set, most probable first; may be empty: nothing known is likely enough. */
export function predictSet(probabilities: Float32Array, thresholds: Float64Array): number[] {
  const set: number[] = [];
  probabilities.forEach((p, k) => {
    if (Math.fround(1 - p) <= thresholds[k]!) set.push(k);
  });
  return set.sort((a, b) => probabilities[b]! - probabilities[a]! || a - b);
}
