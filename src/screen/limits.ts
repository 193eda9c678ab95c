import { qualityFeatures } from '../engine/prepare.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { groupRows, type Measurements, quantilesOf } from './measurements.ts';

/** Why an image is rejected. */
export interface Finding {
  /** What reports count by: a fault kind, or a feature and the side on which it is out. */
  kind: string;
  /** The kind with what was measured and what the limit was. */
  reason: string;
}

/** An own limit on a feature, in the feature's unit; it replaces what the session would give. */
export interface OwnLimit {
  feature: string;
  below?: number;
  above?: number;
}

/** A side of a feature on which an outlier is a fault. */
interface Watch {
  feature: string;
  side: 'above' | 'below';
  /** Ratios to the median count instead of differences. */
  ratio?: boolean;
  /** The least difference from the median (or ratio less one, or one less ratio) that can be a fault. */
  least: number;
}

const watched: Watch[] = [
  { feature: 'signalToNoise', side: 'below', ratio: true, least: 0.3 },
  { feature: 'area', side: 'below', ratio: true, least: 0.5 },
  { feature: 'focus', side: 'below', ratio: true, least: 0.15 },
  { feature: 'borderContact', side: 'above', least: 0.06 },
  { feature: 'borderSignal', side: 'above', ratio: true, least: 0.5 },
  { feature: 'ghost', side: 'above', least: 0.06 },
  { feature: 'ghostProminence', side: 'above', ratio: true, least: 0.2 },
  { feature: 'imbalance', side: 'above', least: 0.1 },
  { feature: 'faintSecond', side: 'above', least: 0.08 },
  { feature: 'faintSolidity', side: 'below', least: 0.04 },
  { feature: 'faintFraction', side: 'above', ratio: true, least: 0.3 },
  { feature: 'faintAspect', side: 'above', ratio: true, least: 0.2 },
  { feature: 'faintAspect', side: 'below', ratio: true, least: 0.2 },
  { feature: 'faintReach', side: 'above', ratio: true, least: 0.1 },
  { feature: 'reach', side: 'above', ratio: true, least: 0.1 },
  { feature: 'halo', side: 'above', ratio: true, least: 0.3 },
];

/**
 * Each limit may lose a fifth of what all may: most never lose any, because `least` holds or the tail ends
 * before. Measured on simulated cells, all together lose about `goodLost`.
 */
const partOfEach = 1 / 5;

/** Sessions of fewer cells are judged together. */
const smallestSession = 50;

/**
 * Finds outliers without labels: for each watched side of each feature, and for each session, the limit is where
 * a tail that goes on as the inner part of the distribution does would lose its part of `goodLost`, the share of
 * the good images that all limits together may lose. Features with an own limit are left to it. Gives one entry
 * a row, null where every feature is within its limits.
 */
export async function findOutliers(
  measured: Measurements,
  goodLost: number,
  own: OwnLimit[],
  job: Job = {},
): Promise<(Finding | null)[]> {
  const marks = new Marks(measured);
  const free = watched.filter(watch => own.every(({ feature }) => feature !== watch.feature));
  const groups = groupRows(measured.session, measured.sessions.length, smallestSession);
  for (const watch of free) {
    await new Promise(resolve => setImmediate(resolve));
    throwIfCancelled(job);
    const tails = groups.map(rows => measureTail(watch, columnOf(measured, watch.feature), rows));
    const power = sharedPower(tails);
    for (const [i, rows] of groups.entries())
      marks.add(rows, watch.feature, watch.side, limitOf(watch, tails[i]!, power, goodLost * partOfEach));
  }
  const beyond = findBeyond(measured, own);
  return marks.findings.map((finding, row) => beyond[row] ?? finding);
}

