import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRandom } from '../../src/dataset/random.ts';
import { Logistic, type LogisticTables } from '../../src/engine/logistic.ts';
import { setThreads } from '../../src/engine/threads.ts';
import type { LabelledVectors } from '../../src/learners/learner.ts';
import { gridOfC, logistic } from '../../src/learners/logistic.ts';
import { areProbabilities, floatsOf, problems, vectorsOf } from './problems.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'brightcell-logistic-'));
});
afterAll(() => rm(folder, { recursive: true }));

const learn = (
  training: LabelledVectors,
  settings: Record<string, unknown> = {},
  validation: LabelledVectors | null = null,
) => logistic.fit(training, validation, logistic.settings({ C: 1, ...settings }));

async function fitTables(training: LabelledVectors, C: number, weights: number[], tolerance = 1e-9) {
  const model = await Logistic.open(training, Float64Array.from(weights));
  const found = await model.fit({ C, tolerance, iterations: 20_000 });
  return { found, tables: model.tables() };
}

const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0);

describe.each(problems)('as scikit-learn fits: $name', ({ training, test: unseen, regressions }) => {
  test.each(regressions)('C $C, class weights $classWeights', async expected => {
    const { C, classWeights } = expected;
    const counts = new Float64Array(training.classes);
    for (const label of training.labels) counts[label]!++;
    const balanced = [...counts].map(count => training.rows.length / (training.classes * count));
    const weights = classWeights === 'balanced' ? balanced : [...counts].map(() => 1);
    const { found, tables } = await fitTables(training, C, weights);
    expect(found).toMatchObject({ converged: true });
    expect(found.gradient).toBeLessThanOrEqual(1e-9);
    expect(largestDifference(tables.coefficients, expected.coefficients)).toBeLessThan(1e-4);
    expect(largestDifference(tables.intercepts, expected.intercepts)).toBeLessThan(1e-4);
    const fitted = await learn(training, { C, classWeights, tolerance: 1e-9 });
    const probabilities = await fitted.predict(unseen);
    expect(largestDifference(probabilities, floatsOf(expected.probabilities))).toBeLessThan(1e-4);
  });
});

describe('a problem with a known answer', () => {
  // Of two vectors -1 and 1 the difference w of the coefficients has 1 / (1 + e^w) = w / (4 C).
  const closedForm = (C: number) => {
    let [low, high] = [0, 4 * C];
    for (let i = 0; i < 200; i++) {
      const w = (low + high) / 2;
      if (1 / (1 + Math.exp(w)) > w / (4 * C)) low = w;
      else high = w;
    }
    return low;
  };

  test.each([0.01, 1, 100, 1e6])(
    'two vectors that a line parts, C %d: finite, and as the penalty says',
    async C => {
      const training = vectorsOf(Float32Array.of(5, 9), 1, [0, 1], 2);
      const { found, tables } = await fitTables(training, C, [1, 1], 1e-12);
      expect([...tables.mean, ...tables.scale]).toEqual([7, 0.5]);
      const w = tables.coefficients[1]! - tables.coefficients[0]!;
      expect(found.converged).toBe(true);
      expect(w / closedForm(C)).toBeCloseTo(1, 3);
      expect(tables.intercepts[0]).toBeCloseTo(0, 6);
    },
  );

  test('without anything to tell by, the shares of the classes', async () => {
    const training = vectorsOf(
      new Uint8Array(80).fill(9),
      2,
      [...Array(30).fill(0), ...Array(10).fill(1)],
      2,
    );
    const fitted = await learn(training, { tolerance: 1e-9 });
    const [common, rare] = fitted.predictOne(Uint8Array.of(9, 200));
    expect(common).toBeCloseTo(0.75, 6);
    expect(rare).toBeCloseTo(0.25, 6);
    const balanced = await learn(training, { tolerance: 1e-9, classWeights: 'balanced' });
    expect(balanced.predictOne(Uint8Array.of(0, 0))[0]).toBeCloseTo(0.5, 6);
  });

  test('a feature that does not vary has no weight', async () => {
    const numbers = Float32Array.from({ length: 90 }, (_, i) => (i % 3 === 1 ? 0.1 : (i * 37) % 11));
    const training = vectorsOf(
      numbers,
      3,
      Array.from({ length: 30 }, (_, i) => (i * 7) % 3),
      3,
    );
    const { tables } = await fitTables(training, 1, [1, 1, 1]);
    expect(tables.scale[1]).toBe(0);
    for (const k of [0, 1, 2]) expect(tables.coefficients[3 * k + 1]).toBe(0);
    const fitted = await learn(training);
    expect(fitted.predictOne(Float32Array.of(2, 0.1, 3))).toEqual(
      fitted.predictOne(Float32Array.of(2, 1e9, 3)),
    );
  });
});

