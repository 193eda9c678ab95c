// C channels, H rows, W columns. An image is [C, H, W] of uint8 or uint16; "range" is 255 or 65535.

import { createRandom } from '../dataset/random.ts';
import type { Pixels } from '../engine/imageSet.ts';
import { mixSeed } from '../train/seed.ts';

/** A stored image's size. */
export interface AlteredShape {
  channels: number;
  height: number;
  width: number;
}

/** One way in which the next session's images may differ, by how much. */
export interface Alteration {
  name: string;
  /** What the level says, with its unit. */
  label: string;
  /** From one end to the other; one of them is `still`. */
  levels: readonly number[];
  /** The level that changes nothing. */
  still: number;
  /** Whether half of the level is half of the way: else levels are factors. */
  scale: 'linear' | 'log';
  /**
   * Writes the altered image to `dst`; `range` is the largest value of a pixel, `seed` is that of one image. Values beyond the
   * range are clipped, as a camera does.
   */
  alter(src: Pixels, dst: Pixels, shape: AlteredShape, level: number, range: number, seed: number): void;
}

/** Every alteration, in the order of the figure. */
export const alterations: readonly Alteration[] = [
  {
    ...{ name: 'illumination', label: 'added grey, % of the range', scale: 'linear', still: 0 },
    levels: [-40, -30, -20, -10, -5, 0, 5, 10, 20, 30, 40],
    alter: addGrey,
  },
  {
    ...{ name: 'contrast', label: 'contrast about the mean, factor', scale: 'log', still: 1 },
    levels: [0.25, 0.35, 0.5, 0.7, 0.85, 1, 1.2, 1.4, 2, 2.8, 4],
    alter: stretchContrast,
  },
  {
    ...{ name: 'blur', label: 'Gaussian blur, pixels (standard deviation)', scale: 'linear', still: 0 },
    levels: [0, 0.5, 1, 1.5, 2, 3, 4, 6],
    alter: blur,
  },
  {
    ...{
      name: 'noise',
      label: 'Gaussian noise, % of the range (standard deviation)',
      scale: 'linear',
      still: 0,
    },
    levels: [0, 1, 2, 4, 7, 10, 15, 20],
    alter: addNoise,
  },
  {
    ...{ name: 'shift', label: 'shift, % of the side', scale: 'linear', still: 0 },
    levels: [0, 2.5, 5, 7.5, 10, 15, 20, 25],
    alter: shift,
  },
  {
    ...{ name: 'scale', label: 'size of what is seen, factor', scale: 'log', still: 1 },
    levels: [0.5, 0.65, 0.8, 0.9, 1, 1.1, 1.25, 1.55, 2],
    alter: zoom,
  },
];

function addGrey(src: Pixels, dst: Pixels, _shape: AlteredShape, level: number, range: number): void {
  const added = (level / 100) * range;
  for (let i = 0; i < src.length; i++) dst[i] = clip(src[i]! + added, range);
}

function stretchContrast(src: Pixels, dst: Pixels, shape: AlteredShape, level: number, range: number): void {
  visitPlanes(shape, (first, size) => {
    let sum = 0;
    for (let i = first; i < first + size; i++) sum += src[i]!;
    const mean = sum / size;
    for (let i = first; i < first + size; i++) dst[i] = clip(mean + level * (src[i]! - mean), range);
  });
}

/** Separable, to three standard deviations; the edge's pixels go on beyond it. */
function blur(src: Pixels, dst: Pixels, shape: AlteredShape, level: number, range: number): void {
  if (level === 0) {
    dst.set(src);
    return;
  }
  const { height: H, width: W } = shape;
  const kernel = gaussian(level);
  const across = new Float32Array(H * W);
  visitPlanes(shape, (first, size) => {
    for (let y = 0; y < H; y++) blurLine(src, first + y * W, across, y * W, 1, W, kernel);
    const both = new Float32Array(size);
    for (let x = 0; x < W; x++) blurLine(across, x, both, x, W, H, kernel);
    for (let i = 0; i < size; i++) dst[first + i] = clip(both[i]!, range);
  });
}

