// N cells, K classes.

import type { LoadedClassifier } from '../classifiers/classifier.ts';
import {
  conformalQuantile,
  findSetThresholds,
  predictSet,
  type SetKind,
  setKinds,
} from '../classifiers/conformal.ts';
import { applyTemperature } from '../classifiers/temperature.ts';
import { measureCalibration } from '../evaluate/calibration.ts';
import type { Doubts } from '../evaluate/doubts.ts';
import { wilsonInterval } from '../evaluate/interval.ts';
import { type LabelledPredictions, mostProbable } from '../evaluate/score.ts';

const shares = [0.01, 0.05, 0.1];
const coverages = [0.9, 0.95, 0.99];

/** Measures the doubts of a calibrated classifier on N cells whose class is known; `unknownScores` are theirs. */
export function measureDoubts(
  { calibration }: LoadedClassifier,
  predictions: LabelledPredictions,
  unknownScores: Float32Array,
): Doubts | null {
  if (!calibration) return null;
  const { temperature, cells, unknown, sets } = calibration;
  const unscaled = withoutScaling(predictions, temperature);
  const K = predictions.classes.length;
  const rates = shares
    .map(asked => ({ asked, threshold: conformalQuantile(unknown.scores, 1 - asked) }))
    .filter(({ threshold }) => Number.isFinite(threshold))
    .map(({ asked, threshold }) => {
      const refused = unknownScores.filter(score => score > threshold).length;
      const of = unknownScores.length;
      return { asked, refused: refused / of, interval: wilsonInterval(refused, of)! };
    });
  return {
    ...{ calibratedOn: cells, temperature },
    beforeScaling: measureCalibration(
      predictions.labels,
      unscaled.probabilities,
      mostProbable(unscaled.probabilities, K),
      K,
    ),
    unknown: { score: unknown.scorer.score, rates },
    sets: setKinds
      .filter(kind => kind === 'leastAmbiguous' || sets.adaptive)
      .flatMap(kind =>
        [false, true].flatMap(byClass =>
          coverages.map(coverage => {
            const thresholds = findSetThresholds(sets, K, coverage, { byClass, kind });
            return { kind, coverage, byClass, ...measureSets(predictions, thresholds, kind) };
          }),
        ),
      ),
  };
}

/** The same cells with the probabilities that the model had before temperature scaling. */
export function withoutScaling<T extends LabelledPredictions>(predictions: T, temperature: number): T {
  const probabilities = predictions.probabilities.slice();
  applyTemperature(probabilities, predictions.classes.length, 1 / temperature);
  return { ...predictions, probabilities };
}

function measureSets(
  { classes, labels, probabilities }: LabelledPredictions,
  thresholds: Float64Array,
  kind: SetKind,
) {
  const K = classes.length;
  const [cells, found] = [new Int32Array(K), new Int32Array(K)];
  let [members, empty] = [0, 0];
  labels.forEach((label, i) => {
    const set = predictSet(probabilities.subarray(i * K, (i + 1) * K), thresholds, kind);
    cells[label]!++;
    if (set.includes(label)) found[label]!++;
    members += set.length;
    if (set.length === 0) empty++;
  });
  const covered = found.reduce((a, b) => a + b);
  const ofClass = Array.from(cells, (count, k) => (count === 0 ? 1 : found[k]! / count));
  return {
    covered: covered / labels.length,
    interval: wilsonInterval(covered, labels.length)!,
    leastOfClass: Math.min(...ofClass),
    meanSize: members / labels.length,
    empty,
  };
}
