// N cells, K classes, U units: cells, or groups of cells.
import { type Job, throwIfCancelled } from '../job.ts';
import { measureSpread } from './influences.ts';
import { type Interval, scoreInterval } from './interval.ts';
import type { LabelledPredictions } from './score.ts';
import { studentQuantile } from './student.ts';
import { denominatorOf, freedomOf, indexGroups, mostShare, sharesOf, type Units } from './units.ts';
import {
  type ClassFigure,
  classFigures,
  type Guessed,
  WeightedFigures,
  type WholeFigure,
  wholeFigures,
} from './weightedFigures.ts';

/** 95 % intervals of every figure of a part; null where a figure is not defined or no loss varies. */
export interface FigureIntervals extends Record<WholeFigure, Interval | null> {
  /** In the order of the classes. */
  perClass: ({ class: string } & Record<ClassFigure, Interval | null>)[];
}

/** The intervals of a part, and which of them to believe. */
export interface PartIntervals {
  /** 'group' where there are two groups or more. */
  shown: 'cell' | 'group';
  /** One sentence. */
  why: string;
  /** Groups of the part; 0 where none is named. */
  groups: number;
  /** Leaving out cells; Wilson's for accuracy, precision, recall and specificity. */
  byCell: FigureIntervals;
  /** Leaving out whole groups; null with fewer than two. */
  byGroup: FigureIntervals | null;
}

/**
 * Chosen by simulation (bench/intervals.ts) so that figures of classes with 15 cells are held often enough: less, and means
 * over classes are held too seldom; more for ranks, and ROC-AUC is held too often.
 */
const guessed: Guessed = { counted: 0.5, ranked: 0.05 };
/** Each is left out once; past these, groups are put together. */
const mostUnits = 200;

/**
 * 95 % intervals of every figure from what leaving out each cell does to it (the jackknife) or, with `groups`, each whole
 * group. A variance that is unbiased for groups of unequal size, (1 - s) d^2 for a group with the share s of what the figure
 * divides by, has the degrees of freedom of Bell and McCaffrey (2002) and Student's t; the interval is Wilson's of as many
 * cells as would give that variance one by one, within the range of the figure, or symmetric on a log scale for the log
 * loss. Variance is measured with half a guessed cell added to each class, so that a class that is all right has one.
 * By cell, proportions have Wilson's own interval. Null for fewer than two groups. Throws `cancelled`.
 */
export async function findIntervals(
  predictions: LabelledPredictions,
  groups: readonly (string | null)[] | null,
  job: Job = {},
): Promise<FigureIntervals | null> {
  throwIfCancelled(job);
  const figures = new WeightedFigures(predictions);
  const units = groups ? indexGroups(groups, mostUnits) : eachCell(figures.cells);
  if (groups && units.count < 2) return null;
  const every = new Float64Array(figures.cells).fill(1);
  const [values, smoothed] = [figures.measure(every), figures.measure(every, guessed)];
  const spread = measureSpread(figures, guessed);
  const left = groups ? await leaveOutUnits(figures, units, job) : null;
  const divisionOf = rememberDivisions(figures, units);
  const intervals = Array.from(values, (value, f) => {
    const { shares, quantile } = divisionOf(f);
    if (!left && proportions.includes(figureName(f)))
      return Number.isNaN(value) ? null : scoreInterval(value, 1 / sumOfSquares(shares));
    const own = left ? varianceOf(left, f, smoothed[f]!, shares) : spread.cells[f]!;
    return intervalOf(f, { value, smoothed: smoothed[f]!, variance: own + spread.guessed[f]!, quantile });
  });
  return name(predictions.classes, intervals);
}

function eachCell(cells: number): Units {
  return { units: Int32Array.from({ length: cells }, (_, i) => i), count: cells };
}

/** For each unit all figures without it. Gives way to other work now and then. */
async function leaveOutUnits(
  figures: WeightedFigures,
  { units, count }: Units,
  job: Job,
): Promise<Float64Array[]> {
  const left: Float64Array[] = [];
  let paused = performance.now();
  for (let unit = 0; unit < count; unit++) {
    left.push(
      figures.measure(
        Float64Array.from(units, own => (own === unit ? 0 : 1)),
        guessed,
      ),
    );
    if (performance.now() - paused < 50) continue;
    await new Promise(resolve => setImmediate(resolve));
    throwIfCancelled(job);
    paused = performance.now();
  }
  return left;
}

/** Variance of figure f, without that of guessed cells. */
function varianceOf(left: Float64Array[], f: number, whole: number, shares: Float64Array): number {
  let sum = 0;
  left.forEach((values, unit) => {
    const change = values[f]! - whole;
    if (!Number.isNaN(change)) sum += (1 - Math.min(mostShare, shares[unit]!)) * change ** 2;
  });
  return sum;
}

interface Division {
  /** U. */
  shares: Float64Array;
  /** Student's, of the degrees of freedom that units of these shares have. */
  quantile: number;
}

/** By denominator: many figures have the same. */
function rememberDivisions(figures: WeightedFigures, { units, count }: Units): (f: number) => Division {
  const known = new Map<string, Division>();
  return f => {
    const denominator = denominatorOf(f);
    const key = `${denominator.of} ${denominator.class}`;
    if (!known.has(key)) {
      const shares = sharesOf(figures, denominator, units, count);
      known.set(key, { shares, quantile: studentQuantile(freedomOf(shares)) });
    }
    return known.get(key)!;
  };
}

const figureName = (f: number): WholeFigure | ClassFigure =>
  wholeFigures[f] ?? classFigures[(f - wholeFigures.length) % classFigures.length]!;

/** Figures that are a count over a count. */
const proportions: readonly string[] = ['accuracy', 'precision', 'recall', 'specificity'];

/** Least and largest value; those that are not named have 0 and 1. */
const ranges: Partial<Record<WholeFigure | ClassFigure, Interval>> = {
  ...{ cohenKappa: [-1, 1], matthewsCorrelation: [-1, 1], brierLoss: [0, 2] },
};

interface Estimate {
  value: number;
  /** With guessed cells. */
  smoothed: number;
  variance: number;
  quantile: number;
}

function intervalOf(f: number, { value, smoothed, variance, quantile }: Estimate): Interval | null {
  if (Number.isNaN(value) || !(variance > 0)) return null;
  if (figureName(f) === 'logLoss') {
    const factor = Math.exp((quantile * Math.sqrt(variance)) / value);
    return [value / factor, value * factor];
  }
  const [low, high] = ranges[figureName(f)] ?? [0, 1];
  const width = high - low;
  const share = (of: number) => Math.min(1, Math.max(0, (of - low) / width));
  const cells = (share(smoothed) * (1 - share(smoothed)) * width ** 2) / variance;
  const [from, to] = scoreInterval(share(value), cells, quantile);
  return [low + width * from, low + width * to];
}

const sumOfSquares = (values: Float64Array) => values.reduce((sum, value) => sum + value * value, 0);

function name(classes: readonly string[], intervals: (Interval | null)[]): FigureIntervals {
  const named = <T extends string>(names: readonly T[], from: number) =>
    Object.fromEntries(names.map((one, i) => [one, intervals[from + i]!])) as Record<T, Interval | null>;
  return {
    ...named(wholeFigures, 0),
    perClass: classes.map((one, k) => ({
      class: one,
      ...named(classFigures, wholeFigures.length + k * classFigures.length),
    })),
  };
}
