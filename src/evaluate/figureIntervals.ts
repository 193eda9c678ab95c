// N cells, K classes, G groups.
import { type Job, throwIfCancelled } from '../job.ts';
import { quantile, seededUniform } from './bootstrap.ts';
import type { Interval } from './interval.ts';
import { chiSquaredTail } from './mcnemar.ts';
import type { LabelledPredictions } from './score.ts';
import {
  type ClassFigure,
  classFigures,
  WeightedFigures,
  type WholeFigure,
  wholeFigures,
} from './weightedFigures.ts';

/** 95 % intervals of every figure of a part; null where nothing varies or a figure is not defined. */
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
  /** Resampling cells; Wilson's for accuracy, precision and recall. */
  byCell: FigureIntervals;
  /** Resampling whole groups; null with fewer than two. */
  byGroup: FigureIntervals | null;
}

const seed = 20191005;
/** Steps of all resamples together: what bounds time, to a few seconds. */
const mostSteps = 2e8;
/** Past these, leaving out each group in turn costs more than it tells. */
const mostGroups = 500;

/**
 * Bootstrap intervals of every figure from resamples of the cells, or, with `groups`, of whole groups: as many as there are,
 * drawn with replacement, each with all its cells. Percentiles are corrected for bias, of groups for skewness, too (BCa,
 * Efron 1987), and expanded for the number of units that are drawn (Hesterberg 2015): with few groups, plain percentiles
 * are too narrow. 2,000 resamples of groups and 1,000 of cells; fewer, but at least 200, where there are very many cells. Seeded: the same cells give the same intervals. Null for fewer than two groups. Throws `cancelled`.
 */
export async function findIntervals(
  predictions: LabelledPredictions,
  groups: readonly (string | null)[] | null,
  job: Job = {},
): Promise<FigureIntervals | null> {
  const figures = new WeightedFigures(predictions);
  const units = groups && indexGroups(groups);
  const count = units ? units.reduce((most, unit) => Math.max(most, unit + 1), 0) : figures.cells;
  if (count < 2) return null;
  const usual = units ? 2000 : 1000;
  const resamples = Math.max(
    200,
    Math.min(usual, Math.floor(mostSteps / figures.cells / (figures.classes + 2))),
  );
  const drawn = await resample(figures, units, { count, resamples }, job);
  const estimate = figures.measure(new Float64Array(figures.cells).fill(1));
  const skews = units && count <= mostGroups ? skewsOf(figures, units, count) : null;
  const intervals = drawn.map((values, f) =>
    intervalOf(values, estimate[f]!, { z: expanded(count), skew: skews?.[f] ?? 0 }),
  );
  return name(predictions.classes, intervals);
}

/** For each figure its values in all resamples. Gives way to other work now and then. */
async function resample(
  figures: WeightedFigures,
  units: Int32Array | null,
  { count, resamples }: { count: number; resamples: number },
  job: Job,
): Promise<Float64Array[]> {
  const random = seededUniform(seed);
  const drawn = Array.from({ length: figures.length }, () => new Float64Array(resamples));
  const times = new Float64Array(count);
  const weights = units ? new Float64Array(figures.cells) : times;
  let paused = performance.now();
  for (let b = 0; b < resamples; b++) {
    times.fill(0);
    for (let i = 0; i < count; i++) times[Math.floor(random() * count)]!++;
    if (units) units.forEach((unit, cell) => void (weights[cell] = times[unit]!));
    figures.measure(weights).forEach((value, f) => void (drawn[f]![b] = value));
    if (performance.now() - paused < 50) continue;
    await new Promise(resolve => setImmediate(resolve));
    throwIfCancelled(job);
    paused = performance.now();
  }
  return drawn;
}

/** The place of each cell's group; cells without one are of a group of their own. */
function indexGroups(groups: readonly (string | null)[]): Int32Array {
  const places = new Map<string, number>();
  return Int32Array.from(groups, group => {
    const name = group ?? '';
    if (!places.has(name)) places.set(name, places.size);
    return places.get(name)!;
  });
}

/**
 * For each figure the acceleration of Efron 1987: a sixth of the skewness of what leaving out one group at a time does to
 * it. 0 where it does nothing.
 */
function skewsOf(figures: WeightedFigures, units: Int32Array, count: number): Float64Array {
  const left = Array.from({ length: count }, (_, unit) =>
    figures.measure(Float64Array.from(units, own => (own === unit ? 0 : 1))),
  );
  return new Float64Array(figures.length).map((_, f) => {
    const values = left.map(one => one[f]!).filter(value => !Number.isNaN(value));
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const squares = values.reduce((sum, value) => sum + (mean - value) ** 2, 0);
    const cubes = values.reduce((sum, value) => sum + (mean - value) ** 3, 0);
    return squares > 0 ? cubes / (6 * squares ** 1.5) : 0;
  });
}

/** Where `z` is how many deviations an end lies away, and `skew` the acceleration. */
function intervalOf(
  values: Float64Array,
  estimate: number,
  { z, skew }: { z: number; skew: number },
): Interval | null {
  const sorted = [...values.filter(value => !Number.isNaN(value)).sort()];
  if (sorted.length < 100 || Number.isNaN(estimate) || sorted[0] === sorted.at(-1)) return null;
  const lower = sorted.filter(value => value < estimate).length;
  const equal = sorted.filter(value => value === estimate).length;
  const bias = normalQuantile(Math.min(0.9999, Math.max(0.0001, (lower + equal / 2) / sorted.length)));
  const end = (side: number) => {
    const at = bias + side * z;
    const bend = 1 - skew * at;
    return quantile(sorted, bend > 0.1 ? normalShare(bias + at / bend) : side < 0 ? 0 : 1);
  };
  return [end(-1), end(1)];
}

/** Share of the standard normal below x. */
function normalShare(x: number): number {
  const tail = chiSquaredTail(x * x) / 2;
  return x < 0 ? tail : 1 - tail;
}

/** The inverse of `normalShare`, by halving. */
function normalQuantile(share: number): number {
  let [low, high] = [-5, 5];
  for (let i = 0; i < 50; i++) {
    const middle = (low + high) / 2;
    if (normalShare(middle) < share) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Hesterberg 2015, section 4.6: ends lie sqrt(n / (n - 1)) t deviations away, with t of n - 1 degrees of freedom. */
function expanded(n: number): number {
  return Math.sqrt(n / (n - 1)) * studentQuantile(n - 1);
}

/** The 97.5 % quantile of Student's t: exact to three digits for few degrees of freedom, then Fisher's expansion. */
function studentQuantile(freedom: number): number {
  const few = [12.706, 4.303, 3.182];
  if (freedom <= few.length) return few[freedom - 1]!;
  const z = 1.959963984540054;
  return (
    z +
    (z ** 3 + z) / (4 * freedom) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * freedom ** 3)
  );
}

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
