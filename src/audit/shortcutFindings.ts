import type { GreyLevels } from './greyLevels.ts';
import type { ProbeFindings, ProbeResult } from './probes.ts';

/** Every number behind the verdict of the part `shortcut`. */
export interface ShortcutFindings {
  confounded: boolean;
  /** Cells that were looked at. */
  sampledCells: number;
  /** Whether there were too few cells to learn from; then only grey levels were compared. */
  tooFew: boolean;
  /** Empty where there were too few cells. */
  probes: ProbeResult[];
  classesLeftOut: string[];
  notAsked: ProbeFindings['notAsked'];
  /** Grey level of the background by class; null where fewer than two classes have any. */
  greyLevels: GreyLevels | null;
  /** Share of the pixels that are background in nine images of ten. */
  regionShare: number;
  /** Share of the images in which a cell was found that keeps clear of the edge. */
  clearShare: number;
  /** Whether that is so in enough images for the background to be judged. */
  separable: boolean;
}
