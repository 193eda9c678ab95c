import type { SieveName } from './candidates.ts';
import type { CopyPair } from './copies.ts';
import type { CopyRecall } from './copyRecall.ts';
import type { FrameComparison } from './frames.ts';

/** What the part `leak` found. */
export interface LeakFindings {
  cells: number;
  /** Pairs that were aligned. */
  compared: number;
  isSplit: boolean;
  pairs: number;
  /** Pairs of the same bytes; a set of n equal images makes n - 1. */
  exactPairs: number;
  groups: number;
  cellsInGroups: number;
  largestGroup: number;
  /** Groups with cells in two parts of the split. */
  crossingGroups: number;
  /** Cells of each part of which the training part holds a copy. */
  heldOutWithCopies: Record<string, number>;
  /** Groups of cells with different labels. */
  conflictingGroups: number;
  /** Pairs by how one image must be changed to fit on the other. */
  kinds: Record<string, number>;
  /** Pairs by what made them candidates; of a sieve that was not asked none. */
  sieves: Record<SieveName, number>;
  /** How many of changed copies, planted among these cells, were found. */
  recall: CopyRecall[];
  frames: FrameComparison | null;
  /** At most 1,000 pairs, by the cells' ids. */
  examples: CopyPair[];
}
