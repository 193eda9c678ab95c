import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ImageSet, type Pixels } from '../../src/engine/imageSet.ts';
import { findNeighbours } from '../../src/engine/neighbours.ts';
import { knn } from '../../src/learners/knn.ts';
import type { LabelledVectors } from '../../src/learners/learner.ts';
import { drawReferences } from '../../src/learners/references.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'brightcell-knn-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Vectors of two numbers, one a row, with a label each. */
function points(rows: [x: number, y: number, label: number][], classes = 3): LabelledVectors {
  const set = setOf(Float32Array.from(rows.flatMap(([x, y]) => [x, y])));
  return {
    ...{ set, classes, rows: Int32Array.from(rows.keys()) },
    labels: Int32Array.from(rows, ([, , label]) => label),
  };
}

const setOf = (numbers: Pixels, D = 2) => ImageSet.from(numbers, { channels: 1, height: 1, width: D });

async function probabilitiesOf(
  training: LabelledVectors,
  settings: Record<string, unknown>,
  x: number,
  y = 0,
) {
  const fitted = await knn.fit(training, null, knn.settings(settings));
  const vector = Float32Array.of(x, y);
  const probabilities = await fitted.predict({ set: setOf(vector), rows: Int32Array.of(0) });
  expect(fitted.predictOne(vector)).toEqual(probabilities);
  return [...probabilities];
}

