// N cells, G groups.
import { createSource } from '../classifiers/sources.ts';
import { storedImages } from '../classifiers/vectorClassifier.ts';
import type { Dataset } from '../dataset/dataset.ts';
import { bootstrapInterval } from '../evaluate/bootstrap.ts';
import { type ConfusionMatrix, confusionMatrix } from '../evaluate/confusion.ts';
import type { Interval } from '../evaluate/interval.ts';
import type { Job } from '../job.ts';
import { balancedAccuracy } from './balanced.ts';
import { crossValidate, drawFolds } from './crossValidate.ts';
import type { PartOptions } from './part.ts';
import type { Sample } from './sample.ts';
import { fewestOfClass, type ImageVectors } from './sessionSplits.ts';

/** How well the group can be told from what a quick learner is shown of each cell. */
export interface GroupReading {
  from: 'image' | 'embedding';
  groups: number;
  cells: number;
  /** Mean over groups of the share of their cells that are named rightly; cross-validated. */
  balancedAccuracy: number;
  /** 95 %, by cell; null where every cell is right. */
  interval: Interval | null;
  /** 1 / groups. */
  chance: number;
  /** What the class alone tells of the group: above chance where classes and groups go together. */
  fromClassAlone: number;
}

/** At most so many groups, the largest, are told apart. */
const mostGroups = 30;
const folds = 5;

/** Reads the groups that have enough cells from the image's features and, of a network, from its embedding. */
export async function readGroups(
  { dataset, sample, image }: { dataset: Dataset; sample: Sample; image: ImageVectors },
  { seed, run }: PartOptions,
  job: Job,
): Promise<GroupReading[]> {
  const named = nameGroups(sample);
  if (named.G < 2) return [];
  const readings = [await readFrom('image', { sample, ...named }, image, seed, job)];
  if (!run?.isNetwork) return readings;
  const { preparation, pixelType } = dataset.header;
  const source = await createSource(`embedding:${run.path}`, storedImages({ preparation, pixelType }));
  try {
    const made = await source.vectors(dataset.images(), sample.id, job);
    const vectors = { values: made.values!, D: source.dimensions };
    readings.push(await readFrom('embedding', { sample, ...named }, vectors, seed, job));
    made.release();
  } finally {
    source.dispose();
  }
  return readings;
}

/** Numbers for the groups that take part, the largest first; -1 for the cells of others. */
function nameGroups({ group }: Sample): { G: number; labels: Int32Array } {
  const sizes = new Map<string, number>();
  for (const name of group) if (name !== null) sizes.set(name, (sizes.get(name) ?? 0) + 1);
  const names = [...sizes]
    .filter(([, cells]) => cells >= fewestOfClass)
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .slice(0, mostGroups)
    .map(([name]) => name);
  const place = new Map(names.map((name, g) => [name, g]));
  return { G: names.length, labels: Int32Array.from(group, name => place.get(name ?? '') ?? -1) };
}

async function readFrom(
  from: GroupReading['from'],
  { sample, G, labels }: { sample: Sample; G: number; labels: Int32Array },
  { values, D }: ImageVectors,
  seed: number,
  job: Job,
): Promise<GroupReading> {
  job.onProgress?.({ stage: 'reading groups', done: 0, unit: 'cells', note: from });
  const learner = from === 'embedding' ? 'logistic' : 'forest';
  const probe = { values, D, labels, K: G };
  const said = await crossValidate(
    probe,
    drawFolds(labels, folds, seed),
    { seed, learner },
    { signal: job.signal },
  );
  const rows = [...labels.keys()].filter(row => labels[row]! >= 0 && said[row]! >= 0);
  const confusion = confusionMatrix(
    Int32Array.from(rows, row => labels[row]!),
    Int32Array.from(rows, row => said[row]!),
    G,
  );
  return {
    ...{ from, groups: G, cells: rows.length, chance: 1 / G },
    balancedAccuracy: balancedAccuracy(confusion)!,
    interval: bootstrapInterval(confusion, balancedAccuracy),
    fromClassAlone: guessFromClass(rows, labels, sample.label, G),
  };
}

/** Balanced accuracy of naming for each class the group that it is likeliest to come from, groups weighted alike. */
function guessFromClass(rows: number[], labels: Int32Array, classes: Int32Array, G: number): number {
  const K = Math.max(...classes) + 1;
  const counts: ConfusionMatrix = Array.from({ length: G }, () => new Array<number>(K).fill(0));
  for (const row of rows) counts[labels[row]!]![classes[row]!]!++;
  const shares = counts.map(row => row.map(n => n / row.reduce((sum, one) => sum + one, 0)));
  let found = 0;
  for (let k = 0; k < K; k++) found += Math.max(...shares.map(row => row[k]!));
  return found / G;
}
