import { expect, test } from 'vitest';
import { compareLevels, kruskalWallis, rankLevels } from '../../src/audit/greyLevels.ts';
import { createRandom } from '../../src/dataset/random.ts';
import fixture from './fixtures/rank-tests.json' with { type: 'json' };

const sampleOf = (labels: number[]) => ({
  count: labels.length,
  id: Int32Array.from(labels.keys()),
  label: Int32Array.from(labels),
  group: labels.map(() => null),
});

test.each(fixture.levels)("ranks and Kruskal and Wallis's H are SciPy's, ties among them, case %#", one => {
  const ranks = rankLevels(one.levels);
  expect([...ranks]).toEqual(one.ranks);
  expect(kruskalWallis(ranks, Int32Array.from(one.labels))).toBeCloseTo(one.H, 9);
});

test('levels that do not overlap separate the classes, and the gap says which', () => {
  const labels = Array.from({ length: 32 }, (_, i) => i % 4);
  const level = Float32Array.from(labels, (k, i) => (k < 2 ? 0.2 : 0.7) + i / 1000);
  const found = compareLevels(level, sampleOf(labels), ['a', 'b', 'c', 'd'], 0)!;
  expect(found.apart).toEqual({ dark: ['a', 'b'], bright: ['c', 'd'] });
  expect(found.epsilonSquared).toBeGreaterThan(0.7);
  expect(found.p).toBe(1 / 2000);
});

test('of 200 sets of levels without meaning about one in a hundred has p below 0.01', () => {
  const labels = Array.from({ length: 30 }, (_, i) => i % 3);
  let few = 0;
  for (let seed = 0; seed < 200; seed++) {
    const random = createRandom(seed);
    const level = Float32Array.from(labels, random);
    if (compareLevels(level, sampleOf(labels), ['a', 'b', 'c'], seed)!.p < 0.01) few++;
  }
  expect(few).toBeLessThanOrEqual(8); // 99.9 % of a binomial of 200 and 0.01
});

test('cells without a background do not count, and one class alone is not compared', () => {
  const level = Float32Array.of(0.1, 0.2, Number.NaN, Number.NaN);
  expect(compareLevels(level, sampleOf([0, 0, 1, 1]), ['a', 'b'], 0)).toBeNull();
});
