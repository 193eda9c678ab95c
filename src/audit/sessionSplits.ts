// N cells, D features each, K classes, G groups.
import { quantile, seededUniform } from '../evaluate/bootstrap.ts';
import type { Interval } from '../evaluate/interval.ts';
import type { Job } from '../job.ts';
import { crossValidate, drawFolds, drawGroupFolds } from './crossValidate.ts';
import type { Sample } from './sample.ts';

/** Accuracy of one quick classifier when cells are split at random and when whole groups are left out. */
export interface SplitComparison {
  folds: number;
  cells: number;
  /** Classes that could be compared: enough cells, in groups of at least two folds. */
  classes: string[];
  classesLeftOut: { class: string; why: string }[];
  /** 1 / classes: what guessing gives. */
  chance: number;
  /** Balanced accuracy, with a 95 % interval over groups. */
  random: { value: number; interval: Interval };
  leftOut: { value: number; interval: Interval };
  /** random - leftOut: what a split at random flatters by. */
  gap: { value: number; interval: Interval };
  /** Fewer than 10 groups make the intervals rough. */
  fewGroups: boolean;
  groups: { group: string; cells: number; random: number; leftOut: number }[];
}

/** Features of the sample's cells. */
export interface ImageVectors {
  values: Float32Array;
  D: number;
}

/** Cells of a class that are too few to learn from. */
export const fewestOfClass = 10;
const mostFolds = 5;

/** Both splits with the same learner and number of folds; or, as a sentence, why they cannot be compared. */
export async function compareSplits(
  { sample, image, classes }: { sample: Sample; image: ImageVectors; classes: readonly string[] },
  seed: number,
  job: Job,
): Promise<SplitComparison | string> {
  const groups = [...new Set(sample.group.filter(name => name !== null))];
  const folds = Math.min(mostFolds, groups.length);
  if (folds < 2) return 'Fewer than two groups are known.';
  const K = classes.length;
  const big = enoughCells(sample, K);
  const labels = sample.label.map((label, i) => (big[label] && sample.group[i] !== null ? label : -1));
  const groupFolds = drawGroupFolds(
    { labels, K, groups: sample.group },
    Math.min(folds, countGroups(sample, labels)),
    seed,
  );
  const spread = foldsOfClass(labels, groupFolds, K);
  const compared = classes.flatMap((_, k) => (spread[k]! > 1 ? [k] : []));
  const classesLeftOut = explain(classes, sample, big, spread);
  if (compared.length < 2)
    return 'Fewer than two classes have enough cells in two groups or more, so none is left to learn from when a group is left out.';
  const kept = labels.map(label => (compared.includes(label) ? label : -1));
  const probe = { ...image, labels: kept, K };
  const used = Math.max(...groupFolds) + 1;
  const randomFolds = drawFolds(kept, used, seed);
  const drawn = await crossValidate(probe, randomFolds, { seed }, withNote(job, 'random split'));
  const whole = await crossValidate(probe, groupFolds, { seed }, withNote(job, 'groups left out'));
  return {
    ...{ folds: used, classes: compared.map(k => classes[k]!), classesLeftOut, chance: 1 / compared.length },
    ...score({ sample, labels: kept, K }, drawn, whole),
  };
}

function withNote(job: Job, note: string): Job {
  job.onProgress?.({ stage: 'classifying', done: 0, unit: 'cells', note });
  return { signal: job.signal };
}

function enoughCells({ label }: Sample, K: number): boolean[] {
  const counts = new Array<number>(K).fill(0);
  for (const k of label) counts[k]!++;
  return counts.map(n => n >= fewestOfClass);
}

function countGroups({ group }: Sample, labels: Int32Array): number {
  return new Set(group.filter((_, i) => labels[i]! >= 0)).size;
}

