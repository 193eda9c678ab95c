import { copyFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ImageSet } from '../../src/engine/imageSet.ts';
import type { LabelledVectors } from '../../src/learners/learner.ts';
import { svm } from '../../src/learners/svm.ts';
import { readSafetensors, writeSafetensors } from '../../src/models/safetensors.ts';

const shape = { channels: 1, height: 8, width: 8 };

/** Noise whose mean, or with `at` whose brightest column, says the class. */
function images(counts: number[], seed: number): LabelledVectors {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const pixels = new Uint8Array(total * 64);
  const labels = Int32Array.from(counts.flatMap((count, k) => Array<number>(count).fill(k)));
  let state = seed;
  const next = () => (state = (state * 48271) % 2147483647) / 2147483647;
  labels.forEach((label, i) => {
    for (let d = 0; d < 64; d++) {
      pixels[i * 64 + d] = 60 + Math.floor(100 * next()) + (d % counts.length === label ? 18 : 0);
    }
  });
  return {
    set: ImageSet.from(pixels, shape),
    rows: Int32Array.from(labels.keys()),
    labels,
    classes: counts.length,
  };
}

const accuracy = (probabilities: Float32Array, { labels, classes: K }: LabelledVectors) =>
  labels.filter((label, i) => {
    const own = probabilities.subarray(i * K, (i + 1) * K);
    return own.indexOf(Math.max(...own)) === label;
  }).length / labels.length;

function expectProbabilities(probabilities: Float32Array, K: number): void {
  for (let i = 0; i < probabilities.length; i += K) {
    const own = Array.from(probabilities.subarray(i, i + K));
    expect(own.every(p => p >= 0 && p <= 1)).toBe(true);
    expect(own.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5);
  }
}

const training = images([120, 60, 90], 7);
const validation = images([40, 40, 40], 8);
const held = images([50, 50, 50], 9);

describe('fitting', () => {
  test('C and gamma left open are chosen of the grid on the validation vectors', async () => {
    const fitted = await svm.fit(training, validation, svm.settings({}));
    expect(fitted.facts.tuned).toBe(true);
    expect(fitted.facts.converged).toBe(true);
    const probabilities = await fitted.predict(held);
    expectProbabilities(probabilities, 3);
    expect(accuracy(probabilities, held)).toBeGreaterThan(0.8);
    expect(fitted.predictOne(held.set.read(3))).toEqual(probabilities.slice(9, 12));
    fitted.dispose();
  });

  test('without validation vectors C is 1 and gamma 1 / (D variance)', async () => {
    const fitted = await svm.fit(training, null, svm.settings({}));
    expect(fitted.facts.tuned).toBe(false);
    expect(fitted.facts.c).toBe(1);
    let [sum, squares] = [0, 0];
    for (const row of training.rows) {
      for (const value of training.set.read(row)) {
        sum += value / 255;
        squares += (value / 255) ** 2;
      }
    }
    const numbers = training.rows.length * 64;
    expect(fitted.facts.gamma).toBeCloseTo(1 / (64 * (squares / numbers - (sum / numbers) ** 2)), 6);
    fitted.dispose();
  });

  test('balanced weights lift the recall of a rare class', async () => {
    const rare = images([300, 15], 3);
    const judged = images([200, 200], 4);
    const recall = async (classWeights: string) => {
      const settings = svm.settings({ c: 0.1, gamma: 'scale', classWeights, probability: false });
      const fitted = await svm.fit(rare, null, settings);
      const probabilities = await fitted.predict(judged);
      return Array.from({ length: 200 }, (_, i) => probabilities[(200 + i) * 2 + 1]!).filter(p => p > 0.5)
        .length;
    };
    expect(await recall('balanced')).toBeGreaterThan((await recall('none')) + 50);
  });

  test('without probabilities the shares of the votes are given', async () => {
    const settings = svm.settings({ c: 1, gamma: 'scale', probability: false });
    const fitted = await svm.fit(training, null, settings);
    const probabilities = await fitted.predict(held);
    expectProbabilities(probabilities, 3);
    for (const p of probabilities) expect([0, 1, 2].some(votes => Math.abs(p - votes / 3) < 1e-6)).toBe(true);
    fitted.dispose();
  });

  test('a class without vectors gets probability 0, and one class alone is refused', async () => {
    const three = images([40, 0, 40], 5);
    const fitted = await svm.fit(three, null, svm.settings({ c: 1, gamma: 'scale' }));
    const probabilities = await fitted.predict(held);
    expectProbabilities(probabilities, 3);
    for (let i = 1; i < probabilities.length; i += 3) expect(probabilities[i]).toBe(0);
    fitted.dispose();
    const one = images([0, 40], 5);
    await expect(svm.fit(one, null, svm.settings({}))).rejects.toMatchObject({ code: 'classes-missing' });
  });

  test('a limit of steps holds for each pair of classes, and the facts say that it was met', async () => {
    const given = { c: 100, gamma: 'scale', probability: false };
    const short = await svm.fit(training, null, svm.settings({ ...given, iterations: 5 }));
    expect(short.facts).toMatchObject({ iterations: 15, converged: false });
    short.dispose();
    const whole = await svm.fit(training, null, svm.settings({ ...given, iterations: 1_000_000 }));
    expect(whole.facts.converged).toBe(true);
    whole.dispose();
  });

  test('equal images of different classes are learnt without NaN', async () => {
    const pixels = new Uint8Array(40 * 64).fill(7);
    const labels = Int32Array.from({ length: 40 }, (_, i) => i % 2);
    const flat = {
      set: ImageSet.from(pixels, shape),
      rows: Int32Array.from(labels.keys()),
      labels,
      classes: 2,
    };
    const fitted = await svm.fit(flat, null, svm.settings({}));
    expectProbabilities(await fitted.predict(flat), 2);
    expect(fitted.facts.gamma).toBe(1);
    fitted.dispose();
  });

  test('floats and 16-bit pixels are learnt as well; a number that is not finite is refused', async () => {
    const floats = Float32Array.from(
      { length: 270 * 64 },
      (_, i) => training.set.read(Math.floor(i / 64))[i % 64]! / 255,
    );
    const wide = Uint16Array.from(floats, value => Math.round(value * 255) * 257);
    const settings = svm.settings({ c: 1, gamma: 'scale', probability: false });
    const eight = await svm.fit(training, null, settings);
    for (const pixels of [floats, wide]) {
      const set = ImageSet.from(pixels, shape);
      const fitted = await svm.fit({ ...training, set }, null, settings);
      expect(fitted.facts.gamma).toBeCloseTo(eight.facts.gamma as number, 5);
      const probabilities = await fitted.predict({ set, rows: training.rows });
      const expected = await eight.predict(training);
      const same = expected.filter((p, i) => p === probabilities[i]).length;
      expect(same / expected.length).toBeGreaterThan(0.99);
      fitted.dispose();
    }
    floats[100] = Number.NaN;
    const spoilt = svm.fit({ ...training, set: ImageSet.from(floats, shape) }, null, settings);
    await expect(spoilt).rejects.toMatchObject({ code: 'option-invalid' });
  });

  test('a training and a prediction that are told to stop do', async () => {
    const signal = AbortSignal.abort();
    await expect(svm.fit(training, null, svm.settings({}), { signal })).rejects.toMatchObject({
      code: 'cancelled',
    });
    const fitted = await svm.fit(training, null, svm.settings({ c: 1, gamma: 1 }));
    await expect(fitted.predict(held, { signal })).rejects.toMatchObject({ code: 'cancelled' });
    fitted.dispose();
  });
});