describe('a logistic regression', () => {
  const { training, test: unseen } = problems[1]!;

  test('is the same on any number of threads', async () => {
    const run = async (threads: number) => {
      setThreads(threads);
      const fitted = await learn(training);
      return { probabilities: await fitted.predict(unseen), facts: fitted.facts };
    };
    const one = await run(1);
    expect(await run(2)).toEqual(one);
    expect(await run(7)).toEqual(one);
  });

  test('is the same for bytes, words and floats of the same numbers, at once and in company', async () => {
    const bytes = Uint8Array.from(
      { length: training.set.count * 64 },
      (_, i) => training.set.read(i >> 6)[i & 63]!,
    );
    const fitted = await learn(training);
    const expected = await fitted.predict(unseen);
    expect(areProbabilities(expected, 10)).toBe(true);
    for (const numbers of [bytes, Uint16Array.from(bytes), Float32Array.from(bytes)]) {
      const { set } = vectorsOf(numbers, 64, [], 10);
      const again = await learn({ ...training, set });
      expect(await again.predict({ ...unseen, set })).toEqual(expected);
      for (const i of [0, 6, 101]) {
        expect(again.predictOne(set.read(unseen.rows[i]!))).toEqual(expected.slice(10 * i, 10 * i + 10));
      }
    }
  });

  test('longer vectors than a stretch of the weights: as slow sums say', async () => {
    const D = 2100;
    const random = createRandom(5);
    const numbers = Float32Array.from({ length: 9 * D }, () => random() - 0.5);
    const training = vectorsOf(numbers, D, [0, 1, 2, 3, 4, 0, 1, 2, 3], 5);
    const { found, tables } = await fitTables(training, 0.1, [1, 1, 1, 1, 1]);
    expect(found.converged).toBe(true);
    expect(slowGradient(training, tables, 0.1)).toBeLessThan(1e-6); // coefficients are rounded to float32
  });

  test('C is chosen on the validation vectors, from strong to weak penalties', async () => {
    const { training: four, test: validation } = problems[2]!;
    const chosen = await learn(four, { C: 'auto' }, validation);
    expect(gridOfC).toContain(chosen.facts.C);
    const given = await learn(four, { C: chosen.facts.C, tolerance: 1e-9 });
    expect(largestDifference(await chosen.predict(validation), await given.predict(validation))).toBeLessThan(
      1e-3,
    );
    expect((await learn(four, { C: 'auto' })).facts.C).toBe(1);
  });

  test('stops when asked to, and says when it ran out of steps', async () => {
    expect((await learn(training, { iterations: 3 })).facts).toMatchObject({
      converged: false,
      stepsTaken: 3,
    });
    const stopping = new AbortController();
    const settings = logistic.settings({ C: 1e10, tolerance: 1e-300, iterations: 1_000_000 });
    const long = logistic.fit(training, null, settings, { signal: stopping.signal });
    setTimeout(() => stopping.abort(), 50);
    await expect(long).rejects.toMatchObject({ code: 'cancelled' });
  });
});

/** Largest component of the objective's gradient, by its definition. */
function slowGradient(
  { set, rows, labels, classes: K }: LabelledVectors,
  tables: LogisticTables,
  C: number,
): number {
  const { mean, scale, coefficients, intercepts } = tables;
  const D = mean.length;
  const gradient = Float64Array.from(coefficients, w => w / (C * rows.length));
  rows.forEach((row, i) => {
    const x = Float64Array.from(set.read(row), (value, d) => (value - mean[d]!) * scale[d]!);
    const scores = Array.from(intercepts, (b, k) =>
      x.reduce((sum, v, d) => sum + v * coefficients[k * D + d]!, b),
    );
    const all = scores.reduce((sum, score) => sum + Math.exp(score), 0);
    for (let k = 0; k < K; k++) {
      const error = (Math.exp(scores[k]!) / all - (labels[i] === k ? 1 : 0)) / rows.length;
      for (let d = 0; d < D; d++) gradient[k * D + d]! += error * x[d]!;
    }
  });
  return gradient.reduce((most, g) => Math.max(most, Math.abs(g)), 0);
}

