// N images, D numbers a vector.
import type { ImageSet, ImageShape } from '../engine/imageSet.ts';
import type { Preparation } from '../engine/prepare.ts';
import type { Job } from '../job.ts';
import type { Vectors } from '../learners/learner.ts';

/** The stored images that a classifier takes. */
export interface StoredImages {
  shape: ImageShape;
  /** How raw images became these. */
  preparation: Preparation;
  pixelType: 'uint8' | 'uint16';
}

/** Makes vectors of stored images, for a learner. */
export interface VectorSource {
  /** Whether the numbers of a vector are measurements in different units. */
  readonly hasUnits: boolean;
  /** D. */
  readonly dimensions: number;
  /** Whether it must know which images are of one session; absent: no. */
  readonly usesSessions?: boolean;
  /**
   * Vectors of rows of an image set, in the order of `rows`. Those that are made live in memory, 4 N D bytes;
   * pixels stay where they are mapped. `release` frees what was made.
   */
  vectors(images: ImageSet, rows: Int32Array, job?: Job): Promise<MadeVectors>;
  /** The vector of one image [C, H, W], at once and on the calling thread: the same numbers as `vectors` gives. */
  one(image: Uint8Array | Uint16Array): Uint8Array | Uint16Array | Float32Array;
  /** Writes data files into the folder, which exists, and returns the JSON description that loading takes. */
  save(folder: string): Promise<unknown>;
  /** Frees native memory at once. */
  dispose(): void;
}

export interface MadeVectors extends Vectors {
  /** The numbers N x D where they were made here, in order of rows; null where the set is not ours to change. */
  values: Float32Array | null;
  release(): void;
}
