import { statSync } from 'node:fs';
import { BrightcellError } from '../errors.ts';
import { addon } from './addon.ts';
import { type LightOfImages, withoutSession } from './light.ts';
import {
  type Augmentation,
  checkAugmentation,
  checkNormalisation,
  type Normalisation,
} from './normalisation.ts';

/** Pixel types that a data set stores. */
export type PixelType = 'uint8' | 'uint16' | 'float32';
export type Pixels = Uint8Array | Uint16Array | Float32Array;

export interface ImageShape {
  channels: number;
  height: number;
  width: number;
}

/** A shard to map: an .npy file whose pixels start at `offset` and hold `count` images. */
export interface ImageFile {
  path: string;
  offset: number;
  count: number;
}

/** Features of N images that were measured before: `there` is 1 where they are, `values` N x D, 0 where they are not. */
export interface KeptFeatures {
  there: Uint8Array;
  values: Float32Array;
}

type ReadFeatures = (
  rows: Int32Array,
  kind: { version: number; names: readonly string[] },
) => Promise<KeptFeatures>;

const pixelArrays = { uint8: Uint8Array, uint16: Uint16Array, float32: Float32Array } as const;

/** Stored images [N, C, H, W], numbered 0..count-1, mapped from shards or borrowed from a typed array. */
export class ImageSet {
  readonly count: number;
  readonly type: PixelType;
  readonly shape: ImageShape;
  /** The native set; for `src/engine/` only. */
  // biome-ignore lint/suspicious/noExplicitAny: the addon's own object.
  readonly handle: any;
  #light: (() => Promise<LightOfImages>) | undefined;
  #features: ReadFeatures | undefined;

  private constructor(type: PixelType, shape: ImageShape, parts: (ImageFile | Pixels)[]) {
    this.type = type;
    this.shape = { ...shape };
    this.handle = new addon.ImageSet(type, [shape.channels, shape.height, shape.width], parts);
    this.count = this.handle.count();
  }

  /** Maps files read-only; the page cache, not the heap, holds what is hot. Throws `dataset-corrupt` on a short file. */
  static map(files: ImageFile[], type: PixelType, shape: ImageShape): ImageSet {
    checkShape(shape);
    if (!Object.hasOwn(pixelArrays, type)) {
      throw invalid(`pixel type must be uint8, uint16 or float32. Received ${String(type)}.`);
    }
    for (const file of files) checkFile(file, type, shape);
    return new ImageSet(type, shape, files);
  }

  /** Borrows a typed array of count x C x H x W; its values may be changed between uses, not during one. */
  static from(pixels: Pixels, shape: ImageShape): ImageSet {
    checkShape(shape);
    const type = (Object.keys(pixelArrays) as PixelType[]).find(name => pixels instanceof pixelArrays[name]);
    if (!type) throw invalid('pixels must be a Uint8Array, a Uint16Array or a Float32Array.');
    const size = sizeOf(shape);
    if (pixels.length % size === 0) return new ImageSet(type, shape, [pixels]);
    throw invalid(
      `pixels must hold whole images of ${shape.channels} x ${shape.height} x ${shape.width} = ${size} values. ` +
        `Received ${pixels.length} values.`,
    );
  }

  /** A copy of one stored image [C, H, W]. Throws `option-invalid` for a row that is not there. */
  read(row: number): Pixels {
    checkRow(row, this.count);
    return this.handle.read(row, new pixelArrays[this.type](sizeOf(this.shape)));
  }

  /** CRC-32 of the stored bytes of the images first, first + 1, ..., worked out on all threads of the core. */
  async checksums(first: number, count: number): Promise<Uint32Array> {
    if (count > 0) {
      checkRow(first, this.count);
      checkRow(first + count - 1, this.count);
    }
    return this.handle.checksums(first, count);
  }

