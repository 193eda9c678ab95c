import type { ImageSet } from '../engine/imageSet.ts';
import type { Preparation } from '../engine/prepare.ts';
import type { Job } from '../job.ts';

/** What every classifier of ours keeps, whatever is inside. Options go to the constructor; `fit` learns. */
export interface Classifier {
  readonly classes: readonly string[];
  /** Probabilities N x K row major of rows of an image set that has the classifier's stored shape. */
  predict(images: ImageSet, rows: Int32Array, job?: Job): Promise<Float32Array>;
  /** Writes a folder that `loadClassifier` reads: data only, never code. */
  save(path: string): Promise<void>;
}

/** A classifier that knows how raw images become what it takes. */
export interface LoadedClassifier extends Classifier {
  readonly preparation: Preparation;
  /** Pixel type of the images it was trained on. */
  readonly pixelType: 'uint8' | 'uint16';
  /** Frees native memory at once. */
  dispose(): void;
}
