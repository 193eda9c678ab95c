// N vectors, D numbers each, K classes.
import type { ImageSet } from '../engine/imageSet.ts';
import type { Job } from '../job.ts';
import type { SettingsOf } from './settings.ts';

/**
 * Rows of an image set as vectors: D = channels x height x width. Pixels stay where they are mapped; features and
 * embeddings are float32 sets of shape 1 x 1 x D.
 */
export interface Vectors {
  set: ImageSet;
  rows: Int32Array;
}

/** Vectors whose classes, in [0, K), are known; a class may have no vector. */
export interface LabelledVectors extends Vectors {
  labels: Int32Array;
  /** K. */
  classes: number;
}

/** A plain JSON object of single values, for reports and tables. */
export type Facts = Record<string, number | string | boolean | null>;

/** A method that learns classes from vectors, whatever the vectors are made of. It knows no data set and no files. */
export interface Learner<S> {
  /** As the command line calls it: 'knn', 'svm', 'forest', 'logistic', 'centroid'. */
  readonly name: string;
  /** One line for the help: what it is, and the method it follows. */
  readonly about: string;
  /**
   * Whether each number of a vector should be brought to mean 0 and deviation 1 over the training vectors before it
   * comes here, where the vectors are measurements in different units. Sources do that; learners never need to.
   */
  readonly needsStandardised: boolean;
  /** Every setting: what it must be, its usual value, what it does. The help and the settings' check read this. */
  readonly rules: SettingsOf<S>;
  /** Completes and checks settings; throws `option-invalid` naming setting, range and what was received. */
  settings(given: Record<string, unknown>): S;
  /**
   * Learns. What settings leave open (`'auto'`: k, C, gamma ...) is chosen on the validation vectors by macro F1, then
   * by loss (`isBetterScore`), never on others; without them a documented usual value is taken. The same vectors and
   * settings give the same result on any number of threads. A class without training vectors gets probability 0.
   *
   * What is learnt may go on reading the training vectors: the caller keeps that set open until it disposes of it.
   */
  fit(training: LabelledVectors, validation: LabelledVectors | null, settings: S, job?: Job): Promise<Fitted>;
  /** Reads what `save` wrote; every size is checked before it is used. Throws `model-corrupt`. */
  load(folder: string, description: unknown): Promise<Fitted>;
}

/** What a learner has learnt. */
export interface Fitted {
  /** D and K: whoever loads a classifier compares them with its source and its classes. */
  readonly dimensions: number;
  readonly classes: number;
  /** What fitting chose and found: k, C, gamma, support vectors, trees ... */
  readonly facts: Facts;
  /** Probabilities N x K row major, each row adding up to 1; bounded memory; honours `job.signal`. */
  predict(vectors: Vectors, job?: Job): Promise<Float32Array>;
  /** Probabilities (K) of one vector, at once and on the calling thread: the same numbers as `predict` gives. */
  predictOne(vector: Uint8Array | Uint16Array | Float32Array): Float32Array;
  /**
   * Writes data files (safetensors through `src/models/safetensors.ts`, .npy shards) into the folder, which exists,
   * and returns the JSON description that `load` takes. Data only, never code.
   */
  save(folder: string): Promise<unknown>;
  /** Frees native memory at once. */
  dispose(): void;
}
