import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Dataset } from '../../src/dataset/dataset.ts';
import { formatVersion, type NewCell, type SplitName, splitNames } from '../../src/dataset/format.ts';
import { qualityFeatures } from '../../src/engine/prepare.ts';
import { mixSeed } from '../../src/train/seed.ts';

const usualSide = 16;

/** A network that trains in milliseconds, with every kind of layer that keeps state or draws random numbers. */
export const tinyNetwork = {
  name: 'tiny',
  layers: [
    { type: 'conv', filters: 8, kernel: 3, stride: 2 },
    { type: 'relu' },
    { type: 'batchNorm' },
    { type: 'dropout', rate: 0.1 },
    { type: 'maxPool', size: 2 },
    { type: 'dense', units: 'classes' },
  ],
};

export interface Toy {
  folder: string;
  /** Path of the data set. */
  dataset: string;
  /** Path of `tinyNetwork`. */
  network: string;
  /** Path of the folder of runs. */
  runs: string;
  remove(): Promise<void>;
}

/**
 * Cells of K classes that differ by the direction of stripes, or, with `discs`, which plain methods tell apart too, are
 * discs of different size; `perPart` of each class in train, validation, test.
 */
export async function makeToy(
  perPart: number[] | number[][] = [40, 12, 12],
  { classes = ['flat', 'level', 'upright'], split = true, discs = false, side = usualSide } = {},
): Promise<Toy> {
  const folder = await mkdtemp(join(tmpdir(), 'brightcell-toy-'));
  const toy = {
    folder,
    dataset: join(folder, 'cells'),
    network: join(folder, 'tiny.json'),
    runs: join(folder, 'runs'),
  };
  await writeFile(toy.network, JSON.stringify(tinyNetwork));
  const dataset = await Dataset.create(toy.dataset, {
    formatVersion,
    classes,
    channels: 1,
    height: side,
    width: side,
    pixelType: 'uint8',
    preparation: { height: side, width: side, channels: 'gray', fit: 'stretch' },
    provenance: { createdBy: 'test', createdAt: '2020-01-01', source: 'toy', options: {} },
  });
  const cells = classes.flatMap((_, label) => {
    const counts = (Array.isArray(perPart[0]) ? perPart[label] : perPart) as number[];
    return counts.flatMap((count, part) => Array.from({ length: count }, (_, i) => ({ label, part, i })));
  });
  await dataset.append(
    cells.map(({ label, part, i }) => drawCell(label, mixSeed(label, part, i), { discs, side })),
  );
  if (split) {
    const names = cells.map(({ part }) => splitNames[part] as SplitName);
    await dataset.writeSplit({ id: Int32Array.from(cells.keys()), split: names }, { by: 'test' });
  }
  await dataset.close();
  return { ...toy, remove: () => rm(folder, { recursive: true, force: true }) };
}

function drawCell(label: number, seed: number, { discs, side }: { discs: boolean; side: number }): NewCell {
  const noise = (at: number) => (mixSeed(seed, at) % 81) - 40;
  const phase = mixSeed(seed, 7) % 8;
  const stripe = (y: number, x: number) =>
    label === 0 ? 0 : label === 1 ? ((y + phase) >> 1) & 1 : ((x + phase) >> 1) & 1;
  const middle = (side - 1) / 2;
  const disc = (y: number, x: number) => (Math.hypot(y - middle, x - middle) < 3 + 2 * label ? 1 : 0);
  const drawn = discs ? disc : stripe;
  const pixels = Uint8Array.from({ length: side * side }, (_, i) => {
    return 90 + 70 * drawn(Math.floor(i / side), i % side) + noise(i);
  });
  return {
    pixels,
    label,
    group: null,
    source: `${label}-${seed}.png`,
    frame: 0,
    rawHeight: side,
    rawWidth: side,
    quality: new Float32Array(qualityFeatures.length),
  };
}
