import { BrightcellError } from '../errors.ts';
import type { ImageSet } from './imageSet.ts';

/** What to learn from: N rows of a set, each C x H x W = D numbers, and the class of each in [0, K). */
export interface LabelledRows {
  set: ImageSet;
  rows: Int32Array;
  labels: Int32Array;
  /** K. */
  classes: number;
}

/** Throws `option-invalid` unless there is one label in [0, K) for each of `count` rows. */
export function checkLabels(labels: Int32Array, count: number, classes: number): void {
  if (labels.length !== count)
    throw invalid(`There must be a label for each of ${count} vectors. Received ${labels.length}.`);
  if (!Number.isInteger(classes) || classes < 1 || classes > 65_535)
    throw invalid(`classes must be a whole number from 1 to 65535. Received ${classes}.`);
  for (const label of labels)
    if (label < 0 || label >= classes)
      throw invalid(`Labels must be whole numbers from 0 to ${classes - 1}. Received ${label}.`);
}

function invalid(message: string): BrightcellError {
  return new BrightcellError('option-invalid', message);
}
