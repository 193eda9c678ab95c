import { describe, expect, test } from 'vitest';
import {
  conformalQuantile,
  findSetThresholds,
  predictSet,
  scoreForSets,
} from '../../src/classifiers/conformal.ts';
import { createRandom } from '../../src/dataset/random.ts';

/** n cells of K classes whose probabilities lean towards the true class; the first class is the hardest. */
function draw(n: number, K: number, random: () => number) {
  const labels = Int32Array.from({ length: n }, () => Math.floor(random() ** 2 * K));
  const probabilities = new Float32Array(n * K);
  labels.forEach((label, i) => {
    const lean = label === 0 ? 0.5 : 2;
    const raised = Array.from({ length: K }, (_, k) => Math.exp(3 * random() + (k === label ? lean : 0)));
    const sum = raised.reduce((a, b) => a + b);
    probabilities.set(
      raised.map(one => one / sum),
      i * K,
    );
  });
  return { labels, probabilities };
}

/** Mean over many draws of calibration cells of the share of new cells whose true class is in their set. */
function measureCoverage(n: number, coverage: number, byClass: boolean) {
  const random = createRandom(20191005);
  const [K, rounds, fresh] = [4, 400, 100];
  let covered = 0;
  const ofClass = Array.from({ length: K }, () => ({ cells: 0, covered: 0 }));
  for (let round = 0; round < rounds; round++) {
    const fit = draw(n, K, random);
    const thresholds = findSetThresholds(scoreForSets(fit.labels, fit.probabilities, K), K, coverage, {
      byClass,
    });
    const cells = draw(fresh, K, random);
    cells.labels.forEach((label, i) => {
      const has = predictSet(cells.probabilities.subarray(i * K, (i + 1) * K), thresholds).includes(label);
      ofClass[label]!.cells++;
      if (has) ofClass[label]!.covered++;
      if (has) covered++;
    });
  }
  return { all: covered / rounds / fresh, ofClass: ofClass.map(one => one.covered / one.cells) };
}

describe('over many draws, sets hold the true class as often as theory says', () => {
  // The mean over rounds has a standard error of about 0.3 of the 1 / (n + 1) that theory leaves, or less; four of them.
  test.each([
    [50, 0.9],
    [99, 0.95],
    [500, 0.8],
  ])('%d calibration cells, coverage %d: within [c, c + 1 / (n + 1)]', (n, coverage) => {
    const { all } = measureCoverage(n, coverage, false);
    const error = 4 * Math.sqrt((coverage * (1 - coverage)) / (n + 2) / 400 + 0.25 / (400 * 100));
    expect(all).toBeGreaterThan(coverage - error);
    expect(all).toBeLessThan(coverage + 1 / (n + 1) + error);
  });

  test('by class, each class has the coverage, which together the hardest does not', () => {
    const together = measureCoverage(600, 0.9, false);
    const apart = measureCoverage(600, 0.9, true);
    expect(together.ofClass[0]!).toBeLessThan(0.88);
    for (const one of apart.ofClass) expect(Math.abs(one - 0.9)).toBeLessThan(0.02);
  });
});

test('the quantile is the ceil((n + 1) share)-th smallest, and infinite past the last', () => {
  const scores = Float32Array.of(5, 1, 4, 2, 3, 9, 8, 7, 6);
  expect(conformalQuantile(scores, 0.5)).toBe(5);
  expect(conformalQuantile(scores, 0.9)).toBe(9);
  expect(conformalQuantile(scores, 0.91)).toBe(Number.POSITIVE_INFINITY);
  expect(conformalQuantile(new Float32Array(0), 0.5)).toBe(Number.POSITIVE_INFINITY);
  expect(
    conformalQuantile(
      Float32Array.from({ length: 99 }, (_, i) => i),
      0.95,
    ),
  ).toBe(94); // 100 x 0.95 rounds up
});

test('a class without calibration cells is in every set by class', () => {
  const thresholds = findSetThresholds(
    { labels: Int32Array.of(0, 0, 0, 0), scores: Float32Array.of(0.1, 0.2, 0.3, 0.4) },
    2,
    0.5,
    { byClass: true },
  );
  expect(predictSet(Float32Array.of(0.2, 0.8), thresholds)).toEqual([1]);
  expect(predictSet(Float32Array.of(0.9, 0.1), thresholds)).toEqual([0, 1]);
});

test.each([0, 1, -0.5, Number.NaN])('a coverage of %d is refused', coverage => {
  const scores = { labels: Int32Array.of(0), scores: Float32Array.of(0) };
  expect(() => findSetThresholds(scores, 2, coverage)).toThrow(
    expect.objectContaining({ code: 'option-invalid' }),
  );
});
