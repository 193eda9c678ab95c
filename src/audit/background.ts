// N images, C channels, H rows, W columns; S statistics a channel.
//
// What of an image is surely not the cell. The mask of the cell is widened by a margin, for light that the cell throws
// about itself; and because a large cell leaves less background than a small one, only pixels count that are background
// in nine images of ten: then the place and number of pixels tell nothing of the cell, as a picture with a hole would.
import { findCells } from '../engine/features.ts';
import type { ImageSet } from '../engine/imageSet.ts';
import { type Job, throwIfCancelled } from '../job.ts';

/** The background of some images, as numbers. */
export interface Backgrounds {
  /** N x D row major; zeros for images without background. */
  values: Float32Array;
  D: number;
  /** Median of the background, mean over channels, [0, 1] of the pixel type's range; NaN where there is none. */
  level: Float32Array;
  /** N: 1 where the image has background enough. */
  present: Uint8Array;
  /** Share of the image's pixels that are background in nine images of ten. */
  regionShare: number;
  /** Share of the images in which a cell was found that keeps clear of the image's edge. */
  clearShare: number;
}

/** Share of a side by which masks are widened. */
const marginShare = 0.08;
/** A pixel belongs to the region where it is background in at least this share of the images. */
const usualShare = 0.9;
/** Pixels of the region that an image must have as background, as a share of the region. */
const neededShare = 0.5;
/** Images whose masks are held at once. */
const chunk = 256;

/** Measures the background of `rows`; two passes over the masks, memory bounded by a chunk. */
export async function measureBackgrounds(images: ImageSet, rows: Int32Array, job: Job): Promise<Backgrounds> {
  const { channels: C, height: H, width: W } = images.shape;
  const { usual, clearShare } = await findRegion(images, rows, job);
  const region = usual.reduce((sum, one) => sum + one, 0);
  const D = C * statisticsOfChannel;
  const found = {
    ...{
      values: new Float32Array(rows.length * D),
      D,
      level: new Float32Array(rows.length).fill(Number.NaN),
    },
    ...{ present: new Uint8Array(rows.length), regionShare: region / (H * W), clearShare },
  };
  if (region < 16) return found;
  const scale = images.type === 'uint16' ? 65_535 : 255;
  const free = new Uint8Array(H * W);
  const plane = new Float32Array(H * W);
  await visitMasks(images, rows, job, (mask, n) => {
    let count = 0;
    for (let i = 0; i < free.length; i++) count += free[i] = mask[i] ? 0 : usual[i]!;
    if (count < neededShare * region) return;
    const pixels = images.read(rows[n]!);
    let level = 0;
    for (let c = 0; c < C; c++) {
      for (let i = 0; i < plane.length; i++) plane[i] = pixels[c * H * W + i]! / scale;
      const own = measureRegion(plane, free, H, W);
      found.values.set(own, n * D + c * statisticsOfChannel);
      level += own[0]! / C;
    }
    found.level[n] = level;
    found.present[n] = 1;
  });
  return found;
}

async function findRegion(images: ImageSet, rows: Int32Array, job: Job) {
  const { height: H, width: W } = images.shape;
  const free = new Uint32Array(H * W);
  let clear = 0;
  await visitMasks(images, rows, job, (widened, _n, mask) => {
    for (let i = 0; i < widened.length; i++) if (!widened[i]) free[i]!++;
    if (isClear(mask, H, W)) clear++;
  });
  const usual = Uint8Array.from(free, count => (count >= usualShare * rows.length ? 1 : 0));
  return { usual, clearShare: clear / rows.length };
}

/** Calls `visit` with the widened mask of each image, its number, and the mask as it was found. */
export async function visitMasks(
  images: ImageSet,
  rows: Int32Array,
  job: Job,
  visit: (widened: Uint8Array, n: number, mask: Uint8Array) => void,
): Promise<void> {
  const { height: H, width: W } = images.shape;
  const [down, across] = [H, W].map(side => Math.max(1, Math.round(marginShare * side)));
  for (let at = 0; at < rows.length; at += chunk) {
    throwIfCancelled(job);
    job.onProgress?.({ stage: 'finding cells', done: at, total: rows.length, unit: 'images' });
    const part = rows.slice(at, at + chunk);
    const masks = await findCells(images, part);
    for (let j = 0; j < part.length; j++) {
      const mask = masks.subarray(j * H * W, (j + 1) * H * W);
      visit(widen(mask, H, W, down!, across!), at + j, mask);
    }
  }
}

