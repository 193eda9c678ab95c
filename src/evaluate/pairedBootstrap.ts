// N cells, M methods, K classes, P patterns: a pattern is a label with what every method said of the cell.
import { drawMultinomial, quantile, seededUniform } from './bootstrap.ts';
import { type ConfusionMatrix, classCounts, countRight, sum } from './confusion.ts';
import type { Interval } from './interval.ts';

/** The figures that are compared, each better when higher. */
export const comparedFigures = ['accuracy', 'balancedAccuracy', 'macroF1'] as const;
export type ComparedFigure = (typeof comparedFigures)[number];

/** What M methods said of the same N cells. */
export interface JointPredictions {
  /** K. */
  classes: number;
  /** N of [0, K). */
  labels: Int32Array;
  /** M arrays of N of [0, K). */
  predicted: readonly Int32Array[];
}

export interface PairedIntervals {
  /** For each method, 95 % percentiles; null where every cell is right, and then nothing varies. */
  methods: Record<ComparedFigure, Interval | null>[];
  /** Of first less second, for each pair; null where both said the same of every cell. */
  pairs: { first: number; second: number; differences: Record<ComparedFigure, Interval | null> }[];
}

export interface BootstrapOptions {
  /** N names: resample whole groups (donors, runs) instead of cells; null is a group of its own. */
  groups?: readonly (string | null)[];
  /** 2,000 by default. */
  resamples?: number;
  seed?: number;
}

/**
 * Bootstrap intervals of M methods and of all their differences, from the same resamples for all. Cells of one pattern are
 * alike, so a resample of cells is a multinomial draw of patterns and costs the same whatever N. With `groups`, as many
 * groups as there are drawn with replacement, each with all its cells: cells of one donor resemble each other, and
 * intervals that take them as drawn one by one are too narrow. Seeded: the same input gives the same intervals.
 */
export function bootstrapMethods(joint: JointPredictions, options: BootstrapOptions = {}): PairedIntervals {
  const patterns = findPatterns(joint);
  const draw = makeDraw(patterns, options);
  const M = joint.predicted.length;
  const resamples = options.resamples ?? 2000;
  const drawn = comparedFigures.map(() => Array.from({ length: M }, () => new Float64Array(resamples)));
  for (let resample = 0; resample < resamples; resample++) {
    const counts = draw();
    for (let m = 0; m < M; m++) {
      const values = measure(tally(patterns, counts, m, joint.classes));
      comparedFigures.forEach((name, f) => {
        drawn[f]![m]![resample] = values[name];
      });
    }
  }
  return summarise(joint, drawn);
}

/** Accuracy, balanced accuracy and macro F score; the means are over the classes that have cells. */
export function measure(confusion: ConfusionMatrix): Record<ComparedFigure, number> {
  const present = classCounts(confusion).filter(one => one.support > 0);
  const cells = sum(present.map(one => one.support));
  return {
    accuracy: countRight(confusion) / cells,
    balancedAccuracy: sum(present.map(one => one.recall!)) / present.length,
    macroF1: sum(present.map(one => one.f1!)) / present.length,
  };
}

interface Patterns {
  /** P labels. */
  label: Int32Array;
  /** M arrays of P classes. */
  said: Int32Array[];
  /** Cells of each. */
  count: Float64Array;
  /** N: the pattern of each cell. */
  ofCell: Int32Array;
}

function findPatterns({ labels, predicted }: JointPredictions): Patterns {
  const index = new Map<string, number>();
  const first: number[] = [];
  const ofCell = labels.map((label, cell) => {
    const key = [label, ...predicted.map(one => one[cell]!)].join();
    const known = index.get(key);
    if (known !== undefined) return known;
    index.set(key, first.length);
    return first.push(cell) - 1;
  });
  const count = new Float64Array(first.length);
  for (const pattern of ofCell) count[pattern]!++;
  return {
    label: Int32Array.from(first, cell => labels[cell]!),
    said: predicted.map(one => Int32Array.from(first, cell => one[cell]!)),
    count,
    ofCell,
  };
}

/** Draws the counts of all patterns in one resample; the array is used again. */
function makeDraw(patterns: Patterns, { groups, seed = 20191005 }: BootstrapOptions): () => Float64Array {
  const random = seededUniform(seed);
  const counts = new Float64Array(patterns.count.length);
  if (groups === undefined) {
    const cells = patterns.ofCell.length;
    return () => drawMultinomial(patterns.count, cells, random, counts);
  }
  const members = groupPatterns(patterns, groups);
  return () => {
    counts.fill(0);
    for (let i = 0; i < members.length; i++) {
      for (const [pattern, count] of members[Math.floor(random() * members.length)]!)
        counts[pattern]! += count;
    }
    return counts;
  };
}

/** For each group how many cells it has of each pattern. */
function groupPatterns({ ofCell }: Patterns, groups: readonly (string | null)[]): [number, number][][] {
  const byGroup = new Map<string | null, Map<number, number>>();
  ofCell.forEach((pattern, cell) => {
    const group = groups[cell] ?? null;
    let own = byGroup.get(group);
    if (own === undefined) byGroup.set(group, (own = new Map()));
    own.set(pattern, (own.get(pattern) ?? 0) + 1);
  });
  return [...byGroup.values()].map(own => [...own]);
}

function tally({ label, said }: Patterns, counts: Float64Array, method: number, classes: number) {
  const confusion: ConfusionMatrix = Array.from({ length: classes }, () =>
    new Array<number>(classes).fill(0),
  );
  const own = said[method]!;
  for (let p = 0; p < counts.length; p++) confusion[label[p]!]![own[p]!]! += counts[p]!;
  return confusion;
}

function summarise({ labels, predicted }: JointPredictions, drawn: Float64Array[][]): PairedIntervals {
  const same = (a: Int32Array, b: Int32Array) => a.every((one, cell) => one === b[cell]);
  const intervals = (of: (values: Float64Array[]) => Float64Array, nothingVaries: boolean) =>
    Object.fromEntries(
      comparedFigures.map((name, f) => [name, nothingVaries ? null : percentiles(of(drawn[f]!))]),
    ) as Record<ComparedFigure, Interval | null>;
  const methods = predicted.map((own, m) => intervals(values => values[m]!, same(own, labels)));
  const pairs = predicted.flatMap((a, first) =>
    predicted.slice(first + 1).map((b, i) => {
      const second = first + 1 + i;
      const difference = (values: Float64Array[]) =>
        values[first]!.map((one, r) => one - values[second]![r]!);
      return { first, second, differences: intervals(difference, same(a, b)) };
    }),
  );
  return { methods, pairs };
}

function percentiles(values: Float64Array): Interval {
  const sorted = [...values].sort((a, b) => a - b);
  return [quantile(sorted, 0.025), quantile(sorted, 0.975)];
}