/** Finds what is beyond own limits, which are the same for all sessions. */
export function findBeyond(measured: Measurements, own: OwnLimit[]): (Finding | null)[] {
  const marks = new Marks(measured);
  const rows = Int32Array.from({ length: measured.count }, (_, row) => row);
  for (const { feature, below, above } of own) {
    if (below !== undefined) marks.add(rows, feature, 'below', { value: below, scale: 1 });
    if (above !== undefined) marks.add(rows, feature, 'above', { value: above, scale: 1 });
  }
  return marks.findings;
}

function columnOf(measured: Measurements, feature: string): Float32Array {
  return measured.features[qualityFeatures.indexOf(feature)]!;
}

interface Limit {
  value: number;
  /** What the distance beyond the limit is counted in, to compare features. */
  scale: number;
}

/** Findings so far; of several for one image, the feature that is furthest beyond its limit is named. */
class Marks {
  readonly findings: (Finding | null)[];
  readonly #measured: Measurements;
  readonly #excess: Float32Array;

  constructor(measured: Measurements) {
    this.#measured = measured;
    this.findings = new Array(measured.count).fill(null);
    this.#excess = new Float32Array(measured.count);
  }

  add(rows: Int32Array, feature: string, side: Watch['side'], limit: Limit): void {
    const column = columnOf(this.#measured, feature);
    const sign = side === 'above' ? 1 : -1;
    for (const row of rows) {
      const excess = (sign * (column[row]! - limit.value)) / limit.scale;
      if (!(excess > this.#excess[row]!)) continue;
      this.#excess[row] = excess;
      const kind = `${feature} ${side} limit`;
      const than = side === 'above' ? '>' : '<';
      this.findings[row] = { kind, reason: `${kind}: ${round(column[row]!)} ${than} ${round(limit.value)}` };
    }
  }
}

function round(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** One side of a feature's distribution in one session, in logarithms where ratios count. */
interface Tail {
  middle: number;
  /** Distances of the quantiles at 0.75 and 0.9 (or 0.25 and 0.1) from the median. */
  near: number;
  far: number;
  cells: number;
}

function measureTail(watch: Watch, column: Float32Array, rows: Int32Array): Tail {
  const quantiles = quantilesOf(column, rows, watch.side === 'above' ? [0.5, 0.75, 0.9] : [0.5, 0.25, 0.1]);
  const [middle, inner, outer] = quantiles.map(value =>
    watch.ratio ? Math.log(Math.max(value, 1e-6)) : value,
  ) as [number, number, number];
  return { middle, near: Math.abs(inner - middle), far: Math.abs(outer - middle), cells: rows.length };
}

/**
 * The tail beyond the median is taken as c t^b with t = -ln(2 (1 - p)), as its quantiles at 0.75 and 0.9 say: b is
 * 1 for an exponential tail and about 0.75 for a normal one. A tenth of spoiled images hardly moves those two. The
 * power is the sessions' mean, weighted by their cells, for that of one small session is mostly chance.
 */
function sharedPower(tails: Tail[]): number {
  let [sum, cells] = [0, 0];
  for (const tail of tails) {
    if (tail.near <= 0) continue;
    const power = Math.log(tail.far / tail.near) / Math.log(reach(0.9) / reach(0.75));
    sum += tail.cells * Math.min(Math.max(power, 0.5), 1.5);
    cells += tail.cells;
  }
  return cells === 0 ? 1 : sum / cells;
}

function limitOf(watch: Watch, tail: Tail, power: number, share: number): Limit {
  const sign = watch.side === 'above' ? 1 : -1;
  const extrapolated = tail.far * (reach(1 - share) / reach(0.9)) ** power;
  const least = watch.ratio ? Math.abs(Math.log(1 + sign * watch.least)) : watch.least;
  const place = tail.middle + sign * Math.max(extrapolated, least);
  const [value, middle] = watch.ratio ? [Math.exp(place), Math.exp(tail.middle)] : [place, tail.middle];
  return { value, scale: Math.max(Math.abs(value - middle), 1e-9) };
}

function reach(p: number): number {
  return -Math.log(2 * (1 - p));
}
