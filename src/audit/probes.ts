// N cells, K classes.
import type { Dataset } from '../dataset/dataset.ts';
import { measureFeatures } from '../engine/features.ts';
import { adjustHolm } from '../evaluate/holm.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { type Backgrounds, measureBackgrounds } from './background.ts';
import { crossValidate, drawFolds, drawGroupFolds } from './crossValidate.ts';
import { type CellVectors, measureCellAlone, measureGrey } from './greyVectors.ts';
import { type ProbeScore, scoreProbe } from './probeScore.ts';
import type { Sample } from './sample.ts';

/** What a probe is shown of each image. */
export const probeNames = ['whole', 'cell', 'background', 'border', 'meanGrey', 'histogram', 'size'] as const;
export type ProbeName = (typeof probeNames)[number];

/** The same in words. */
export const probeWords: Record<ProbeName, string> = {
  whole: 'whole image',
  cell: 'cell alone',
  background: 'background alone',
  border: 'border alone',
  meanGrey: 'mean grey alone',
  histogram: 'histogram alone',
  size: 'image size alone',
};

export interface ProbeResult {
  probe: ProbeName;
  /** How well the class is predicted, cells split at random; p is adjusted over the five probes without a cell (Holm). */
  class: ProbeScore;
  /** Balanced accuracy with whole groups left out; null where groups do not allow it. */
  groupsLeftOut: number | null;
  /** How well the group is predicted; null without two groups of enough cells. */
  group: ProbeScore | null;
}

export interface ProbeFindings {
  probes: ProbeResult[];
  /** Classes with too few cells to be told apart. */
  classesLeftOut: string[];
  /** Probes that could not be asked, and why. */
  notAsked: { probe: ProbeName; why: string }[];
  backgrounds: Backgrounds;
}

/** Cells that a class or group needs to take part. */
export const fewestToLearn = 15;
const folds = 5;
const mostGroups = 30;

/** Numbers of classes that have enough cells. */
export function learnableClasses(sample: Sample, K: number): number[] {
  const counts = new Array<number>(K).fill(0);
  for (const label of sample.label) counts[label]!++;
  return counts.flatMap((count, k) => (count >= fewestToLearn ? [k] : []));
}

/** Asks every probe for the class, and those that see no more than the surroundings for the group too. */
export async function askProbes(
  dataset: Dataset,
  sample: Sample,
  seed: number,
  job: Job,
): Promise<ProbeFindings> {
  const { classes } = dataset.header;
  const learnable = learnableClasses(sample, classes.length);
  const labels = sample.label.map(label => (learnable.includes(label) ? label : -1));
  const { shown, notAsked, backgrounds } = await showImages(dataset, sample, job);
  const groups = nameGroups(sample.group);
  const targets: Targets = {
    ...{ labels, K: classes.length, groups, seed, folds: drawFolds(labels, folds, seed) },
    groupFolds: foldsByGroup(sample, labels, classes.length, seed),
  };
  const probes: ProbeResult[] = [];
  for (const [i, [probe, vectors]] of shown.entries()) {
    job.onProgress?.({
      stage: 'probing',
      done: i,
      total: shown.length,
      unit: 'probes',
      note: probeWords[probe],
    });
    throwIfCancelled(job);
    const seen = probe === 'background' ? hideAbsent(targets, backgrounds.present) : targets;
    probes.push(await ask(probe, vectors, seen, { signal: job.signal }));
  }
  adjust(probes.filter(one => one.probe !== 'whole' && one.probe !== 'cell'));
  const classesLeftOut = classes.filter((_, k) => !learnable.includes(k));
  return { probes, classesLeftOut, notAsked, backgrounds };
}

interface Targets {
  labels: Int32Array;
  K: number;
  folds: Int8Array;
  /** Null where leaving groups out would leave a class without training cells. */
  groupFolds: Int8Array | null;
  groups: { labels: Int32Array; G: number };
  seed: number;
}

/** Images without background enough say nothing of it. */
function hideAbsent(targets: Targets, present: Uint8Array): Targets {
  const hide = (labels: Int32Array) => labels.map((label, i) => (present[i] ? label : -1));
  const { labels, groups } = targets;
  return { ...targets, labels: hide(labels), groups: { ...groups, labels: hide(groups.labels) } };
}

