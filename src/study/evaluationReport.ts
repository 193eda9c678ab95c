import type { Precision } from '../engine/precision.ts';
import type { EvaluatedPart } from '../evaluate/report.ts';

/** What evaluating a run gave; `scores.json`, but for `files` and `seconds`. */
export interface EvaluationReport {
  run: string;
  dataset: string;
  /** Name of the network, as the tables call it. */
  method: string;
  /** Fold that was held out; null where the data set's own split was used. */
  fold: number | null;
  /** Of the network's products that the predictions come from; null for a plain method. */
  precision: Precision | null;
  parts: EvaluatedPart[];
  /** What must be known before believing any of the figures. */
  cautions: string[];
  /** Folder that holds the files. */
  out: string;
  files: string[];
  seconds: number;
}
