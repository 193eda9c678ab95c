import type { GroupReading } from './sessionReading.ts';
import type { SplitComparison } from './sessionSplits.ts';
import type { GroupTable } from './sessionTable.ts';

/** Every number behind the verdict of the part `session`. */
export interface SessionFindings {
  table: GroupTable;
  /** Null where no comparison can be made; `whyNoSplits` then says why. */
  splits: SplitComparison | null;
  whyNoSplits: string | null;
  /** How well the group can be read: from the whole image, and of a network also from its embedding. */
  readings: GroupReading[];
  /** Cells that were learnt from. */
  sampledCells: number;
}
