import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findOperatingPoints } from '../../src/evaluate/operatingPoints.ts';
import { measureReliability } from '../../src/evaluate/reliability.ts';
import { type LabelledPredictions, scorePredictions } from '../../src/evaluate/score.ts';
import { curveOf, sweepClass } from '../../src/evaluate/sweep.ts';

/** Two classes; `own` are the probabilities of the first. */
function twoClasses(labels: number[], own: number[]): LabelledPredictions {
  const probabilities = Float32Array.from(own.flatMap(p => [p, 1 - p]));
  return { classes: ['a', 'b'], labels: Int32Array.from(labels), probabilities };
}

const predictions = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 1 }), fc.integer({ min: 0, max: 16 })), { minLength: 2 })
  .map(cells =>
    twoClasses(
      cells.map(one => one[0]),
      cells.map(one => one[1] / 16),
    ),
  );

describe('operating points', () => {
  test('are the lowest threshold that reaches the purity, with what it gives', () => {
    const cells = twoClasses([0, 0, 1, 0, 1, 1, 0, 1], [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2]);
    const [half, all] = findOperatingPoints(cells, cells, [0.75, 1]);
    expect(half).toMatchObject({
      class: 'a',
      target: 0.75,
      taken: 4,
      purity: 0.75,
      yield: 0.75,
      enrichment: 1.5,
    });
    expect(half!.threshold).toBeCloseTo(0.6, 6);
    expect(all).toMatchObject({ taken: 2, purity: 1, yield: 0.5, enrichment: 2 });
    expect(all!.threshold).toBeCloseTo(0.8, 6);
  });

  test('chosen on some cells are measured on others', () => {
    const chooser = twoClasses([0, 1, 0, 1], [0.9, 0.8, 0.4, 0.2]);
    const measured = twoClasses([0, 1, 0, 1], [0.95, 0.92, 0.7, 0.1]);
    const [point] = findOperatingPoints(chooser, measured, [1]);
    expect(point).toMatchObject({ taken: 2, purity: 0.5, yield: 0.5, enrichment: 1 });
  });

  test('that cannot be reached have no threshold, and no figure is made up', () => {
    const cells = twoClasses([1, 0, 1], [0.9, 0.5, 0.4]);
    const [point] = findOperatingPoints(cells, cells, [0.9]);
    expect(point).toMatchObject({ threshold: null, taken: 0, purity: null, yield: null, enrichment: null });
  });

  test.each([[[]], [[0]], [[1.1]], [[Number.NaN]]])('for purities %j are refused', purities => {
    const cells = twoClasses([1, 0], [0.9, 0.5]);
    expect(() => findOperatingPoints(cells, cells, purities)).toThrow(
      expect.objectContaining({ code: 'option-invalid' }),
    );
  });

  test('chosen and measured on the same cells reach their purity, whatever the cells', () => {
    fc.assert(
      fc.property(predictions, cells => {
        for (const { purity, target, threshold } of findOperatingPoints(cells, cells))
          if (threshold !== null) expect(purity).toBeGreaterThanOrEqual(target - 1e-12);
      }),
    );
  });
});

test('a sweep counts the cells at or above each threshold', () => {
  fc.assert(
    fc.property(predictions, cells => {
      const { thresholds, found, wrong, positives, negatives } = sweepClass(cells, 0);
      expect(positives + negatives).toBe(cells.labels.length);
      thresholds.forEach((threshold, t) => {
        const taken = [...cells.labels].filter((_, i) => cells.probabilities[2 * i]! >= threshold);
        expect([found[t], wrong[t]]).toEqual([
          taken.filter(label => label === 0).length,
          taken.filter(label => label === 1).length,
        ]);
      });
    }),
  );
});

test('a curve of many cells is thinned, keeps its ends, and its area is that of the ranking', () => {
  const labels = Array.from({ length: 20_000 }, (_, i) => ((i * 7919) % 3) % 2);
  const own = labels.map((label, i) => (((i * 104_729) % 1000) / 1000 + (label === 0 ? 0.5 : 0)) / 1.5);
  const cells = twoClasses(labels, own);
  const points = curveOf(sweepClass(cells, 0));
  expect(points.length).toBeLessThan(230);
  expect(points.at(-1)).toMatchObject({ yield: 1, falsePositiveRate: 1, enrichment: 1 });
  let area = 0;
  points.forEach((point, i) => {
    const before = points[i - 1] ?? { falsePositiveRate: 0, yield: 0 };
    area += ((point.falsePositiveRate - before.falsePositiveRate) * (point.yield + before.yield)) / 2;
  });
  expect(area).toBeCloseTo(scorePredictions(cells).perClass[0]!.rocAuc!, 3);
});

test('the reliability diagram holds every cell once and its gaps add up to the calibration error', () => {
  const labels = Array.from({ length: 600 }, (_, i) => ((i * 7919) % 5) % 2);
  const cells = twoClasses(
    labels,
    labels.map((_, i) => ((i * 104_729) % 1009) / 1009),
  );
  const bins = measureReliability(cells);
  expect(bins.reduce((sum, bin) => sum + bin.cells, 0)).toBe(600);
  const error = bins.reduce((sum, bin) => sum + bin.cells * Math.abs(bin.accuracy - bin.confidence), 0) / 600;
  expect(error).toBeCloseTo(scorePredictions(cells).calibrationError, 12);
  for (const bin of bins) {
    expect(bin.confidence).toBeGreaterThan(bin.low);
    expect(bin.confidence).toBeLessThanOrEqual(bin.high);
  }
});
