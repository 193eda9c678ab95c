// C channels, H rows, W columns.
import type { ImageShape, Pixels } from '../engine/imageSet.ts';

export const fills = ['mean', 'border', 'blur', 'noise'] as const;
/**
 * What stands where an image is hidden: the mean of the image, the mean of its outermost pixels, the image itself
 * blurred until no structure of a cell is left, or noise of the image's own mean and deviation; each channel by itself.
 */
export type Fill = (typeof fills)[number];

/** The whole of an image [C, H, W] as it looks hidden, of the same pixel type. */
export function hideImage(image: Pixels, shape: ImageShape, fill: Fill, seed: number): Pixels {
  const size = shape.height * shape.width;
  const hidden = image.slice();
  for (let c = 0; c < shape.channels; c++) {
    const plane = image.subarray(c * size, (c + 1) * size);
    const dst = hidden.subarray(c * size, (c + 1) * size);
    fillPlane(plane, dst, shape, fill, seed + c);
  }
  return hidden;
}

function fillPlane(
  plane: Pixels,
  dst: Pixels,
  { height, width }: ImageShape,
  fill: Fill,
  seed: number,
): void {
  const round = dst instanceof Float32Array ? (value: number) => value : Math.round;
  if (fill === 'noise') addNoise(plane, dst, round, seed);
  else if (fill === 'blur') {
    const blurred = blurPlane(Float64Array.from(plane), height, width, Math.max(height, width) / 8);
    for (let i = 0; i < dst.length; i++) dst[i] = round(blurred[i]!);
  } else dst.fill(round(fill === 'mean' ? meanOf(plane) : borderMean(plane, height, width)));
}

function addNoise(plane: Pixels, dst: Pixels, round: (value: number) => number, seed: number): void {
  const mean = meanOf(plane);
  let squares = 0;
  for (const value of plane) squares += (value - mean) ** 2;
  const deviation = Math.sqrt(squares / plane.length);
  const most =
    dst instanceof Uint8Array ? 255 : dst instanceof Uint16Array ? 65_535 : Number.POSITIVE_INFINITY;
  const least = dst instanceof Float32Array ? Number.NEGATIVE_INFINITY : 0;
  const normal = createNormal(seed);
  for (let i = 0; i < dst.length; i++)
    dst[i] = round(Math.min(most, Math.max(least, mean + deviation * normal())));
}

/** Normal numbers by Box and Muller's method; the same seed gives the same. */
function createNormal(seed: number): () => number {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

function borderMean(plane: Pixels, height: number, width: number): number {
  let [sum, count] = [0, 0];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      if (y > 0 && y < height - 1 && x > 0 && x < width - 1) continue;
      sum += plane[y * width + x]!;
      count++;
    }
  return sum / count;
}

/** A Gaussian's near likeness: three box means one after another, edges repeated. Changes `plane` and gives it back. */
export function blurPlane(plane: Float64Array, height: number, width: number, sigma: number): Float64Array {
  const reach = Math.max(1, Math.round((Math.sqrt(4 * sigma * sigma + 1) - 1) / 2));
  const line = new Float64Array(Math.max(height, width));
  for (let pass = 0; pass < 3; pass++) {
    for (let y = 0; y < height; y++) boxLine(plane, y * width, 1, width, reach, line);
    for (let x = 0; x < width; x++) boxLine(plane, x, width, height, reach, line);
  }
  return plane;
}

function boxLine(
  plane: Float64Array,
  first: number,
  step: number,
  count: number,
  reach: number,
  line: Float64Array,
): void {
  const at = (i: number) => plane[first + Math.min(count - 1, Math.max(0, i)) * step]!;
  let sum = 0;
  for (let i = -reach; i <= reach; i++) sum += at(i);
  for (let i = 0; i < count; i++) {
    line[i] = sum / (2 * reach + 1);
    sum += at(i + reach + 1) - at(i - reach);
  }
  for (let i = 0; i < count; i++) plane[first + i * step] = line[i]!;
}
