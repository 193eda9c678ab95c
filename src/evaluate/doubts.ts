import type { Calibration } from './calibration.ts';
import type { Interval } from './interval.ts';

/** How far a calibrated model can be believed on one part. */
export interface Doubts {
  /** Validation cells that it was calibrated on. */
  calibratedOn: number;
  temperature: number;
  /** Before temperature scaling; `scores` has the figures after it. */
  beforeScaling: Calibration;
  /** Of cells of known classes, the share called unknown, for shares that were asked; absent where there are too few cells. */
  unknown: { score: string; rates: { asked: number; refused: number; interval: Interval }[] };
  sets: SetFigures[];
}

/** Prediction sets of one stated coverage. */
export interface SetFigures {
  kind: 'leastAmbiguous' | 'adaptive';
  /** Stated. */
  coverage: number;
  /** Whether it was to hold for each class apart. */
  byClass: boolean;
  /** Share of cells whose true class is in their set; Wilson's 95 % interval. */
  covered: number;
  interval: Interval;
  /** Least share over the classes that have cells. */
  leastOfClass: number;
  /** Classes in a set, mean over cells. */
  meanSize: number;
  empty: number;
}

/** What doubts are worth on a part, a line each. */
export function formatDoubts({ logLoss, calibrationError }: Calibration, doubts: Doubts): string {
  const three = (value: number) => value.toFixed(3);
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const { temperature, beforeScaling, calibratedOn, unknown, sets } = doubts;
  const lines = [
    `Calibrated on ${calibratedOn} validation cells: temperature ${temperature.toFixed(2)}`,
    `  log loss ${three(beforeScaling.logLoss)} before, ${three(logLoss)} after; ` +
      `calibration error ${three(beforeScaling.calibrationError)} before, ${three(calibrationError)} after`,
    ...unknown.rates.map(
      ({ asked, refused }) =>
        `  --unknown ${asked} calls ${percent(refused)} of these cells unknown (${unknown.score})`,
    ),
    ...sets
      .filter(one => !one.byClass)
      .map(
        one =>
          `  --coverage ${one.coverage}${one.kind === 'adaptive' ? ' --sets adaptive' : ''} covers ${percent(one.covered)} (least of a class ${percent(one.leastOfClass)}), ` +
          `${one.meanSize.toFixed(2)} classes a set`,
      ),
  ];
  return lines.join('\n');
}