  /**
   * What the network would see, [N, C, H, W] float32: for looking at augmentation and for tests. The image at
   * position i of `rows` is augmented by (seed, i) alone, and another background is taken from one of `rows`.
   */
  async load(
    rows: Int32Array,
    normalisation: Normalisation,
    augmentation?: Augmentation,
    seed = 0,
  ): Promise<Float32Array> {
    checkNormalisation(normalisation);
    if (augmentation) checkAugmentation(augmentation, this.type);
    if (!Number.isSafeInteger(seed) || seed < 0) {
      throw invalid(
        `seed must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}. Received ${String(seed)}.`,
      );
    }
    checkRows(rows, this.count);
    const light = normalisation === 'session' ? await this.lightOf(rows) : undefined;
    return this.handle.load(rows, normalisation, augmentation, seed, light);
  }

  /** Level and contrast of each image's own light, 2 N: see native/core/input.h. */
  async measureLight(rows: Int32Array): Promise<Float32Array> {
    checkRows(rows, this.count);
    return this.handle.measureLight(rows);
  }

  /** Says where the light of each image's session is had from, when it is first asked for; two numbers an image of the set. */
  setLight(light: () => Promise<LightOfImages>): void {
    let made: Promise<LightOfImages> | undefined;
    this.#light = () => (made ??= light());
  }

  /** Of rows' sessions, 2 N. Throws `option-invalid` for a set whose sessions are not known. */
  async lightOf(rows: Int32Array): Promise<LightOfImages> {
    if (!this.#light) throw withoutSession();
    const all = await this.#light();
    return Float32Array.from({ length: 2 * rows.length }, (_, i) => all[2 * rows[i >> 1]! + (i & 1)]!);
  }

  /** The light of rows of another set becomes that of the images of this one, in order; where that one knows its sessions. */
  takeLight(other: ImageSet, rows: Int32Array): void {
    if (other.#light) this.setLight(() => other.lightOf(rows));
  }

  /** Says where features that were measured before are read. */
  setKeptFeatures(read: ReadFeatures): void {
    this.#features = read;
  }

  /** The features of rows, of this version and these D names, that were measured before; undefined where none are kept. */
  async keptFeatures(...wanted: Parameters<ReadFeatures>): Promise<KeptFeatures | undefined> {
    return this.#features?.(...wanted);
  }

  /** Unmaps as soon as no running operation reads; using the set afterwards throws. */
  close(): void {
    this.handle.close();
  }
}

/** Throws `option-invalid` unless every row is in [0, count). */
export function checkRows(rows: Int32Array, count: number): void {
  for (const row of rows) if (row < 0 || row >= count) checkRow(row, count);
}

function checkRow(row: number, count: number): void {
  if (Number.isInteger(row) && row >= 0 && row < count) return;
  throw invalid(`row must be a whole number from 0 to ${count - 1}. Received ${String(row)}.`);
}

function checkShape(shape: ImageShape): void {
  for (const name of ['channels', 'height', 'width'] as const) {
    const value = shape[name];
    const limit = name === 'channels' ? 64 : 20_000;
    if (Number.isInteger(value) && value >= 1 && value <= limit) continue;
    throw invalid(`${name} must be a whole number from 1 to ${limit}. Received ${String(value)}.`);
  }
}

function checkFile({ path, offset, count }: ImageFile, type: PixelType, shape: ImageShape): void {
  const bytes = pixelArrays[type].BYTES_PER_ELEMENT;
  if (!Number.isSafeInteger(count) || count < 0) {
    throw invalid(`count of images must be a whole number from 0. Received ${String(count)}.`);
  }
  if (!Number.isSafeInteger(offset) || offset < 0 || offset % bytes !== 0) {
    throw invalid(`offset must be a whole multiple of ${bytes} bytes. Received ${String(offset)}.`);
  }
  const needed = offset + count * sizeOf(shape) * bytes;
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size !== undefined && size >= needed) return;
  const received = size === undefined ? 'there is no such file' : `it has ${size}`;
  throw new BrightcellError(
    'dataset-corrupt',
    `${path} must have at least ${needed} bytes to hold ${count} images; ${received}. ` +
      'Remedy: restore it from a copy, or import the data set again.',
    { fields: { path, needed, size } },
  );
}

function sizeOf(shape: ImageShape): number {
  return shape.channels * shape.height * shape.width;
}

function invalid(message: string): BrightcellError {
  return new BrightcellError('option-invalid', message);
}
