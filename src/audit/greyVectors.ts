// N images, C channels, H rows, W columns.

import { featureCount, measureFeatures } from '../engine/features.ts';
import { ImageSet } from '../engine/imageSet.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { visitMasks } from './background.ts';

/** Numbers of N cells, N x D row major. */
export interface CellVectors {
  values: Float32Array;
  D: number;
}

const bins = 32;
/** Mean and deviation of the pixels along each of four sides, and their median. */
const borderNumbers = 9;

/** Of every image the mean of each channel, its histogram of 32 bins, and what its outermost pixels are like. */
export async function measureGrey(
  images: ImageSet,
  rows: Int32Array,
  job: Job,
): Promise<{ meanGrey: CellVectors; histogram: CellVectors; border: CellVectors }> {
  const { channels: C, height: H, width: W } = images.shape;
  const size = H * W;
  const range = images.type === 'uint16' ? 65_536 : 256;
  const of = (D: number): CellVectors => ({ values: new Float32Array(rows.length * D), D });
  const [meanGrey, histogram, border] = [of(C), of(C * bins), of(C * borderNumbers)];
  for (let n = 0; n < rows.length; n++) {
    if (n % 256 === 255) {
      await new Promise(setImmediate);
      throwIfCancelled(job);
    }
    const pixels = images.read(rows[n]!);
    for (let c = 0; c < C; c++) {
      const plane = pixels.subarray(c * size, (c + 1) * size);
      let sum = 0;
      const first = n * C * bins + c * bins;
      for (let i = 0; i < size; i++) {
        sum += plane[i]!;
        histogram.values[first + Math.floor((plane[i]! * bins) / range)]! += 1 / size;
      }
      meanGrey.values[n * C + c] = sum / size / (range - 1);
      border.values.set(measureBorder(plane, H, W, range - 1), (n * C + c) * borderNumbers);
    }
  }
  return { meanGrey, histogram, border };
}

function measureBorder(plane: ArrayLike<number>, H: number, W: number, most: number): number[] {
  const thick = Math.max(1, Math.floor(Math.min(H, W) / 32));
  const sides: number[][] = [[], [], [], []];
  const all: number[] = [];
  for (let y = 0; y < H; y++)
    for (let x = 0; x < W; x++) {
      const on = [y < thick, y >= H - thick, x < thick, x >= W - thick];
      if (!on.includes(true)) {
        x = W - thick - 1; // over what lies inside
        continue;
      }
      const value = plane[y * W + x]! / most;
      all.push(value);
      for (const [side, is] of on.entries()) if (is) sides[side]!.push(value);
    }
  all.sort((a, b) => a - b);
  return [all[all.length >> 1]!, ...sides.flatMap(meanAndDeviation)];
}

function meanAndDeviation(values: number[]): [number, number] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const square = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return [mean, Math.sqrt(square)];
}

/** Images drawn anew and measured at once. */
const chunk = 512;

/**
 * Hand-made features of the cell alone: every pixel outside the mask is mid-grey, and within it the background's own
 * level is moved there too, at half the contrast so that nothing is clipped. An image without a cell is plain grey.
 */
export async function measureCellAlone(images: ImageSet, rows: Int32Array, job: Job): Promise<CellVectors> {
  const { channels: C, height: H, width: W } = images.shape;
  const D = featureCount(C);
  const values = new Float32Array(rows.length * D);
  const middle = images.type === 'uint16' ? 32_768 : 128;
  const Pixels = images.type === 'uint16' ? Uint16Array : Uint8Array;
  for (let at = 0; at < rows.length; at += chunk) {
    const part = rows.slice(at, at + chunk);
    const drawn = new Pixels(part.length * C * H * W).fill(middle);
    await visitMasks(images, part, { signal: job.signal }, (widened, n, mask) => {
      const pixels = images.read(part[n]!);
      for (let c = 0; c < C; c++) {
        const plane = pixels.subarray(c * H * W, (c + 1) * H * W);
        const level = medianOutside(plane, widened);
        const first = (n * C + c) * H * W;
        for (let i = 0; i < H * W; i++) if (mask[i]) drawn[first + i] = middle + (plane[i]! - level) / 2;
      }
    });
    const set = ImageSet.from(drawn, { channels: C, height: H, width: W });
    try {
      const own = await measureFeatures(set, Int32Array.from(part.keys()), { signal: job.signal });
      values.set(own, at * D);
    } finally {
      set.close();
    }
  }
  return { values, D };
}

/** Median of the pixels that a mask leaves free; of all where it leaves none. */
function medianOutside(plane: Uint8Array | Uint16Array | Float32Array, mask: Uint8Array): number {
  const copy = plane.slice();
  let count = 0;
  for (let i = 0; i < plane.length; i++) if (!mask[i]) copy[count++] = plane[i]!;
  const sorted = count > 0 ? copy.subarray(0, count).sort() : copy.sort();
  return sorted[sorted.length >> 1]!;
}
