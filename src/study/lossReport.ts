import type { lossNames } from '../train/config.ts';
import type { CurveFigures } from './curve.ts';
import type { Failure } from './measureTask.ts';

export type LossName = (typeof lossNames)[number];

/** One training. */
export interface LossCurve {
  loss: LossName;
  seed: number;
  outcome: CurveFigures | { failure: Failure };
}

export interface LossReport {
  dataset: string;
  fingerprint: string;
  trainingCells: number;
  losses: LossName[];
  seeds: number[];
  /** In full, but for loss and seed. */
  settings: Record<string, unknown>;
  curves: LossCurve[];
  kept: number;
  out: string;
  files: string[];
  seconds: number;
}
