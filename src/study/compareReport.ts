import type { MethodComparison } from '../evaluate/comparison.ts';
import type { Failure, MeasuredMethod } from './measureTask.ts';
import type { MethodRequest } from './methodTask.ts';

export interface CompareReport {
  dataset: string;
  fingerprint: string;
  classes: string[];
  trainingCells: number;
  seed: number;
  fold: number | null;
  /** Folds that were pooled; 0 for one test part. */
  folds: number;
  methods: (MethodRequest & (MeasuredMethod | { failure: Failure }))[];
  /** Validation and test, where they have cells. The test part was not looked at by any method. */
  parts: { part: string; comparison: MethodComparison }[];
  cautions: string[];
  out: string;
  files: string[];
  seconds: number;
}
