import type { PartFigures } from './measureMethod.ts';
import type { Failure } from './measureTask.ts';
import type { MethodRequest } from './methodTask.ts';

/** One method fitted on one number of images with one seed. */
export interface VolumeFit {
  method: string;
  size: number;
  seed: number;
  outcome: VolumeOutcome | { failure: Failure };
}

export interface VolumeOutcome {
  parts: PartFigures[];
  fitSeconds: number;
  fitCpuSeconds: number;
  fitPeakBytes: number;
  thousandSeconds: number;
  predictPeakBytes: number;
  facts: Record<string, unknown>;
}

export interface VolumeReport {
  dataset: string;
  fingerprint: string;
  classes: string[];
  trainingCells: number;
  fold: number | null;
  sizes: number[];
  seeds: number[];
  methods: MethodRequest[];
  fits: VolumeFit[];
  /** Finished by an earlier call. */
  kept: number;
  out: string;
  files: string[];
  seconds: number;
}