/** Weights from the middle outwards; all of them, both sides taken, add up to 1. */
function gaussian(deviation: number): Float64Array {
  const radius = Math.ceil(3 * deviation);
  const kernel = Float64Array.from({ length: radius + 1 }, (_, i) => Math.exp(-0.5 * (i / deviation) ** 2));
  const sum = kernel.reduce((total, one, i) => total + (i === 0 ? one : 2 * one), 0);
  return kernel.map(one => one / sum);
}

function blurLine(
  src: Pixels,
  srcFirst: number,
  dst: Float32Array,
  dstFirst: number,
  step: number,
  length: number,
  kernel: Float64Array,
): void {
  for (let i = 0; i < length; i++) {
    let sum = kernel[0]! * src[srcFirst + i * step]!;
    for (let r = 1; r < kernel.length; r++) {
      const before = Math.max(0, i - r);
      const after = Math.min(length - 1, i + r);
      sum += kernel[r]! * (src[srcFirst + before * step]! + src[srcFirst + after * step]!);
    }
    dst[dstFirst + i * step] = sum;
  }
}

/** Independent at every pixel (Box and Muller); one image's noise is the same pattern at every level. */
function addNoise(
  src: Pixels,
  dst: Pixels,
  _shape: AlteredShape,
  level: number,
  range: number,
  seed: number,
): void {
  const random = createRandom(seed % 2 ** 32);
  const deviation = (level / 100) * range;
  for (let i = 0; i < src.length; i += 2) {
    const radius = deviation * Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    dst[i] = clip(src[i]! + radius * Math.cos(angle), range);
    if (i + 1 < src.length) dst[i + 1] = clip(src[i + 1]! + radius * Math.sin(angle), range);
  }
}

/** In a direction of the image's own, between pixels too; the edge's pixels go on beyond it. */
function shift(
  src: Pixels,
  dst: Pixels,
  shape: AlteredShape,
  level: number,
  range: number,
  seed: number,
): void {
  const angle = (2 * Math.PI * (mixSeed(seed, 77) % 3600)) / 3600;
  const down = (level / 100) * shape.height * Math.sin(angle);
  const across = (level / 100) * shape.width * Math.cos(angle);
  resample(src, dst, shape, range, (y, x) => [y - down, x - across]);
}

/** About the middle; what is beyond the edge continues the edge's pixels. */
function zoom(src: Pixels, dst: Pixels, shape: AlteredShape, level: number, range: number): void {
  const [middleY, middleX] = [(shape.height - 1) / 2, (shape.width - 1) / 2];
  resample(src, dst, shape, range, (y, x) => [
    middleY + (y - middleY) / level,
    middleX + (x - middleX) / level,
  ]);
}

/** Bilinear: each pixel of `dst` takes what lies at `from(y, x)` of `src`. */
function resample(
  src: Pixels,
  dst: Pixels,
  shape: AlteredShape,
  range: number,
  from: (y: number, x: number) => [y: number, x: number],
): void {
  const { height: H, width: W } = shape;
  const at = new Float64Array(2 * H * W);
  for (let y = 0; y < H; y++)
    for (let x = 0; x < W; x++) {
      const [sourceY, sourceX] = from(y, x);
      at[2 * (y * W + x)] = Math.min(Math.max(sourceY, 0), H - 1);
      at[2 * (y * W + x) + 1] = Math.min(Math.max(sourceX, 0), W - 1);
    }
  visitPlanes(shape, (first, size) => {
    for (let i = 0; i < size; i++) {
      const [y, x] = [at[2 * i]!, at[2 * i + 1]!];
      const [top, left] = [Math.floor(y), Math.floor(x)];
      const [below, right] = [Math.min(top + 1, H - 1), Math.min(left + 1, W - 1)];
      const value = (row: number, column: number) => src[first + row * W + column]!;
      const upper = value(top, left) + (x - left) * (value(top, right) - value(top, left));
      const lower = value(below, left) + (x - left) * (value(below, right) - value(below, left));
      dst[first + i] = clip(upper + (y - top) * (lower - upper), range);
    }
  });
}

function visitPlanes(
  { channels, height, width }: AlteredShape,
  visit: (first: number, size: number) => void,
): void {
  for (let c = 0; c < channels; c++) visit(c * height * width, height * width);
}

/** To the nearest whole number of the range. */
function clip(value: number, range: number): number {
  return value <= 0 ? 0 : value >= range ? range : Math.floor(value + 0.5);
}
