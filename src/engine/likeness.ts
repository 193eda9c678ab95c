// N images, k partners of each.
import { BrightcellError } from '../errors.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { addon } from './addon.ts';
import { checkRows, type ImageSet } from './imageSet.ts';

/** Numbers of a description. */
export const likenessLength: number = addon.likenessLength;

/** How one image fits on another; columns over pairs. */
export interface Alignments {
  /** Normalised cross-correlation about the cell at the place that fits best, -1 to 1. */
  correlation: Float32Array;
  /** What is left of their difference after gain and offset, in units of both images' noise; 0 where not looked at. */
  residual: Float32Array;
  /** Correlation of what is not the same all around the cell; 0 where not looked at. */
  detail: Float32Array;
  /** Turned by, after mirroring left to right: -180 to 180. */
  degrees: Float32Array;
  mirrored: Uint8Array;
  /** Shift beyond the turn about the frame's middle, as shares of width and height. */
  shiftX: Float32Array;
  shiftY: Float32Array;
  /** How much larger the partner shows the cell; 1 where no other size was needed. */
  scale: Float32Array;
}

/** Images described between two looks at the signal: some tenths of a second. */
const describedAtOnce = 2048;
const pairsAtOnce = 2048;
const pairNumbers = 8;

/**
 * Describes each row by N x likenessLength numbers that turning and mirroring do not change and that shift and noise change
 * little: angular harmonics of rings about the cell, see docs/leaks.md. On all threads, the same bits on any number of
 * them. Throws `option-invalid`, `cancelled`.
 */
export async function describeLikeness(
  images: ImageSet,
  rows: Int32Array,
  job: Job = {},
): Promise<Float32Array> {
  checkRows(rows, images.count);
  const dst = new Float32Array(rows.length * likenessLength);
  for (let at = 0; at < rows.length; at += describedAtOnce) {
    throwIfCancelled(job);
    job.onProgress?.({ stage: 'describing', done: at, total: rows.length, unit: 'cells' });
    const part = rows.subarray(at, at + describedAtOnce);
    await addon.describeLikeness(
      images,
      part,
      dst.subarray(at * likenessLength, (at + part.length) * likenessLength),
    );
  }
  return dst;
}

/**
 * Aligns row n of `images` with each of the rows partners[n k ... n k + k - 1] of `others` (-1: none, all its numbers are 0)
 * over turns by any angle, mirroring, shifts and sizes. Pairs whose rings correlate less than `gate` get that correlation and no
 * closer look. The same bits on any number of threads. Throws `option-invalid`, `cancelled`.
 */
export async function alignPairs(
  images: ImageSet,
  rows: Int32Array,
  others: ImageSet,
  partners: Int32Array,
  gate: number,
  job: Job = {},
): Promise<Alignments> {
  checkRows(rows, images.count);
  checkRows(
    partners.filter(row => row !== -1),
    others.count,
  );
  const k = rows.length === 0 ? 0 : partners.length / rows.length;
  if (!Number.isInteger(k)) {
    throw new BrightcellError(
      'option-invalid',
      `Every one of ${rows.length} rows must have as many partners. Received ${partners.length}.`,
    );
  }
  const found = new Float32Array(partners.length * pairNumbers);
  const step = Math.max(1, Math.floor(pairsAtOnce / Math.max(1, k)));
  for (let at = 0; at < rows.length; at += step) {
    throwIfCancelled(job);
    job.onProgress?.({ stage: 'comparing', done: at, total: rows.length, unit: 'cells' });
    const part = rows.subarray(at, at + step);
    const end = at + part.length;
    const own = found.subarray(at * k * pairNumbers, end * k * pairNumbers);
    await addon.compareLikeness(images, part, others, partners.subarray(at * k, end * k), k, gate, own);
  }
  const column = (c: number) => Float32Array.from(partners, (_, i) => found[i * pairNumbers + c]!);
  return {
    ...{ correlation: column(0), residual: column(1), detail: column(2) },
    ...{ degrees: column(3), mirrored: Uint8Array.from(column(4)), shiftX: column(5), shiftY: column(6) },
    scale: column(7),
  };
}
