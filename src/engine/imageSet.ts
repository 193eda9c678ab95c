import type { Augmentation, Normalisation } from './normalisation.ts';

/** Pixel types that a data set stores. */
export type PixelType = 'uint8' | 'uint16' | 'float32';

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

/** Stored images [N, C, H, W], numbered 0..count-1, mapped from shards or borrowed from a typed array. */
export declare class ImageSet {
  private constructor();
  /** Maps files read-only; the page cache, not the heap, holds what is hot. Throws `dataset-corrupt` on a short file. */
  static map(files: ImageFile[], type: PixelType, shape: ImageShape): ImageSet;
  /** Borrows a typed array of count x C x H x W. */
  static from(pixels: Uint8Array | Uint16Array | Float32Array, shape: ImageShape): ImageSet;
  readonly count: number;
  readonly type: PixelType;
  readonly shape: ImageShape;
  /** A copy of one stored image [C, H, W]. */
  read(row: number): Uint8Array | Uint16Array | Float32Array;
  /** What the network would see, [N, C, H, W] float32: for looking at augmentation and for tests. */
  load(
    rows: Int32Array,
    normalisation: Normalisation,
    augmentation?: Augmentation,
    seed?: number,
  ): Promise<Float32Array>;
  /** Unmaps; using the set afterwards throws. */
  close(): void;
}
