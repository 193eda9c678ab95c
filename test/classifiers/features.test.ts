import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StoredImages, VectorSource } from '../../src/classifiers/source.ts';
import { createSource, fitSource, isSource, loadSource } from '../../src/classifiers/sources.ts';
import { Dataset } from '../../src/dataset/dataset.ts';
import { ImageSet } from '../../src/engine/imageSet.ts';
import { featureNames, featuresVersion } from '../../src/features/definitions.ts';
import { features } from '../../src/features/features.ts';
import { train as trainMethod } from '../../src/methods/train.ts';
import { makeToy, type Toy } from '../train/toyDataset.ts';

const stored: StoredImages = {
  shape: { channels: 1, height: 24, width: 20 },
  pixelType: 'uint8',
  preparation: { height: 24, width: 20, channels: 'gray', fit: 'stretch' },
};
const size = 24 * 20;
const pixels = Uint8Array.from({ length: 30 * size }, (_, i) => {
  const [n, y, x] = [Math.floor(i / size), Math.floor((i % size) / 20), i % 20];
  const inside = Math.hypot(y - 12, x - 10) < 4 + (n % 5);
  return 30 + ((i * 2654435761) >>> 28) + (inside ? 90 + 2 * n : 0);
});
const images = ImageSet.from(pixels, stored.shape);
const rows = Int32Array.from({ length: 30 }, (_, i) => 29 - i);

describe('the vector source "features"', () => {
  test('gives every feature of the rows in their order, and of one image the same numbers', async () => {
    expect(isSource('features')).toBe(true);
    const source = await createSource('features', stored);
    expect(source.dimensions).toBe(featureNames(1).length);
    const made = await source.vectors(images, rows);
    expect(made.values).toHaveLength(30 * source.dimensions);
    for (const at of [0, 7, 29]) {
      const one = source.one(pixels.subarray((29 - at) * size, (30 - at) * size));
      expect(made.values!.subarray(at * source.dimensions, (at + 1) * source.dimensions)).toEqual(one);
      expect(made.set.read(made.rows[at]!)).toEqual(one);
    }
    made.release();
  });

  test('standardised over training cells, features that never vary are 0 and nothing is NaN', async () => {
    const source = await createSource('features', stored);
    const raw = await source.vectors(images, rows);
    const { training } = await fitSource(source, true, { images, rows }, {});
    const D = source.dimensions;
    const columnOf = (values: Float32Array, d: number) => Array.from(rows, (_, n) => values[n * D + d]!);
    const constant = Array.from({ length: D }, (_, d) => d).filter(
      d => new Set(columnOf(raw.values!, d)).size === 1,
    );
    expect(constant.length).toBeGreaterThan(0);
    for (const d of constant) expect(new Set(columnOf(training.values!, d))).toEqual(new Set([0]));
    expect(training.values!.every(Number.isFinite)).toBe(true);
    raw.release();
    training.release();
  });

  test('is read back from a model only where the definitions are the same', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'brightcell-features-'));
    try {
      const source = await createSource('features', stored);
      const description = (await source.save(folder)) as Record<string, unknown>;
      const again = await loadSource(folder, description, stored);
      const image = pixels.subarray(0, size);
      expect(again.one(image)).toEqual(source.one(image));
      const load = (version: unknown) => loadSource(folder, { ...description, version }, stored);
      await expect(load(99)).rejects.toMatchObject({ code: 'model-newer' });
      await expect(load(undefined)).rejects.toMatchObject({ code: 'model-corrupt' });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe('features that the data set keeps', () => {
  let toy: Toy;
  let source: VectorSource;
  const names = featureNames(1);
  // In any order, and one of them twice.
  const wanted = Int32Array.from([7, 3, 100, 3, 64, 0, 150, 99]);

  beforeAll(async () => {
    toy = await makeToy([40, 12, 12], { discs: true });
    const shape = { channels: 1, height: 16, width: 16 };
    const preparation = { height: 16, width: 16, channels: 'gray', fit: 'stretch' } as const;
    source = await createSource('features', { shape, preparation, pixelType: 'uint8' });
  });
  afterAll(() => toy.remove());

  const withCells = async <T>(mode: 'read' | 'write', work: (dataset: Dataset) => Promise<T>) => {
    const dataset = await Dataset.open(toy.dataset, mode);
    try {
      return await work(dataset);
    } finally {
      await dataset.close();
    }
  };
  const vectorsOf = (of = wanted) =>
    withCells('read', async dataset => {
      const made = await source.vectors(dataset.images(), of);
      made.release();
      return made.values!;
    });
  const keep = (id: number[], value: number, version = featuresVersion) =>
    withCells('write', dataset =>
      dataset.writeFeatures(
        { id: Int32Array.from(id), names, values: new Float32Array(id.length * names.length).fill(value) },
        version,
      ),
    );

  test('are the bits that measuring gives, and train the same model', async () => {
    const train = async (name: string) =>
      (await trainMethod(toy.dataset, { model: 'features+knn', out: toy.runs, name })).model;
    const all = Int32Array.from({ length: 192 }, (_, id) => id);
    const measured = [await vectorsOf(), await vectorsOf(all)];
    const model = await train('measured');
    expect((await features(toy.dataset)).measured).toBe(192);
    expect([await vectorsOf(), await vectorsOf(all)]).toEqual(measured);
    const again = await train('read');
    for (const file of await readdir(model, { recursive: true, withFileTypes: true })) {
      if (!file.isFile()) continue;
      const path = join(file.parentPath, file.name);
      expect(await readFile(path.replace(model, again))).toEqual(await readFile(path));
    }
  });

  test('are read where they are there, and only the others are measured', async () => {
    const measured = await vectorsOf();
    const marked = [3, 64, 101];
    await keep(marked, 1234);
    const received = await vectorsOf();
    for (const [i, id] of wanted.entries()) {
      const own = (values: Float32Array) => values.subarray(i * names.length, (i + 1) * names.length);
      const expected = marked.includes(id) ? new Float32Array(names.length).fill(1234) : own(measured);
      expect(own(received)).toEqual(expected);
    }
  });

  test('of other definitions are not used', async () => {
    const all = Array.from({ length: 192 }, (_, id) => id);
    await keep(all, 1234, featuresVersion + 1);
    const received = await vectorsOf();
    const [made, copies] = await withCells('read', async dataset => {
      const pixels = Uint8Array.from([...wanted].flatMap(id => [...dataset.images().read(id)]));
      const set = ImageSet.from(pixels, dataset.images().shape);
      return [await source.vectors(set, Int32Array.from(wanted.keys())), set] as const;
    });
    expect(received).toEqual(made.values);
    made.release();
    copies.close();
  });
});
