import type { Interval } from '../evaluate/interval.ts';
import type { Alteration } from './alterations.ts';

/** How far accuracy must fall for a level to be named. */
export const fall = 0.05;

/** One alteration from end to end. */
export interface StabilityCurve {
  alteration: string;
  label: string;
  scale: Alteration['scale'];
  still: number;
  /** `p`: of McNemar's test against the same cells as they are. */
  points: { level: number; accuracy: number; interval: Interval; balancedAccuracy: number; p: number }[];
  /** Levels at which accuracy is five points below that of the images as they are, on either side; null where it never is. */
  fallsBelow: number | null;
  fallsAbove: number | null;
}

export interface StabilityFindings {
  method: string;
  /** Part of the split that the cells are of: test where there is one. */
  part: string;
  cells: number;
  /** Of the images as they are. */
  accuracy: number;
  curves: StabilityCurve[];
}