test.each([
  [{ c: 0 }, 'c of svm'],
  [{ c: -1 }, 'c of svm'],
  [{ c: Number.NaN }, 'c of svm'],
  [{ gamma: 0 }, 'gamma of svm'],
  [{ gamma: Number.POSITIVE_INFINITY }, 'gamma of svm'],
  [{ gamma: 'wide' }, 'gamma of svm'],
  [{ tolerance: 0 }, 'tolerance of svm'],
  [{ iterations: 0 }, 'iterations of svm'],
  [{ iterations: 1.5 }, 'iterations of svm'],
  [{ classWeights: 'some' }, 'classWeights of svm'],
  [{ cacheBytes: -1 }, 'cacheBytes of svm'],
  [{ kernel: 'linear' }, 'kernel'],
])('settings %j are refused', (given, words) => {
  expect(() => svm.settings(given)).toThrow(expect.objectContaining({ code: 'option-invalid' }));
  expect(() => svm.settings(given)).toThrow(words);
});

describe('a saved model', () => {
  let folder: string;
  let description: Record<string, unknown>;
  let expected: Float32Array;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'brightcell-svm-'));
    const fitted = await svm.fit(training, null, svm.settings({ c: 3, gamma: 'scale' }));
    expected = await fitted.predict(held);
    description = JSON.parse(JSON.stringify(await fitted.save(folder)));
    fitted.dispose();
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('predicts the same bits', async () => {
    const loaded = await svm.load(folder, description);
    expect(loaded.dimensions).toBe(64);
    expect(loaded.facts.c).toBe(3);
    expect(await loaded.predict(held)).toEqual(expected);
    loaded.dispose();
  });

  test('is refused where a part is missing, cut or does not fit', async () => {
    const references = description.references as Record<string, number>;
    const pairs = description.pairs as Record<string, number>[];
    const spoilt: Record<string, unknown>[] = [
      { ...description, gamma: -1 },
      { ...description, pairs: pairs.slice(1) },
      { ...description, pairs: pairs.map(pair => ({ ...pair, second: 9 })) },
      { ...description, pairs: pairs.map(pair => ({ ...pair, rho: 1e300 })) },
      { ...description, references: { ...references, count: references.count! - 1 } },
      { ...description, references: { ...references, classes: 2 } },
    ];
    for (const other of spoilt) {
      await expect(svm.load(folder, other)).rejects.toMatchObject({ code: 'model-corrupt' });
    }
    await expect(svm.load(folder, null)).rejects.toMatchObject({ code: 'model-corrupt' });
    for (const name of ['coefficients.safetensors', 'references-00000.npy', 'labels.npy']) {
      const path = join(folder, name);
      await copyFile(path, `${path}.kept`);
      await truncate(path, (await readFile(path)).length - 4);
      await expect(svm.load(folder, description)).rejects.toMatchObject({ code: 'model-corrupt' });
      await copyFile(`${path}.kept`, path);
    }
  });

  test('is refused where a coefficient is not finite or support vectors are not sorted', async () => {
    const path = join(folder, 'coefficients.safetensors');
    const kept = await readFile(path);
    const { tensors } = await readSafetensors(path);
    tensors[0]!.data[0] = Number.NaN;
    await writeSafetensors(path, tensors);
    await expect(svm.load(folder, description)).rejects.toMatchObject({ code: 'model-corrupt' });
    await writeFile(path, kept);
    const labels = join(folder, 'labels.npy');
    const bytes = await readFile(labels);
    bytes.writeInt32LE(2, bytes.length - 4 * (description.references as { count: number }).count);
    await writeFile(labels, bytes);
    await expect(svm.load(folder, description)).rejects.toMatchObject({ code: 'model-corrupt' });
  });
});
