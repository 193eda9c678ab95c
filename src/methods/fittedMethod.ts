import type { LoadedClassifier } from '../classifiers/classifier.ts';
import type { Facts } from '../learners/learner.ts';
import type { LabelledRows } from '../train/batches.ts';
import type { PartScore } from '../train/report.ts';

/** Rows of a data set's images, and their classes. */
export interface MethodCells {
  training: LabelledRows;
  /** No rows where nothing is to be chosen on any. */
  validation: LabelledRows;
}

/** A method that has learnt. */
export interface FittedMethod {
  method: string;
  /** Good while the data set is open: it may read training images where they are mapped. The caller disposes of it. */
  classifier: LoadedClassifier;
  /** In full, defaults included. */
  settings: Record<string, unknown>;
  /** What fitting chose and found. */
  facts: Facts;
  /** On the validation cells; null without any. */
  validation: PartScore | null;
  /** Of fitting and of what it chose, without the validation score of plain methods. */
  seconds: number;
}