describe('what there is little of', () => {
  test('one vector: its class is certain', async () => {
    const fitted = await learn(vectorsOf(Uint8Array.of(3, 4), 2, [1], 3));
    expect([...fitted.predictOne(Uint8Array.of(200, 0))]).toEqual([0, 1, 0]);
  });

  test('a class without vectors has probability 0, also loaded again', async () => {
    const training = vectorsOf(Float32Array.of(1, 2, 3, 4, 5, 6), 1, [0, 0, 3, 0, 3, 3], 5);
    const fitted = await learn(training);
    const [a, b, c, d, e] = fitted.predictOne(Float32Array.of(3.5));
    expect([b, c, e]).toEqual([0, 0, 0]);
    expect(a! + d!).toBeCloseTo(1, 6);
    const loaded = await logistic.load(folder, await fitted.save(folder));
    expect(await loaded.predict(training)).toEqual(await fitted.predict(training));
    expect(areProbabilities(await loaded.predict(training), 5)).toBe(true);
  });

  test('equal vectors with different labels: their shares', async () => {
    const labels = Array.from({ length: 40 }, (_, i) => (i % 4 === 0 ? 1 : 0));
    const training = vectorsOf(
      Float32Array.from({ length: 80 }, (_, i) => (i % 2 ? 5 : i < 40 ? 0 : 1)),
      2,
      labels,
      2,
    );
    const fitted = await learn(training, { tolerance: 1e-9 });
    expect(fitted.predictOne(Float32Array.of(0, 5))[1]).toBeCloseTo(0.25, 6);
  });

  test('numbers as large and as small as floats can be', async () => {
    const numbers = Float32Array.of(3e38, 1e-45, 1, -3e38, 3e-45, 1e30, 2e38, 0, -1e30, -1e38, 1e-45, 1);
    const training = vectorsOf(numbers, 3, [0, 1, 0, 1], 2);
    expect(areProbabilities(await (await learn(training)).predict(training), 2)).toBe(true);
  });
});

describe('what is refused', () => {
  test('numbers that are not finite, by where they are', async () => {
    const bad = vectorsOf(Float32Array.of(1, 2, 3, Number.NaN), 2, [0, 1], 2);
    await expect(learn(bad)).rejects.toMatchObject({ code: 'vectors-invalid' });
    await expect(learn(bad)).rejects.toThrow('number 1 of vector 1 is not a number');
    const fitted = await learn(vectorsOf(Float32Array.of(1, 2, 3, 4), 2, [0, 1], 2));
    await expect(fitted.predict(bad)).rejects.toMatchObject({ code: 'vectors-invalid' });
  });

  test('no vectors, labels outside, other sizes, wrong settings', async () => {
    const training = vectorsOf(Uint8Array.of(1, 2), 1, [0, 1], 2);
    const refused = async (what: Partial<LabelledVectors>) =>
      expect(learn({ ...training, ...what })).rejects.toMatchObject({ code: 'option-invalid' });
    await refused({ rows: new Int32Array(0), labels: new Int32Array(0) });
    await refused({ rows: Int32Array.of(0, 2) });
    await refused({ labels: Int32Array.of(0, 1, 1) });
    expect(() => logistic.settings({ C: 0 })).toThrow('C of logistic must be a number above 0');
    expect(() => logistic.settings({ C: Number.NaN })).toThrow('Received NaN');
    expect(() => logistic.settings({ C: 1e11 })).toThrow('at most 10000000000, or auto');
  });
});

describe('saved', () => {
  const { training, test: unseen } = problems[0]!;

  test('and loaded, it is the same bit for bit', async () => {
    const fitted = await learn(training);
    const description = JSON.parse(JSON.stringify(await fitted.save(folder)));
    const loaded = await logistic.load(folder, description);
    expect(loaded).toMatchObject({ dimensions: 30, classes: 2, facts: fitted.facts });
    expect(await loaded.predict(unseen)).toEqual(await fitted.predict(unseen));
    loaded.dispose();
    await expect(loaded.predict(unseen)).rejects.toThrow('disposed of');
  });

  test('and damaged anywhere, it is refused or still gives probabilities', async () => {
    const path = join(folder, 'logistic.safetensors');
    const fitted = await learn(training);
    const description = (await fitted.save(folder)) as Record<string, unknown>;
    const whole = await readFile(path);
    const random = createRandom(12);
    for (let i = 0; i < 200; i++) {
      const bytes = Uint8Array.from(whole);
      for (let j = 0; j < 3; j++) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      await writeFile(path, bytes);
      try {
        const loaded = await logistic.load(folder, description);
        expect(areProbabilities(await loaded.predict(unseen), 2)).toBe(true);
      } catch (error) {
        expect(error).toMatchObject({ code: 'model-corrupt' });
      }
    }
    await writeFile(path, whole);
    const { present, ...rest } = description;
    const wrongs = [
      null,
      rest,
      { ...rest, present: [1, 0] },
      { ...rest, present: [0, 2] },
      { ...rest, present: [0] },
    ];
    for (const wrong of [...wrongs, { ...description, dimensions: 29 }]) {
      await expect(logistic.load(folder, wrong)).rejects.toMatchObject({ code: 'model-corrupt' });
    }
    expect(present).toEqual([0, 1]);
  });
});
