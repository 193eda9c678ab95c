// N cells, K classes.
import { quantile, seededUniform } from '../evaluate/bootstrap.ts';
import type { Sample } from './sample.ts';

/** Whether the grey level of the background goes with the class, by ranks alone: nothing is learnt. */
export interface GreyLevels {
  cells: number;
  /** Of the classes that have cells, in order of their medians; levels from 0 to 1. */
  classes: { class: string; cells: number; least: number; median: number; most: number }[];
  /** Kruskal and Wallis's statistic, and its probability by permutation. */
  H: number;
  p: number;
  /** (H - K + 1) / (N - K): share of the ranks' spread that lies between the classes; 1 for no overlap, about 0 by chance. */
  epsilonSquared: number;
  /** Two sets of classes between which no level lies; null where all overlap. */
  apart: { dark: string[]; bright: string[] } | null;
}

/** From this share on, and with p below 0.01, grey levels separate classes. */
export const separating = 0.3;

/** Compares the levels of classes; cells whose level is NaN do not count. Null with fewer than two classes. */
export function compareLevels(
  level: Float32Array,
  sample: Sample,
  classes: readonly string[],
  seed: number,
): GreyLevels | null {
  const rows = [...level.keys()].filter(row => !Number.isNaN(level[row]!));
  const labels = Int32Array.from(rows, row => sample.label[row]!);
  const levels = rows.map(row => level[row]!);
  const present = [...new Set(labels)].sort((a, b) => a - b);
  if (present.length < 2 || rows.length <= present.length) return null;
  const described = present
    .map(k => {
      const own = levels.filter((_, i) => labels[i] === k).sort((a, b) => a - b);
      const name = { class: classes[k]!, cells: own.length };
      return { ...name, least: own[0]!, median: quantile(own, 0.5), most: own.at(-1)! };
    })
    .sort((a, b) => a.median - b.median);
  const ranks = rankLevels(levels);
  const H = kruskalWallis(ranks, labels);
  const N = rows.length;
  return {
    ...{ cells: N, classes: described, H, p: permute(ranks, labels, H, seed) },
    epsilonSquared: Math.max(0, (H - present.length + 1) / (N - present.length)),
    apart: findGap(described),
  };
}

/** Ranks from 1, ties at their mean. */
export function rankLevels(levels: readonly number[]): Float64Array {
  const order = [...levels.keys()].sort((a, b) => levels[a]! - levels[b]!);
  const ranks = new Float64Array(levels.length);
  for (let first = 0; first < order.length; ) {
    let end = first + 1;
    while (end < order.length && levels[order[end]!] === levels[order[first]!]) end++;
    for (let i = first; i < end; i++) ranks[order[i]!] = (first + end + 1) / 2;
    first = end;
  }
  return ranks;
}

/** Kruskal and Wallis's H with correction for ties; 0 where all ranks are equal. */
export function kruskalWallis(ranks: Float64Array, labels: Int32Array): number {
  const N = ranks.length;
  const sums = new Map<number, { sum: number; count: number }>();
  let spread = 0;
  for (const [i, rank] of ranks.entries()) {
    const own = sums.get(labels[i]!) ?? { sum: 0, count: 0 };
    own.sum += rank;
    own.count++;
    sums.set(labels[i]!, own);
    spread += (rank - (N + 1) / 2) ** 2;
  }
  if (spread === 0) return 0;
  let between = 0;
  for (const { sum, count } of sums.values()) between += count * (sum / count - (N + 1) / 2) ** 2;
  return ((N - 1) * between) / spread;
}

const permutations = 1999;

function permute(ranks: Float64Array, labels: Int32Array, reached: number, seed: number): number {
  const random = seededUniform(seed + 1);
  const shuffled = ranks.slice();
  let asHigh = 1;
  for (let draw = 0; draw < permutations; draw++) {
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!];
    }
    if (kruskalWallis(shuffled, labels) >= reached - 1e-9) asHigh++;
  }
  return asHigh / (permutations + 1);
}

/** The widest place between ordered classes that no level of either side crosses. */
function findGap(ordered: GreyLevels['classes']): GreyLevels['apart'] {
  let best: { at: number; width: number } | undefined;
  for (let at = 1; at < ordered.length; at++) {
    const below = Math.max(...ordered.slice(0, at).map(one => one.most));
    const width = Math.min(...ordered.slice(at).map(one => one.least)) - below;
    if (width > 0 && width > (best?.width ?? 0)) best = { at, width };
  }
  if (!best) return null;
  const names = ordered.map(one => one.class);
  return { dark: names.slice(0, best.at), bright: names.slice(best.at) };
}
