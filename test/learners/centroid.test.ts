import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ImageSet } from '../../src/engine/imageSet.ts';
import { centroid } from '../../src/learners/centroid.ts';
import type { LabelledVectors } from '../../src/learners/learner.ts';

/** Vectors of two numbers, a row each, with a label. */
function points(rows: [x: number, y: number, label: number][], classes = 3): LabelledVectors {
  const set = ImageSet.from(Float32Array.from(rows.flatMap(([x, y]) => [x, y])), {
    ...{ channels: 1, height: 1, width: 2 },
  });
  const labels = Int32Array.from(rows, ([, , label]) => label);
  return { set, rows: Int32Array.from(rows.keys()), labels, classes };
}

/** Means (0, 0), (4, 0) and (0, 4); every vector is at distance 1 of its own. */
const training = points([
  ...[-1, 1].map((x): [number, number, number] => [x, 0, 0]),
  ...[-1, 1].map((y): [number, number, number] => [4, y, 1]),
  ...[-1, 1].map((x): [number, number, number] => [x, 4, 2]),
]);

describe('the nearest class mean', () => {
  test('gives exp(-s d / w), made to add up to 1', async () => {
    const fitted = await centroid.fit(training, null, { sharpness: 0.5 });
    expect(fitted.facts).toEqual({ sharpness: 0.5, spread: 1 });
    const probabilities = await fitted.predict(points([[1, 0, 0]]));
    const weights = [1, 9, 17].map(distance => Math.exp(-0.5 * distance));
    const sum = weights.reduce((all, weight) => all + weight, 0);
    weights.forEach((weight, k) => {
      expect(probabilities[k]).toBeCloseTo(weight / sum, 6);
    });
    expect(fitted.predictOne(Float32Array.of(1, 0))).toEqual(probabilities);
  });

  test('chooses the sharpness with the least loss on the validation vectors, 1 without any', async () => {
    // Half of those at (2.1, 0) are of class 0: no certainty pays.
    const doubtful = points([
      [2.1, 0, 0],
      [2.1, 0, 1],
    ]);
    const doubting = await centroid.fit(training, doubtful, { sharpness: 'auto' });
    const clear = await centroid.fit(training, training, { sharpness: 'auto' });
    expect(doubting.facts.sharpness).toBeLessThan(clear.facts.sharpness as number);
    expect((await centroid.fit(training, null, { sharpness: 'auto' })).facts.sharpness).toBe(1);
  });

  test('on equal vectors with different labels, or a class without any, is never NaN', async () => {
    const equal = points([
      [3, 3, 0],
      [3, 3, 1],
    ]);
    const fitted = await centroid.fit(equal, equal, { sharpness: 'auto' });
    expect(await fitted.predict(points([[3, 3, 0]]))).toEqual(Float32Array.of(0.5, 0.5, 0));
    expect(await fitted.predict(points([[1e20, -1e20, 0]]))).toEqual(Float32Array.of(0.5, 0.5, 0));
  });

  test('saved and loaded is the same, and files that do not fit it are refused', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'brightcell-centroid-'));
    const fitted = await centroid.fit(training, training, { sharpness: 'auto' });
    const description = JSON.parse(JSON.stringify(await fitted.save(folder)));
    const loaded = await centroid.load(folder, description);
    expect(await loaded.predict(training)).toEqual(await fitted.predict(training));
    expect(loaded.facts).toEqual(fitted.facts);
    for (const damage of [
      { counts: [1, 1] },
      { counts: [0, 0, 0] },
      { dimensions: 1e9 },
      { spread: 0 },
      { sharpness: 'auto' },
    ]) {
      const loading = centroid.load(folder, { ...description, ...damage });
      await expect(loading).rejects.toMatchObject({ code: 'model-corrupt' });
    }
    await expect(centroid.load(folder, null)).rejects.toMatchObject({ code: 'model-corrupt' });
    await rm(folder, { recursive: true });
  });
});
