import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { StoredImages } from '../../src/classifiers/source.ts';
import { createSource, fitSource, isSource, loadSource } from '../../src/classifiers/sources.ts';
import { ImageSet } from '../../src/engine/imageSet.ts';
import { featureNames } from '../../src/features/definitions.ts';

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
