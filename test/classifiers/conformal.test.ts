import { describe, expect, test } from 'vitest';
import { adaptiveScores } from '../../src/classifiers/adaptiveSets.ts';
import {
  conformalQuantile,
  findSetThresholds,
  predictSet,
  type SetKind,
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
function measureCoverage(n: number, coverage: number, byClass: boolean, kind: SetKind = 'leastAmbiguous') {
  const random = createRandom(20191005);
  const [K, rounds, fresh] = [4, 400, 100];
  let [covered, members] = [0, 0];
  const ofClass = Array.from({ length: K }, () => ({ cells: 0, covered: 0 }));
  for (let round = 0; round < rounds; round++) {
    const fit = draw(n, K, random);
    const thresholds = findSetThresholds(scoreForSets(fit.labels, fit.probabilities, K), K, coverage, {
      byClass,
      kind,
    });
    const cells = draw(fresh, K, random);
    cells.labels.forEach((label, i) => {
      const set = predictSet(cells.probabilities.subarray(i * K, (i + 1) * K), thresholds, kind);
      const has = set.includes(label);
      members += set.length;
      ofClass[label]!.cells++;
      if (has) ofClass[label]!.covered++;
      if (has) covered++;
    });
  }
  return {
    ...{ all: covered / rounds / fresh, meanSize: members / rounds / fresh },
    ofClass: ofClass.map(one => one.covered / one.cells),
  };
}

describe('over many draws, sets hold the true class as often as theory says', () => {
  // The mean over rounds has a standard error of about 0.3 of the 1 / (n + 1) that theory leaves, or less; four of them.
  test.each<[SetKind, number, number]>([
    ['leastAmbiguous', 50, 0.9],
    ['leastAmbiguous', 99, 0.95],
    ['leastAmbiguous', 500, 0.8],
    // Of adaptive sets where they are rarely empty, so that the most probable class hardly adds anything.
    ['adaptive', 50, 0.9],
    ['adaptive', 99, 0.95],
    ['adaptive', 500, 0.9],
  ])('%s, %d calibration cells, coverage %d: within [c, c + 1 / (n + 1)]', (kind, n, coverage) => {
    const { all } = measureCoverage(n, coverage, false, kind);
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

describe('adaptive sets', () => {
  test('score a class by what is more likely, and a share of its own that is even over cells', () => {
    const random = createRandom(5);
    const shares: number[] = [];
    for (let i = 0; i < 4000; i++) {
      const raised = Float32Array.from({ length: 4 }, () => random());
      const p = raised.map(one => one / raised.reduce((a, b) => a + b));
      const scores = adaptiveScores(p);
      const order = [0, 1, 2, 3].sort((a, b) => p[b]! - p[a]!);
      const own = order.map((k, rank) => {
        const above = order.slice(0, rank).reduce((sum, j) => sum + p[j]!, 0);
        return (scores[k]! - above) / p[k]!;
      });
      for (const share of own) expect(Math.abs(share - own[0]!)).toBeLessThan(1e-3);
      shares.push(own[0]!);
    }
    // Kolmogorov and Smirnov: 1.95 / sqrt(n) is passed by chance once in a thousand.
    shares.sort((a, b) => a - b);
    const gap = Math.max(...shares.map((share, i) => Math.abs(share - (i + 0.5) / shares.length)));
    expect(gap).toBeLessThan(1.95 / Math.sqrt(shares.length));
  });

  test('are the same for the same probabilities, and never empty', () => {
    const sure = Float32Array.of(0.999, 0.0005, 0.0005);
    for (const threshold of [0, 0.5, 1]) {
      const thresholds = new Float64Array(3).fill(threshold);
      expect(predictSet(sure, thresholds, 'adaptive')[0]).toBe(0);
      expect(predictSet(sure.slice(), thresholds, 'adaptive')).toEqual(
        predictSet(sure, thresholds, 'adaptive'),
      );
    }
    expect(predictSet(sure, new Float64Array(3).fill(2), 'adaptive')).toEqual([0, 1, 2]);
  });

  // The draw's first class is harder: this is what adaptive sets are for, and what they pay with their size.
  test('cover the hardest class better than the least ambiguous, with larger sets', () => {
    const least = measureCoverage(600, 0.9, false);
    const adaptive = measureCoverage(600, 0.9, false, 'adaptive');
    expect(adaptive.ofClass[0]!).toBeGreaterThan(least.ofClass[0]!);
    expect(adaptive.meanSize).toBeGreaterThan(least.meanSize);
  });

  // Not at most: of easy classes the most probable one, which always belongs, is right more often than was asked.
  test('by class hold for each class', () => {
    for (const one of measureCoverage(600, 0.9, true, 'adaptive').ofClass) expect(one).toBeGreaterThan(0.885);
  });

  test('of a model that was calibrated before there were any say how to get them', () => {
    const before = { labels: Int32Array.of(0), scores: Float32Array.of(0.5), adaptive: null };
    expect(() => findSetThresholds(before, 2, 0.5, { kind: 'adaptive' })).toThrow(/train DATASET --resume/);
    expect(() => findSetThresholds(before, 2, 0.5, { kind: 'widest' as SetKind })).toThrow(
      /leastAmbiguous, adaptive/,
    );
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
    { labels: Int32Array.of(0, 0, 0, 0), scores: Float32Array.of(0.1, 0.2, 0.3, 0.4), adaptive: null },
    2,
    0.5,
    { byClass: true },
  );
  expect(predictSet(Float32Array.of(0.2, 0.8), thresholds)).toEqual([1]);
  expect(predictSet(Float32Array.of(0.9, 0.1), thresholds)).toEqual([0, 1]);
});

test.each([0, 1, -0.5, Number.NaN])('a coverage of %d is refused', coverage => {
  const scores = { labels: Int32Array.of(0), scores: Float32Array.of(0), adaptive: null };
  expect(() => findSetThresholds(scores, 2, coverage)).toThrow(
    expect.objectContaining({ code: 'option-invalid' }),
  );
});
