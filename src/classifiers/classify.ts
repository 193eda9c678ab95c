import type { Job } from '../job.ts';

/** One image classified, or not. */
export interface Prediction {
  /** Path of the file, or `DATASET#id` for a cell of a data set. */
  source: string;
  /** Page of a file with many, from 0. */
  frame: number;
  /** Index of the most probable class. */
  class: number;
  className: string;
  /** One for each class, adding up to 1. */
  probabilities: Float32Array;
}

export interface ClassifyOptions {
  /** File to write, whole or not at all; absent: only `onPrediction`. */
  out?: string;
  /** By default from the ending of `out`. */
  format?: 'csv' | 'jsonl' | 'parquet';
  /** Stop at the first file that cannot be read instead of reporting it. */
  strict?: boolean;
  /** Called in order, at most once a chunk. */
  onPredictions?: (predictions: Prediction[]) => void | Promise<void>;
}

export interface ClassifyReport {
  classes: string[];
  classified: number;
  /** Images of each class, in order of `classes`. */
  perClass: number[];
  failed: { count: number; byReason: { reason: string; count: number; examples: string[] }[] };
  out: string | null;
  seconds: number;
}

/**
 * Classifies image files, whole folders or a data set folder with a model (a run folder or a model folder),
 * a chunk at a time: memory does not grow with the number of images.
 */
export declare function classify(
  model: string,
  inputs: string[],
  options?: ClassifyOptions,
  job?: Job,
): Promise<ClassifyReport>;
