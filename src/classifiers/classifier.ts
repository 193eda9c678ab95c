import type { ImageSet } from '../engine/imageSet.ts';
import type { Precision } from '../engine/precision.ts';
import type { Preparation } from '../engine/prepare.ts';
import type { Job } from '../job.ts';
import type { Calibration } from './calibration.ts';

/** What every classifier of ours keeps, whatever is inside. Options go to the constructor; `fit` learns. */
export interface Classifier {
  readonly classes: readonly string[];
  /** Probabilities N x K row major of rows of an image set that has the classifier's stored shape. */
  predict(images: ImageSet, rows: Int32Array, job?: Job): Promise<Float32Array>;
  /**
   * Probabilities (K) of one image [C, H, W] of the stored shape and pixel type, at once and on the calling thread:
   * for cells that come one by one. They are written to `probabilities` where that is given, and then nothing is
   * allocated. The same numbers as `predict` gives. Throws `option-invalid` for a wrong length or pixel type and
   * `network-busy` while `predict` is under way.
   */
  classify(image: Uint8Array | Uint16Array, probabilities?: Float32Array): Float32Array;
  /** Writes a folder that `loadClassifier` reads: data only, never code. */
  save(path: string): Promise<void>;
}

/** How a saved classifier is to be used. */
export interface LoadOptions {
  /**
   * Of its products: 'float32' by default, whatever it was trained in. 'bfloat16' is faster, where the processor has
   * it, and moves probabilities by about a hundredth.
   */
  precision?: Precision;
}

/** A classifier that knows how raw images become what it takes. */
export interface LoadedClassifier extends Classifier {
  readonly preparation: Preparation;
  /** Pixel type of the images it was trained on. */
  readonly pixelType: 'uint8' | 'uint16';
  /** What it knows of how far it can be believed; null where it was not calibrated. `predict` gives scaled probabilities. */
  readonly calibration: Calibration | null;
  /** Whether it must know which images are of one session: `predict` then takes sets that do, and `classify` nothing. */
  readonly usesSessions: boolean;
  /** D: numbers of an embedding. */
  readonly dimensions: number;
  /**
   * What the last step of the classifier sees of rows of an image set, N x D row major: of a network what its last layer
   * reads, of a plain method its vectors. 4 N D bytes.
   */
  embed(images: ImageSet, rows: Int32Array, job?: Job): Promise<Float32Array>;
  /** What `predict` and `embed` give, the same bits, in one pass: most of the work is the same for both. */
  look(images: ImageSet, rows: Int32Array, job?: Job): Promise<Look>;
  /** Frees native memory at once. */
  dispose(): void;
}

/** What a classifier makes of N images. */
export interface Look {
  /** N x K row major. */
  probabilities: Float32Array;
  /** N x D row major. */
  embeddings: Float32Array;
}