/** A mask grown by `down` rows up and down and `across` columns to both sides. */
export function widen(mask: Uint8Array, H: number, W: number, down: number, across: number): Uint8Array {
  const wide = new Uint8Array(H * W);
  for (let y = 0; y < H; y++) growLine(mask, wide, y * W, 1, W, across);
  const grown = new Uint8Array(H * W);
  for (let x = 0; x < W; x++) growLine(wide, grown, x, W, H, down);
  return grown;
}

function growLine(
  src: Uint8Array,
  dst: Uint8Array,
  first: number,
  step: number,
  length: number,
  by: number,
): void {
  let last = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < length; i++) {
    if (src[first + i * step]) last = i;
    if (i - last <= by) dst[first + i * step] = 1;
  }
  let next = Number.POSITIVE_INFINITY;
  for (let i = length - 1; i >= 0; i--) {
    if (src[first + i * step]) next = i;
    if (next - i <= by) dst[first + i * step] = 1;
  }
}

/** Whether a cell was found and none of its pixels lies on the image's edge. */
function isClear(mask: Uint8Array, H: number, W: number): boolean {
  if (!mask.includes(1)) return false;
  for (let x = 0; x < W; x++) if (mask[x] || mask[(H - 1) * W + x]) return false;
  for (let y = 0; y < H; y++) if (mask[y * W] || mask[y * W + W - 1]) return false;
  return true;
}

const tiles = 3;
/** Median; deviation; four quantiles less the median; spread of row and of column means; two gradients; eight tiles. */
const statisticsOfChannel = 6 + 2 + 2 + tiles * tiles - 1;

/** Statistics of the pixels of one plane, [0, 1], that `free` names: at least one. */
function measureRegion(plane: Float32Array, free: Uint8Array, H: number, W: number): number[] {
  const sorted = plane.filter((_, i) => free[i]).sort();
  const at = (q: number) => sorted[Math.round(q * (sorted.length - 1))]!;
  const median = at(0.5);
  const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  const square = sorted.reduce((sum, value) => sum + (value - mean) ** 2, 0) / sorted.length;
  return [
    ...[median, Math.sqrt(square), ...[0.05, 0.25, 0.75, 0.95].map(q => at(q) - median)],
    ...[spreadOfLines(plane, free, H, W, W, 1), spreadOfLines(plane, free, W, H, 1, W)],
    ...[meanStep(plane, free, H, W, 1), meanStep(plane, free, H, W, W)],
    ...tileMeans(plane, free, H, W).map(value => value - mean),
  ];
}

/** Standard deviation of the means of lines with at least three free pixels. */
function spreadOfLines(
  plane: Float32Array,
  free: Uint8Array,
  lines: number,
  length: number,
  lineStep: number,
  step: number,
): number {
  const means: number[] = [];
  for (let line = 0; line < lines; line++) {
    let [sum, count] = [0, 0];
    for (let i = 0, at = line * lineStep; i < length; i++, at += step)
      if (free[at]) {
        sum += plane[at]!;
        count++;
      }
    if (count >= 3) means.push(sum / count);
  }
  if (means.length < 2) return 0;
  const mean = means.reduce((sum, one) => sum + one, 0) / means.length;
  return Math.sqrt(means.reduce((sum, one) => sum + (one - mean) ** 2, 0) / means.length);
}

/** Mean size of the difference of free neighbours, to the right (step 1) or below (step W). */
function meanStep(plane: Float32Array, free: Uint8Array, H: number, W: number, step: number): number {
  let [sum, count] = [0, 0];
  for (let y = 0; y < (step === W ? H - 1 : H); y++)
    for (let x = 0; x < (step === 1 ? W - 1 : W); x++) {
      const i = y * W + x;
      if (!free[i] || !free[i + step]) continue;
      sum += Math.abs(plane[i + step]! - plane[i]!);
      count++;
    }
  return count > 0 ? sum / count : 0;
}

/** Means of the free pixels of the outer eight of nine tiles; the mean of all free ones where a tile has none. */
function tileMeans(plane: Float32Array, free: Uint8Array, H: number, W: number): number[] {
  const sums = new Float64Array(tiles * tiles);
  const counts = new Float64Array(tiles * tiles);
  for (let y = 0; y < H; y++)
    for (let x = 0; x < W; x++) {
      if (!free[y * W + x]) continue;
      const tile = Math.floor((y * tiles) / H) * tiles + Math.floor((x * tiles) / W);
      sums[tile]! += plane[y * W + x]!;
      counts[tile]!++;
    }
  const all = sums.reduce((sum, one) => sum + one, 0) / counts.reduce((sum, one) => sum + one, 0);
  const means = Array.from(sums, (sum, t) => (counts[t]! > 0 ? sum / counts[t]! : all));
  means.splice((tiles * tiles - 1) / 2, 1);
  return means;
}
