// H rows, W columns, C channels.
import sharp from 'sharp';
import type { ColourMap, Rgb } from './colourMaps.ts';

/** A small picture: H x W x 3, red, green and blue. */
export interface Raster {
  height: number;
  width: number;
  rgb: Uint8Array;
}

/** What a colour means: the map's ends, as numbers. */
export interface ColourScale {
  colours: ColourMap;
  low: number;
  high: number;
}

/** Numbers [H, W] in colours; what lies outside the scale has the colour of its end. */
export function colourRaster(
  values: ArrayLike<number>,
  height: number,
  width: number,
  { colours, low, high }: ColourScale,
): Raster {
  const span = high > low ? high - low : 1;
  return rasterOf(height, width, i => colours.at((values[i]! - low) / span));
}

/**
 * A stored image [C, H, W] as it looks, stretched from its darkest to its brightest pixel: three channels as red, green
 * and blue, otherwise the mean of all.
 */
export function imageRaster(pixels: ArrayLike<number>, shape: [number, number, number]): Raster {
  const [channels, height, width] = shape;
  const size = height * width;
  const shown = channels === 3 ? 3 : 1;
  const planes = Array.from({ length: shown }, (_, c) =>
    Float32Array.from({ length: size }, (_, i) =>
      shown === 3 ? pixels[c * size + i]! : meanOf(pixels, i, size, channels),
    ),
  );
  const [low, high] = rangeOf(planes);
  const level = (value: number) => Math.round((255 * (value - low)) / (high > low ? high - low : 1));
  return rasterOf(
    height,
    width,
    i => [0, 1, 2].map(c => level(planes[shown === 3 ? c : 0]![i]!)) as unknown as Rgb,
  );
}

/** The raster as the data of a PNG file, each of its pixels `times` x `times`. */
export async function rasterPng({ height, width, rgb }: Raster, times = 1): Promise<Buffer> {
  const large = times === 1 ? rgb : repeat({ height, width, rgb }, times);
  const raw = { width: width * times, height: height * times, channels: 3 as const };
  const image = sharp(large, { raw });
  // A third of the bytes.
  if (rgb.every((value, i) => value === rgb[i - (i % 3)])) image.toColourspace('b-w');
  return image.png({ compressionLevel: 9 }).toBuffer();
}

/** Least and most of several arrays; 0 and 0 of none. */
export function rangeOf(arrays: readonly ArrayLike<number>[]): [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const values of arrays)
    for (let i = 0; i < values.length; i++) {
      if (values[i]! < low) low = values[i]!;
      if (values[i]! > high) high = values[i]!;
    }
  return low <= high ? [low, high] : [0, 0];
}

function rasterOf(height: number, width: number, colour: (i: number) => Rgb): Raster {
  const rgb = new Uint8Array(height * width * 3);
  for (let i = 0; i < height * width; i++) rgb.set(colour(i), i * 3);
  return { height, width, rgb };
}

function meanOf(pixels: ArrayLike<number>, i: number, size: number, channels: number): number {
  let sum = 0;
  for (let c = 0; c < channels; c++) sum += pixels[c * size + i]!;
  return sum / channels;
}

function repeat({ height, width, rgb }: Raster, times: number): Uint8Array {
  const row = width * times * 3;
  const large = new Uint8Array(row * height * times);
  for (let y = 0; y < height * times; y++)
    for (let x = 0; x < width * times; x++) {
      const from = (Math.floor(y / times) * width + Math.floor(x / times)) * 3;
      for (let c = 0; c < 3; c++) large[y * row + x * 3 + c] = rgb[from + c]!;
    }
  return large;
}
