import fc from 'fast-check';
import { expect, test } from 'vitest';
import { scorePredictions } from '../../src/evaluate/score.ts';
import { isBetterScore, scoreVectors } from '../../src/learners/score.ts';
import { lossOf } from '../../src/train/validate.ts';

const row = fc.array(fc.double({ min: 0.01, max: 1, noNaN: true }), { minLength: 3, maxLength: 3 });
const labelled = fc.array(fc.tuple(row, fc.integer({ min: 0, max: 2 })), { minLength: 1, maxLength: 40 });

test('scores are those that an evaluation gives', () => {
  fc.assert(
    fc.property(labelled, cells => {
      const probabilities = Float32Array.from(
        cells.flatMap(([own]) => own.map(p => p / own.reduce((sum, one) => sum + one, 0))),
      );
      const labels = Int32Array.from(cells, ([, label]) => label);
      const score = scoreVectors(probabilities, labels, 3);
      const loss = labels.reduce(
        (sum, label, i) =>
          sum + lossOf(probabilities.subarray(3 * i, 3 * i + 3), label, { name: 'crossEntropy' }),
        0,
      );
      expect(score.loss).toBeCloseTo(loss / labels.length, 9);
      const own = scorePredictions({ classes: ['a', 'b', 'c'], labels, probabilities });
      expect(score.accuracy).toBeCloseTo(own.accuracy, 9);
      if (new Set(labels).size === 3) expect(score.macroF1).toBeCloseTo(own.macro.f1!, 9);
    }),
  );
});

test('a score is better by macro F1, then by loss, and equal ones leave the earlier', () => {
  const score = (macroF1: number, loss: number) => ({ cells: 1, accuracy: 1, macroF1, loss });
  expect(isBetterScore(score(0.5, 9), undefined)).toBe(true);
  expect(isBetterScore(score(0.6, 9), score(0.5, 1))).toBe(true);
  expect(isBetterScore(score(0.5, 1), score(0.5, 2))).toBe(true);
  expect(isBetterScore(score(0.5, 2), score(0.5, 2))).toBe(false);
});