async function showImages(dataset: Dataset, sample: Sample, job: Job) {
  const images = dataset.images();
  const backgrounds = await measureBackgrounds(images, sample.id, job);
  const whole = await measureFeatures(images, sample.id, job);
  const cell = await measureCellAlone(images, sample.id, job);
  const { meanGrey, histogram, border } = await measureGrey(images, sample.id, job);
  const size = await readSizes(dataset, sample.id);
  const notAsked: ProbeFindings['notAsked'] = [];
  const shown = new Map<ProbeName, CellVectors>([
    ['whole', { values: whole, D: whole.length / sample.count }],
    ['cell', cell],
  ]);
  const present = backgrounds.present.reduce((sum, one) => sum + one, 0);
  if (present >= 0.5 * sample.count) shown.set('background', backgrounds);
  else notAsked.push({ probe: 'background', why: 'the cells leave too little of the images free' });
  shown.set('border', border).set('meanGrey', meanGrey).set('histogram', histogram);
  if (size) shown.set('size', size);
  else notAsked.push({ probe: 'size', why: 'all images are of one size' });
  return { shown: [...shown], notAsked, backgrounds };
}

/** Height, width, area and aspect of the raw images; undefined where all are of one size. */
async function readSizes(dataset: Dataset, ids: Int32Array): Promise<CellVectors | undefined> {
  const place = new Map(Array.from(ids, (id, i) => [id, i]));
  const values = new Float32Array(ids.length * 4);
  await dataset.scan('SELECT id, raw_height, raw_width FROM cells ORDER BY id', chunk => {
    const [id, heights, widths] = [0, 1, 2].map(column => chunk.getColumnValues(column) as number[]);
    for (let row = 0; row < chunk.rowCount; row++) {
      const at = place.get(id![row]!);
      const [h, w] = [heights![row]!, widths![row]!];
      if (at !== undefined) values.set([h, w, Math.sqrt(h * w), h / w], at * 4);
    }
  });
  const same = values.every((value, i) => value === values[i % 4]);
  return same ? undefined : { values, D: 4 };
}

/** The largest groups with enough cells, as numbers; -1 for the cells of others. */
function nameGroups(group: readonly (string | null)[]): { labels: Int32Array; G: number } {
  const sizes = new Map<string, number>();
  for (const name of group) if (name !== null) sizes.set(name, (sizes.get(name) ?? 0) + 1);
  const names = [...sizes]
    .filter(([, cells]) => cells >= fewestToLearn)
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .slice(0, mostGroups)
    .map(([name]) => name);
  const place = new Map(names.map((name, g) => [name, g]));
  return { labels: Int32Array.from(group, name => place.get(name ?? '') ?? -1), G: names.length };
}

function foldsByGroup(sample: Sample, labels: Int32Array, K: number, seed: number): Int8Array | null {
  const groups = new Set(sample.group.filter((name, i) => name !== null && labels[i]! >= 0));
  if (groups.size < 2) return null;
  const drawn = drawGroupFolds({ labels, K, groups: sample.group }, Math.min(folds, groups.size), seed);
  for (const k of new Set(labels)) {
    if (k < 0) continue;
    if (new Set(drawn.filter((fold, i) => fold >= 0 && labels[i] === k)).size < 2) return null;
  }
  return drawn;
}

async function ask(
  probe: ProbeName,
  { values, D }: CellVectors,
  { labels, K, folds: drawn, groupFolds, groups, seed }: Targets,
  job: Job,
): Promise<ProbeResult> {
  const own = { values, D, labels, K };
  const predicted = await crossValidate(own, drawn, { seed }, job);
  const leftOut = groupFolds && (await crossValidate(own, groupFolds, { seed }, job));
  const asked = groups.G > 1 && probe !== 'whole' && probe !== 'cell';
  const named =
    asked &&
    (await crossValidate(
      { values, D, labels: groups.labels, K: groups.G },
      drawFolds(groups.labels, folds, seed),
      { seed },
      job,
    ));
  return {
    probe,
    class: scoreProbe(labels, predicted, K, seed),
    groupsLeftOut: leftOut && scoreProbe(labels, leftOut, K, seed).balancedAccuracy,
    group: named ? scoreProbe(groups.labels, named, groups.G, seed) : null,
  };
}

function adjust(probes: ProbeResult[]): void {
  const adjusted = adjustHolm(probes.map(one => one.class.p));
  for (const [i, one] of probes.entries()) one.class.p = adjusted[i]!;
}
