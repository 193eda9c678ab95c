// Real cells cut to one size, exactly as bench/peers/libsvm.py cuts them.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { ImageSet } from '../../src/engine/imageSet.ts';
import type { LabelledVectors } from '../../src/learners/learner.ts';

const data = fileURLToPath(new URL('../../../shared/data', import.meta.url));

/** Whether the images are there; under CI they must be. */
export const realImages = existsSync(data) || Boolean(process.env.CI);

export interface RealCells {
  pixels: Uint8Array;
  /** All but every fifth cell, and every fifth. */
  training: LabelledVectors;
  held: LabelledVectors;
}

export async function readRealCells(name: string, side: number, classes: string[]): Promise<RealCells> {
  const [, ...lines] = readFileSync(join(data, name, 'cells.csv'), 'utf8')
    .trim()
    .split(/\r?\n/);
  const cells = lines.map(line => line.split(','));
  const pixels = new Uint8Array(cells.length * side * side);
  const cut = async ([path]: string[], i: number) => {
    const own = pixels.subarray(i * side * side, (i + 1) * side * side);
    await cutSquare(join(data, name, path!), side, own);
  };
  for (let at = 0; at < cells.length; at += 64) {
    await Promise.all(cells.slice(at, at + 64).map((cell, i) => cut(cell, at + i)));
  }
  const set = ImageSet.from(pixels, { channels: 1, height: side, width: side });
  const labels = cells.map(([, label]) => classes.indexOf(label!));
  const part = (held: boolean): LabelledVectors => {
    const rows = Int32Array.from(labels.keys()).filter(i => (i % 5 === 0) === held);
    return { set, rows, labels: rows.map(i => labels[i]!), classes: classes.length };
  };
  return { pixels, training: part(false), held: part(true) };
}

/** Crops or pads with zeros about the centre; of several channels the second. */
async function cutSquare(path: string, side: number, dst: Uint8Array): Promise<void> {
  const { data: src, info } = await sharp(path).raw().toBuffer({ resolveWithObject: true });
  const channel = info.channels > 1 ? 1 : 0;
  const [height, width] = [Math.min(info.height, side), Math.min(info.width, side)];
  const [top, left] = [half(info.height - height), half(info.width - width)];
  const [y0, x0] = [half(side - height), half(side - width)];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = ((top + y) * info.width + left + x) * info.channels + channel;
      dst[(y0 + y) * side + x0 + x] = src[from]!;
    }
  }
}

const half = (length: number) => Math.floor(length / 2);
