import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRandom } from '../../src/dataset/random.ts';
import { Forest, type ForestOptions, type ForestTables } from '../../src/engine/forest.ts';
import { setThreads } from '../../src/engine/threads.ts';
import { forest } from '../../src/learners/forest.ts';
import type { LabelledVectors } from '../../src/learners/learner.ts';
import { areProbabilities, floor, problems, trees, vectorsOf } from './problems.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'brightcell-forest-'));
});
afterAll(() => rm(folder, { recursive: true }));

const learn = (training: LabelledVectors, settings: Record<string, unknown> = {}) =>
  forest.fit(training, null, forest.settings({ trees: 20, ...settings }));

/** N vectors of one number each, which are the numbers given, `times` over. */
const column = (numbers: number[], labels: number[], times: number, K = 2) => {
  const repeat = <T>(items: T[]) =>
    Array.from({ length: items.length * times }, (_, i) => items[i % items.length]!);
  return vectorsOf(Float32Array.from(repeat(numbers)), 1, repeat(labels), K);
};

describe.each(problems)('as scikit-learn classifies: $name', ({ training, test: unseen, forests }) => {
  test.each(forests)('class weights $classWeights, leaves of $minimalLeaf and more', async expected => {
    const { classWeights, minimalLeaf } = expected;
    const found = { accuracy: 0, loss: 0 };
    const seeds = 5;
    for (let seed = 0; seed < seeds; seed++) {
      const fitted = await learn(training, { trees, classWeights, minimalLeaf, seed });
      const { accuracy, loss } = score(await fitted.predict(unseen), unseen);
      found.accuracy += accuracy / seeds;
      found.loss += loss / seeds;
    }
    for (const name of ['accuracy', 'loss'] as const) {
      const [mean, deviation] = expected[name];
      expect(Math.abs(found[name] - mean), `${name} ${found[name]} for ${mean} +- ${deviation}`).toBeLessThan(
        2 * deviation,
      );
    }
  });

  test('vectors that a tree did not see tell how well unseen ones are classified', async () => {
    const fitted = await learn(training, { trees: 200 });
    const { accuracy } = score(await fitted.predict(unseen), unseen);
    expect(Math.abs((fitted.facts.outOfBagAccuracy as number) - accuracy)).toBeLessThan(0.06);
  });
});

function score(probabilities: Float32Array, { labels, classes }: LabelledVectors) {
  let right = 0;
  let loss = 0;
  labels.forEach((label, i) => {
    const own = probabilities.subarray(i * classes, (i + 1) * classes);
    right += own.indexOf(Math.max(...own)) === label ? 1 : 0;
    loss -= Math.log(Math.max(own[label]!, floor));
  });
  return { accuracy: right / labels.length, loss: loss / labels.length };
}