describe('votes', () => {
  const line = points([
    [1, 0, 0],
    [-2, 0, 1],
    [4, 0, 1],
    [8, 0, 2],
  ]);

  test('of the majority are shares of the neighbours', async () => {
    expect(await probabilitiesOf(line, { k: 1 }, 0)).toEqual([1, 0, 0]);
    expect(await probabilitiesOf(line, { k: 2 }, 0)).toEqual([0.5, 0.5, 0]);
    expect(await probabilitiesOf(line, { k: 4 }, 0)).toEqual([0.25, 0.5, 0.25]);
  });

  test('by distance are in proportion to 1 over the Euclidean distance', async () => {
    const sum = 1 + 1 / 2 + 1 / 4 + 1 / 8;
    const received = await probabilitiesOf(line, { k: 4, vote: 'distance' }, 0);
    [1 / sum, 0.75 / sum, 0.125 / sum].forEach((expected, i) => {
      expect(received[i]).toBeCloseTo(expected, 6);
    });
  });

  test('by distance are those of the neighbours at distance zero alone, where there are any', async () => {
    const twice = points([
      [0, 0, 0],
      [0, 0, 2],
      [0, 0, 2],
      [1, 0, 1],
    ]);
    const received = await probabilitiesOf(twice, { k: 4, vote: 'distance' }, 0);
    expect(received).toEqual([Math.fround(1 / 3), 0, Math.fround(2 / 3)]);
  });

  test('of equal points with different labels go to those with the lowest rows', async () => {
    const same = points([
      [5, 5, 2],
      [5, 5, 0],
      [5, 5, 1],
    ]);
    expect(await probabilitiesOf(same, { k: 1 }, 0)).toEqual([0, 0, 1]);
    expect(await probabilitiesOf(same, { k: 2 }, 0)).toEqual([0.5, 0, 0.5]);
    const turned = { ...same, rows: Int32Array.of(2, 1, 0), labels: Int32Array.of(1, 0, 2) };
    expect(await probabilitiesOf(turned, { k: 1 }, 0)).toEqual([0, 0, 1]);
  });

  test('add up to 1 and are never NaN, wherever points lie and however many are the same', async () => {
    const coordinate = fc.constantFrom(0, 0, 1, -1, 0.5, 1e-30, 1e-18, 1e9, -1e17);
    const point = fc.tuple(coordinate, coordinate, fc.nat(2));
    await fc.assert(
      fc.asyncProperty(
        fc.array(point, { minLength: 1, maxLength: 12 }),
        coordinate,
        fc.constantFrom('majority', 'distance'),
        async (rows, x, vote) => {
          const received = await probabilitiesOf(points(rows), { k: rows.length, vote }, x);
          expect(received.every(p => p >= 0 && p <= 1)).toBe(true);
          expect(received.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 6);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('the number of neighbours', () => {
  /** Class 0 left and class 1 right, with one wrong label in the middle of each. */
  const training = points(
    [
      ...[0, 1, 2, 3, 4].map((x): [number, number, number] => [x, 0, x === 2 ? 1 : 0]),
      ...[10, 11, 12, 13, 14].map((x): [number, number, number] => [x, 0, x === 12 ? 0 : 1]),
    ],
    2,
  );
  const validation = points(
    [
      [2.1, 0, 0],
      [1.9, 0, 0],
      [12.1, 0, 1],
    ],
    2,
  );
  const chosen = async (settings: Record<string, unknown>, on: LabelledVectors | null = validation) =>
    (await knn.fit(training, on, knn.settings(settings))).facts;

  test('is the best on the validation vectors, by macro F1 and then by loss', async () => {
    expect(await chosen({ k: [1, 3] })).toEqual({ k: 3, vote: 'majority', references: 10 });
    expect(await chosen({ k: [3, 1, 5] })).toMatchObject({ k: 5 }); // as right as 3, and surer
    expect(await chosen({})).toMatchObject({ k: 5 });
  });

  test('is the one given, or 5 where nothing can be tried', async () => {
    expect(await chosen({ k: 1 })).toMatchObject({ k: 1 });
    expect(await chosen({}, null)).toMatchObject({ k: 5 });
    expect(await chosen({ k: [7, 9] }, null)).toMatchObject({ k: 7 });
    const two = { ...training, rows: training.rows.slice(0, 2), labels: training.labels.slice(0, 2) };
    expect((await knn.fit(two, null, knn.settings({}))).facts).toMatchObject({ k: 1 });
  });

  test('is refused above the number of references', async () => {
    for (const settings of [{ k: 11 }, { k: [3, 11] }])
      await expect(chosen(settings)).rejects.toThrow(
        /at most the number of reference vectors, 10. Received 11/,
      );
    await expect(chosen({ k: 7, reference: 6 })).rejects.toMatchObject({ code: 'option-invalid' });
    const none = { ...training, rows: new Int32Array(0), labels: new Int32Array(0) };
    await expect(knn.fit(none, null, knn.settings({}))).rejects.toThrow(/reference vectors, 0/);
  });

  test.each([
    [{ k: 0 }, /k of knn must be a whole number from 1 to 10000/],
    [{ k: [] }, /k of knn/],
    [{ k: [3, 2.5] }, /k of knn/],
    [{ vote: 'loud' }, /vote of knn must be one of majority, distance/],
    [{ reference: 0 }, /reference of knn must be a whole number from 1, or all/],
    [{ seed: -1 }, /seed/],
    [{ neighbours: 3 }, /It has k, vote, reference, seed/],
  ])('and other settings out of range are refused: %j', (settings, message) => {
    expect(() => knn.settings(settings)).toThrow(message);
  });
});

describe('references drawn from the training vectors', () => {
  const many: LabelledVectors = {
    set: setOf(new Float32Array(2000)),
    rows: Int32Array.from({ length: 1000 }, (_, i) => 999 - i),
    labels: Int32Array.from({ length: 1000 }, (_, i) => (i < 700 ? 0 : i < 990 ? 1 : 3)),
    classes: 5,
  };
  const countsOf = (drawn: LabelledVectors) =>
    [0, 1, 2, 3, 4].map(k => drawn.labels.filter(label => label === k).length);

  test('have each class in proportion, and each vector at most once with its own label', () => {
    const drawn = drawReferences(many, 100, 1);
    expect(countsOf(drawn)).toEqual([70, 29, 0, 1, 0]);
    expect(new Set(drawn.rows).size).toBe(100);
    drawn.rows.forEach((row, i) => {
      expect(drawn.labels[i]).toBe(many.labels[999 - row]);
    });
    expect([...drawn.rows]).toEqual([...drawn.rows].sort((a, b) => a - b));
  });

  test('are the same by the same seed and others by another', () => {
    expect(drawReferences(many, 50, 3).rows).toEqual(drawReferences(many, 50, 3).rows);
    expect(drawReferences(many, 50, 4).rows).not.toEqual(drawReferences(many, 50, 3).rows);
  });

  test('leave out a class where there are fewer of them than classes, which then has probability 0', async () => {
    const training = points([
      ...[0, 1, 2, 3].map((x): [number, number, number] => [x, 0, 0]),
      ...[4, 5].map((x): [number, number, number] => [x, 0, 1]),
      [6, 0, 2],
    ]);
    expect((await probabilitiesOf(training, { k: 1, reference: 1 }, 6)).toSorted()).toEqual([0, 0, 1]);
    expect(await probabilitiesOf(training, { k: 3, reference: 3 }, 6)).toEqual(
      [1, 1, 1].map(() => Math.fround(1 / 3)),
    );
  });

  test('are all of them where as many are asked for, and more are refused', () => {
    expect(drawReferences(many, 1000, 1).rows).toEqual(many.rows.toSorted());
    expect(() => drawReferences(many, 1001, 1)).toThrow(/at most the number of training vectors, 1000/);
  });
});

describe('a saved nearest neighbour classifier', () => {
  const shape = { channels: 1, height: 8, width: 9 };
  const pixels = Uint16Array.from({ length: 30 * 72 }, (_, i) => Math.imul(i + 1, 2654435761) >>> 16);
  const set = ImageSet.from(pixels, shape);
  const training: LabelledVectors = {
    ...{ set, classes: 4, rows: Int32Array.from({ length: 25 }, (_, i) => 24 - i) },
    labels: Int32Array.from({ length: 25 }, (_, i) => i % 3),
  };
  const queries = { set, rows: Int32Array.of(29, 28, 3, 27) };

  async function save(name: string) {
    const fitted = await knn.fit(training, null, knn.settings({ k: 4, vote: 'distance' }));
    const path = await mkdtemp(join(folder, name));
    return { fitted, path, description: JSON.parse(JSON.stringify(await fitted.save(path))) };
  }

  test('comes back and gives the same numbers', async () => {
    const { fitted, path, description } = await save('whole');
    const loaded = await knn.load(path, description);
    expect(loaded).toMatchObject({ dimensions: 72, classes: 4, facts: fitted.facts });
    expect(await loaded.predict(queries)).toEqual(await fitted.predict(queries));
    expect(loaded.predictOne(set.read(29))).toEqual(fitted.predictOne(set.read(29)));
    loaded.dispose();
    await expect(loaded.predict(queries)).rejects.toThrow(/closed/);
    fitted.dispose();
    expect(set.read(0)).toHaveLength(72);
  });

  test('is split into shards that are refused unless all are there and whole', async () => {
    const { fitted, path, description } = await save('shards');
    expect((await readdir(path)).sort()).toEqual(['labels.npy', 'references-00000.npy']);
    const shard = join(path, 'references-00000.npy');
    const whole = await readFile(shard);
    const half = { ...description, references: { ...description.references, perShard: 13 } };
    await expect(knn.load(path, half)).rejects.toThrow(
      /must hold <u2 \[13, 1, 8, 9\] and holds <u2 \[25, 1, 8, 9\]/,
    );
    await truncate(shard, whole.length - 1);
    await expect(knn.load(path, description)).rejects.toThrow(/must have 3728 bytes and has 3727/);
    await rm(shard);
    await expect(knn.load(path, description)).rejects.toMatchObject({ code: 'model-corrupt' });
    await writeFile(shard, 'what?');
    await expect(knn.load(path, description)).rejects.toThrow(/is no NumPy file of ours/);
    fitted.dispose();
  });

  test.each([
    ['nothing', () => undefined],
    ['more neighbours than references', d => ({ ...d, k: 26 })],
    ['a class too few for a label', d => ({ ...d, references: { ...d.references, classes: 2 } })],
    ['a size without end', d => ({ ...d, references: { ...d.references, count: 2 ** 40 } })],
    ['more references than there are', d => ({ ...d, references: { ...d.references, count: 2 ** 31 - 1 } })],
    ['another pixel type', d => ({ ...d, references: { ...d.references, type: 'float32' } })],
    ['another shape', d => ({ ...d, references: { ...d.references, shape: [1, 9, 8] } })],
    ['a vote that does not exist', d => ({ ...d, vote: 'loud' })],
    // biome-ignore lint/suspicious/noExplicitAny: descriptions are JSON.
  ] as [string, (d: any) => unknown][])('is refused where its description says %s', async (_, change) => {
    const { fitted, path, description } = await save('hostile');
    await expect(knn.load(path, change(description))).rejects.toMatchObject({ code: 'model-corrupt' });
    fitted.dispose();
  });
});

const mitocheck = fileURLToPath(new URL('../../../shared/data/mitocheck/', import.meta.url));

describe.skipIf(!existsSync(mitocheck) && !process.env.CI)('on real cells, as scikit-learn', () => {
  const fixture = JSON.parse(
    readFileSync(new URL('fixtures/scikit-learn-knn.json', import.meta.url), 'utf8'),
  ) as {
    classes: string[];
    k: number;
    places: number[];
    squaredDistances: number[];
    cases: { k: number; vote: string; probabilities: number[] }[];
  };
  let references: LabelledVectors;
  let queries: LabelledVectors;

  beforeAll(async () => {
    const cells = readFileSync(join(mitocheck, 'cells.csv'), 'utf8').trim().split('\n').slice(1);
    references = await read(cells.filter((_, i) => i % 8 === 0));
    queries = await read(cells.filter((_, i) => i % 32 === 4));
  });

  async function read(lines: string[]): Promise<LabelledVectors> {
    const images = await Promise.all(
      lines.map(line =>
        sharp(join(mitocheck, line.split(',')[0]!))
          .extractChannel(0)
          .raw()
          .toBuffer(),
      ),
    );
    const set = ImageSet.from(new Uint8Array(Buffer.concat(images)), { channels: 1, height: 64, width: 64 });
    const labels = Int32Array.from(lines, line => fixture.classes.indexOf(line.split(',')[1]!));
    return { set, labels, rows: Int32Array.from(lines.keys()), classes: fixture.classes.length };
  }

  test('the neighbours are the same, and their squared distances to the last digit', async () => {
    const found = await findNeighbours(references, queries, fixture.k);
    expect([...found.places]).toEqual(fixture.places);
    expect([...found.squaredDistances]).toEqual(fixture.squaredDistances);
  });

  test.each(fixture.cases.map(one => [`${one.vote}, k = ${one.k}`, one] as const))(
    'the probabilities are the same: %s',
    async (_, { k, vote, probabilities }) => {
      const fitted = await knn.fit(references, null, knn.settings({ k, vote }));
      const received = await fitted.predict(queries);
      expect(received).toHaveLength(probabilities.length);
      received.forEach((p, i) => {
        expect(Math.abs(p - probabilities[i]!)).toBeLessThan(1e-6);
      });
      fitted.dispose();
    },
  );
});