/** In how many folds each class has cells. */
function foldsOfClass(labels: Int32Array, folds: Int8Array, K: number): number[] {
  const seen = Array.from({ length: K }, () => new Set<number>());
  for (const [i, label] of labels.entries()) if (label >= 0 && folds[i]! >= 0) seen[label]!.add(folds[i]!);
  return seen.map(one => one.size);
}

function explain(classes: readonly string[], sample: Sample, big: boolean[], spread: number[]) {
  return classes.flatMap((name, k) => {
    if (spread[k]! > 1) return [];
    const cells = sample.label.reduce((sum, label) => sum + (label === k ? 1 : 0), 0);
    if (cells === 0) return [{ class: name, why: 'no cells' }];
    if (!big[k]) return [{ class: name, why: `${cells} cells, fewer than ${fewestOfClass}` }];
    return [{ class: name, why: 'all its cells are left out together' }];
  });
}

interface Judged {
  sample: Sample;
  labels: Int32Array;
  K: number;
}

/** Cells, and of them those right by either split, by class: one table a group. */
interface GroupCounts {
  group: string;
  cells: Float64Array;
  random: Float64Array;
  leftOut: Float64Array;
}

function score({ sample, labels, K }: Judged, drawn: Int32Array, whole: Int32Array) {
  const tables = new Map<string, GroupCounts>();
  for (const [i, label] of labels.entries()) {
    if (label < 0) continue;
    const group = sample.group[i]!;
    let own = tables.get(group);
    if (!own) {
      const empty = () => new Float64Array(K);
      tables.set(group, (own = { group, cells: empty(), random: empty(), leftOut: empty() }));
    }
    own.cells[label]!++;
    if (drawn[i] === label) own.random[label]!++;
    if (whole[i] === label) own.leftOut[label]!++;
  }
  const groups = [...tables.values()].sort((a, b) => (a.group < b.group ? -1 : 1));
  const total = (counts: Float64Array) => counts.reduce((sum, n) => sum + n, 0);
  return {
    cells: labels.filter(label => label >= 0).length,
    ...resampleGroups(groups, K),
    fewGroups: groups.length < 10,
    groups: groups.map(one => ({
      group: one.group,
      cells: total(one.cells),
      random: total(one.random) / total(one.cells),
      leftOut: total(one.leftOut) / total(one.cells),
    })),
  };
}

const resamples = 2000;

/** Balanced accuracies and their difference, with 95 % percentiles over resampled groups; classes absent from one count in none. */
function resampleGroups(groups: readonly GroupCounts[], K: number) {
  const random = seededUniform(20191005);
  const everyOne = new Float64Array(groups.length).fill(1);
  const value = balance(groups, everyOne, K);
  const draws = Array.from({ length: groups.length < 2 ? 0 : resamples }, () => {
    const times = new Float64Array(groups.length);
    for (let i = 0; i < groups.length; i++) times[Math.floor(random() * groups.length)]!++;
    return balance(groups, times, K);
  });
  const figure = (of: (one: Balanced) => number): { value: number; interval: Interval } => {
    const sorted = draws.map(of).sort((a, b) => a - b);
    return { value: of(value), interval: [quantile(sorted, 0.025), quantile(sorted, 0.975)] };
  };
  return {
    random: figure(one => one.random),
    leftOut: figure(one => one.leftOut),
    gap: figure(one => one.random - one.leftOut),
  };
}

interface Balanced {
  random: number;
  leftOut: number;
}

function balance(groups: readonly GroupCounts[], times: Float64Array, K: number): Balanced {
  const mean = { random: 0, leftOut: 0 };
  let present = 0;
  for (let k = 0; k < K; k++) {
    const sum = (of: 'cells' | 'random' | 'leftOut') =>
      groups.reduce((total, one, g) => total + times[g]! * one[of][k]!, 0);
    const cells = sum('cells');
    if (cells === 0) continue;
    present++;
    mean.random += sum('random') / cells;
    mean.leftOut += sum('leftOut') / cells;
  }
  return { random: mean.random / present, leftOut: mean.leftOut / present };
}
