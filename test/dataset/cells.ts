import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatasetHeader, NewCell } from '../../src/dataset/format.ts';
import { qualityFeatures } from '../../src/engine/prepare.ts';

/** A header of a small data set: 8 x 6 pixels, two classes. */
export function header(changes: Partial<DatasetHeader> = {}): DatasetHeader {
  const createdAt = '2026-11-22T20:00:00.000Z';
  return {
    formatVersion: 1,
    classes: ['B cell', 'T cell'],
    channels: 1,
    height: 8,
    width: 6,
    pixelType: 'uint8',
    preparation: { height: 8, width: 6, channels: 'gray', fit: 'stretch' },
    provenance: { createdBy: 'test', createdAt, source: 'nowhere', options: {} },
    ...changes,
  };
}

/** Cell number `i`: every pixel, label and feature follows from `i`, so that what is read can be checked. */
export function cell(i: number, changes: Partial<NewCell> = {}): NewCell {
  return {
    pixels: Uint8Array.from({ length: 48 }, (_, k) => (i * 31 + k * 7) % 251),
    label: i % 2,
    group: i % 5 === 0 ? null : `donor ${i % 3}`,
    source: `images/${i}.png`,
    frame: 0,
    rawHeight: 20 + (i % 7),
    rawWidth: 100 + (i % 11),
    quality: Float32Array.from(qualityFeatures, (_, k) => i + k / 4),
    ...changes,
  };
}

export function cellRange(first: number, end: number): NewCell[] {
  return Array.from({ length: end - first }, (_, i) => cell(first + i));
}

/** Runs `body` with a new temporary folder and removes the folder afterwards. */
export async function withFolder<T>(body: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'brightcell-dataset-'));
  try {
    return await body(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