describe('a tree on a problem with a known answer', () => {
  const options = {
    trees: 1,
    minimalLeaf: 1,
    featuresPerNode: 0,
    classWeights: Float64Array.of(1, 1),
    seed: 4,
  };

  test('one cut parts two classes, and its gain is their Gini impurity', async () => {
    const training = column([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [0, 0, 0, 0, 0, 0, 1, 1, 1, 1], 1000);
    const { forest: grown } = await Forest.grow(training, options);
    const tables = grown.tables();
    expect([...tables.feature]).toEqual([0, -1, -1]);
    expect([...tables.next]).toEqual([1, 0, 1]);
    expect(tables.cut[0]).toBe(5.5);
    expect(tables.gain[0]).toBeCloseTo(2 * 0.6 * 0.4, 2); // of the sample: 0.6 and 0.4 within a few hundredths
    expect([...grown.importances()]).toEqual([1]);
    expect([...grown.predictOne(Float32Array.of(5.5))]).toEqual([1, 0]);
    expect([...grown.predictOne(Float32Array.of(5.51))]).toEqual([0, 1]);
  });

  test('an exclusive or takes two cuts on each way, though the first one gains nothing', async () => {
    const numbers = Uint8Array.from({ length: 800 }, (_, i) => (i >> (i % 2 === 0 ? 1 : 2)) & 1);
    const labels = Array.from({ length: 400 }, (_, i) => (i & 1) ^ ((i >> 1) & 1));
    const { forest: grown } = await Forest.grow(vectorsOf(numbers, 2, labels, 2), options);
    expect(grown.nodes).toBe(7);
    for (const [a, b] of [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ]) {
      expect(grown.predictOne(Uint8Array.of(a!, b!))[1]).toBe(a! ^ b!);
    }
  });

  test('a leaf holds as many vectors as it must', async () => {
    const training = column(
      Array.from({ length: 60 }, (_, i) => i),
      Array.from({ length: 60 }, (_, i) => i % 2),
      1,
    );
    for (const minimalLeaf of [1, 4, 13]) {
      const { forest: grown } = await Forest.grow(training, { ...options, trees: 30, minimalLeaf });
      const leaves = (grown.nodes + 30) / 2;
      expect(leaves / 30).toBeLessThanOrEqual(60 / minimalLeaf);
      expect(leaves / 30).toBeGreaterThan(1);
    }
  });

  test('more than 256 values are parted into ranges of about as many vectors', async () => {
    const random = createRandom(3);
    const numbers = Float32Array.from(
      { length: 20_000 },
      () => Math.exp(8 * random()) * (random() < 0.3 ? 0 : 1),
    );
    const labels = Array.from(numbers, x => (x > 20 ? 1 : 0));
    const { forest: grown } = await Forest.grow(vectorsOf(numbers, 1, labels, 2), {
      ...options,
      minimalLeaf: 100,
    });
    // 256 ranges: at most one in 256 vectors stands in the range of the boundary, and so may be taken wrongly.
    const wrong = numbers.filter((x, i) => grown.predictOne(Float32Array.of(x))[labels[i]!]! < 0.5);
    expect(wrong.length / numbers.length).toBeLessThan(1 / 256);
  });
});

describe('a forest', () => {
  const { training, test: unseen } = problems[2]!;

  test('is the same on any number of threads, and another with another seed', async () => {
    const grow = async (threads: number, seed: number) => {
      setThreads(threads);
      const fitted = await learn(training, { seed });
      return { probabilities: await fitted.predict(unseen), facts: fitted.facts };
    };
    const one = await grow(1, 1);
    expect(await grow(2, 1)).toEqual(one);
    expect(await grow(7, 1)).toEqual(one);
    expect((await grow(2, 2)).probabilities).not.toEqual(one.probabilities);
  });

  test('is the same for bytes, words and floats of the same numbers', async () => {
    const { training: digits, test: others } = problems[1]!;
    const bytes = Uint8Array.from(
      { length: digits.set.count * 64 },
      (_, i) => digits.set.read(i >> 6)[i & 63]!,
    );
    const expected = await (await learn(digits)).predict(others);
    for (const numbers of [Uint16Array.from(bytes), Float32Array.from(bytes)]) {
      const { set } = vectorsOf(numbers, 64, [], 10);
      const fitted = await learn({ ...digits, set });
      expect(await fitted.predict({ ...others, set })).toEqual(expected);
    }
  });

  test('says of one vector at once what it says of many', async () => {
    const fitted = await learn(training);
    const all = await fitted.predict(unseen);
    expect(areProbabilities(all, 4)).toBe(true);
    for (const i of [0, 7, 300]) {
      const vector = unseen.set.read(unseen.rows[i]!);
      expect(fitted.predictOne(vector)).toEqual(all.slice(4 * i, 4 * i + 4));
    }
  });

  test('finds the features that matter', async () => {
    const sample = { ...training, classWeights: undefined };
    const options: ForestOptions = { ...forest.settings({}), classWeights: Float64Array.of(1, 1, 1, 1) };
    const { forest: grown } = await Forest.grow(sample, { ...options, trees: 100 });
    const shares = [...grown.importances()];
    expect(shares.reduce((sum, share) => sum + share)).toBeCloseTo(1, 9);
    expect(shares[6]).toBe(0); // does not vary
    const best = [...shares.keys()].sort((a, b) => shares[b]! - shares[a]!).slice(0, 3);
    expect(best.sort()).toEqual([0, 1, 2]);
  });

  test('reports its trees, and stops when asked to', async () => {
    const seen: number[] = [];
    const onProgress = ({ done, total }: { done: number; total?: number }) => seen.push(done / total!);
    await forest.fit(training, null, forest.settings({ trees: 50 }), { onProgress });
    expect(seen.at(-1)).toBe(1);
    const stopping = new AbortController();
    const long = forest.fit(training, null, forest.settings({ trees: 100_000 }), {
      signal: stopping.signal,
    });
    setTimeout(() => stopping.abort(), 100);
    await expect(long).rejects.toMatchObject({ code: 'cancelled' });
  });
});

describe('what there is little of', () => {
  test('one vector: its class is certain, and nothing is known out of bag', async () => {
    const fitted = await learn(vectorsOf(Uint8Array.of(3, 4), 2, [1], 3));
    expect([...fitted.predictOne(Uint8Array.of(200, 0))]).toEqual([0, 1, 0]);
    expect(fitted.facts).toMatchObject({ outOfBagAccuracy: null, outOfBagLoss: null, nodes: 20 });
  });

  test('features that do not vary: the shares of the classes', async () => {
    const training = column([2.5], [0], 900, 3);
    training.labels.fill(2, 810);
    const [common, none, rare] = (await learn(training)).predictOne(Float32Array.of(7));
    expect(common).toBeCloseTo(0.9, 1);
    expect(none).toBe(0);
    expect(rare).toBeCloseTo(0.1, 1);
    const balanced = (await learn(training, { classWeights: 'balanced' })).predictOne(Float32Array.of(7));
    expect(balanced[0]).toBeCloseTo(0.5, 1);
    expect(balanced[1]).toBe(0);
  });

  test('equal vectors with different labels: their shares', async () => {
    const fitted = await learn(column([1, 1, 1, 4], [0, 1, 1, 0], 300));
    expect(fitted.predictOne(Float32Array.of(1))[1]).toBeCloseTo(2 / 3, 1);
    expect(fitted.predictOne(Float32Array.of(4))[1]).toBe(0);
  });
});

describe('what is refused', () => {
  test('numbers that are not finite, by where they are', async () => {
    const numbers = Float32Array.of(1, 2, 3, Number.NaN, 5, Number.POSITIVE_INFINITY);
    const bad = vectorsOf(numbers, 2, [0, 1, 1], 2);
    await expect(learn(bad)).rejects.toMatchObject({ code: 'vectors-invalid' });
    await expect(learn(bad)).rejects.toThrow(/number 1 of vector [12] is (not a number|infinite)/);
    const fitted = await learn({ ...bad, rows: Int32Array.of(0, 0), labels: Int32Array.of(0, 1) });
    await expect(fitted.predict(bad)).rejects.toMatchObject({ code: 'vectors-invalid' });
    expect(() => fitted.predictOne(Float32Array.of(0, Number.NaN))).toThrow(
      'number 1 of vector 0 is not a number',
    );
  });

  test('no vectors, labels and rows outside, other sizes, wrong settings', async () => {
    const training = column([1, 2], [0, 1], 3);
    const refused = async (what: Partial<LabelledVectors>) =>
      expect(learn({ ...training, ...what })).rejects.toMatchObject({ code: 'option-invalid' });
    await refused({ rows: new Int32Array(0), labels: new Int32Array(0) });
    await refused({ labels: Int32Array.of(0, 1, 0, 1, 0, 2) });
    await refused({ labels: Int32Array.of(0, 1) });
    await refused({ rows: Int32Array.of(0, 1, 2, 3, 4, 6) });
    const fitted = await learn(training);
    expect(() => fitted.predictOne(Float32Array.of(1, 2))).toThrow('vectors of 1 numbers');
    expect(() => forest.settings({ trees: 0 })).toThrow('trees of forest must be a whole number from 1');
    expect(() => forest.settings({ depth: 4 })).toThrow('There is no setting "depth" of forest.');
  });

  test('more vectors than memory can hold', async () => {
    const set = problems[1]!.training.set;
    const huge = { ...set, shape: { channels: 64, height: 20_000, width: 20_000 } } as typeof set;
    Object.setPrototypeOf(huge, Object.getPrototypeOf(set));
    const rows = new Int32Array(2 ** 22);
    await expect(
      Forest.grow(
        { set: huge, rows, labels: rows, classes: 2 },
        { ...forest.settings({}), classWeights: Float64Array.of(1, 1) },
      ),
    ).rejects.toMatchObject({ code: 'memory-full' });
  });
});

describe('saved', () => {
  const { training, test: unseen } = problems[0]!;
  const path = () => join(folder, 'forest.safetensors');

  test('and loaded, it is the same bit for bit', async () => {
    const fitted = await learn(training, { minimalLeaf: 4 });
    const description = JSON.parse(JSON.stringify(await fitted.save(folder)));
    const loaded = await forest.load(folder, description);
    expect(loaded).toMatchObject({ dimensions: 30, classes: 2, facts: fitted.facts });
    expect(await loaded.predict(unseen)).toEqual(await fitted.predict(unseen));
    loaded.dispose();
    await expect(loaded.predict(unseen)).rejects.toThrow('disposed of');
  });

  const replaceLeaves = ({ feature, next }: ForestTables, kind: number, to: number) => {
    for (const [i, own] of feature.entries()) if (own === kind) next[i] = to;
  };
  const damages: [string, (tables: ForestTables) => void][] = [
    ['a node that leads back', t => t.next.fill(0, 0, 1)],
    ['a node that leads to itself', t => t.next.fill(1, 1, 2)],
    ['a node that leads out', t => t.next.fill(1e6, 0, 1)],
    ['a node that is no whole number', t => t.next.fill(1.5, 0, 1)],
    ['a node that is no number', t => t.next.fill(Number.NaN, 0, 1)],
    ['a feature that is not there', t => t.feature.fill(30, 0, 1)],
    ['a kind of leaf that is not there', t => t.feature.fill(-3, 0, 1)],
    ['a cut that is not finite', t => t.cut.fill(Number.POSITIVE_INFINITY, 0, 1)],
    ['a class that is not there', t => replaceLeaves(t, -1, 2)],
    ['shares that are not there', t => replaceLeaves(t, -2, 1e5)],
    ['shares that do not add up', t => t.shares.fill(0.6)],
    ['shares below 0', t => t.shares.set([-1, 2])],
    ['a tree of fewer nodes', t => t.nodes.fill(3, 0, 1)],
    ['a tree of no nodes', t => t.nodes.fill(0, 0, 1)],
    ['a tree of less than no nodes', t => t.nodes.fill(-5, 0, 1)],
    ['a gain that is no number', t => t.gain.fill(Number.NaN)],
  ];
  test.each(damages)('with %s, it is refused', async (_, damage) => {
    const options = {
      ...forest.settings({ trees: 20, minimalLeaf: 4 }),
      classWeights: Float64Array.of(1, 1),
    };
    const { forest: grown } = await Forest.grow(training, options);
    const tables = grown.tables();
    expect(Forest.from(30, 2, tables).nodes).toBe(grown.nodes);
    damage(tables);
    expect(() => Forest.from(30, 2, tables)).toThrow();
  });

  test('and damaged anywhere, it is refused or still gives probabilities', async () => {
    const fitted = await learn(training, { trees: 5 });
    const description = (await fitted.save(folder)) as Record<string, unknown>;
    const whole = await readFile(path());
    const random = createRandom(11);
    let refused = 0;
    for (let i = 0; i < 300; i++) {
      const bytes = Uint8Array.from(whole);
      for (let j = 0; j < 3; j++) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      await writeFile(path(), bytes);
      try {
        const loaded = await forest.load(folder, description);
        expect(areProbabilities(await loaded.predict(unseen), 2)).toBe(true);
        loaded.dispose();
      } catch (error) {
        expect(error).toMatchObject({ code: 'model-corrupt' });
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(50);
    await writeFile(path(), whole);
    for (const wrong of [null, {}, { ...description, dimensions: 2 }, { ...description, classes: 1 }]) {
      await expect(forest.load(folder, wrong)).rejects.toMatchObject({ code: 'model-corrupt' });
    }
  });
});
