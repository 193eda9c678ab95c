import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { findPrincipalAxes, projectOnAxes } from '../../src/engine/pca.ts';
import { measureSilhouette, measureTrustworthiness, probeLinearly } from '../../src/explain/separability.ts';

const judge = JSON.parse(
  readFileSync(new URL('../engine/fixtures/embeddings.json', import.meta.url), 'utf8'),
);
const D: number = judge.dimensions;
const points = Float32Array.from(judge.points as number[]);
const labels = Int32Array.from(judge.labels as number[]);
const rows = Int32Array.from(labels.keys());
const K = 5;

describe('measures of separability', () => {
  test("the silhouette is scikit-learn's", async () => {
    expect(await measureSilhouette(points, D, labels, K)).toBeCloseTo(judge.silhouette, 6);
  });

  test('a class with one member has silhouette 0, one class alone has none', async () => {
    const three = Float32Array.of(0, 2, 5);
    // a = 2, b = 5 for the first; a = 2, b = 3 for the second; 0 for the third.
    const mean = await measureSilhouette(three, 1, Int32Array.of(0, 0, 2), 3);
    expect(mean).toBeCloseTo((3 / 5 + 1 / 3 + 0) / 3, 12);
    expect(await measureSilhouette(three, 1, Int32Array.of(1, 1, 1), 2)).toBeNull();
  });

  test("the trustworthiness of a picture is scikit-learn's, at any number of neighbours", async () => {
    const axes = await findPrincipalAxes(points.slice(), D, 2);
    const picture = await projectOnAxes(points, axes);
    for (const [k, expected] of Object.entries(judge.trustworthiness as Record<string, number>))
      expect(await measureTrustworthiness(points, D, picture, Number(k), rows)).toBeCloseTo(expected, 6);
  });

  test('a picture of two dimensions that are the vectors is wholly trustworthy', async () => {
    const flat = points.slice(0, 200);
    expect(
      await measureTrustworthiness(
        flat,
        2,
        flat,
        12,
        Int32Array.from({ length: 100 }, (_, i) => i),
      ),
    ).toBe(1);
  });

  test("the linear probe's accuracy lies where scikit-learn's does over ten draws of folds", async () => {
    for (const seed of [0, 1, 2]) {
      const { accuracy, balancedAccuracy, folds } = (await probeLinearly(points, D, labels, K, { seed }))!;
      expect(accuracy).toBeGreaterThan(judge.probe.least - 0.01);
      expect(accuracy).toBeLessThan(judge.probe.most + 0.01);
      expect(balancedAccuracy).toBeGreaterThan(0.8);
      expect(folds).toBe(5);
    }
  });

  test('the probe learns nothing from labels that mean nothing', async () => {
    const shuffled = labels.map((_, i) => (i * 7919) % 5);
    const { balancedAccuracy } = (await probeLinearly(points, D, shuffled, K))!;
    expect(balancedAccuracy).toBeLessThan(0.32);
    expect(
      await probeLinearly(
        points,
        D,
        labels.map(() => 2),
        K,
      ),
    ).toBeNull();
  });
});
