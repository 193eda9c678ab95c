// N cells, D numbers each, K classes, k folds.
import { vectorShape } from '../classifiers/makeVectors.ts';
import { assignGroups } from '../dataset/assignGroups.ts';
import { createRandom } from '../dataset/random.ts';
import { stratify } from '../dataset/stratify.ts';
import { ImageSet } from '../engine/imageSet.ts';
import { mostProbable } from '../evaluate/score.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { maybeLoadLearner } from '../learners/registry.ts';

/** Cells as numbers, and what is to be read from them. */
export interface Probe {
  /** N x D row major, finite. */
  values: Float32Array;
  D: number;
  /** N of [0, K); -1: not to be looked at. */
  labels: Int32Array;
  K: number;
}

/**
 * What a quick learner says of each cell when it has learnt from the other folds: N classes, -1 for cells without a
 * fold or a label. A random forest of 100 trees, classes weighted alike, unless `logistic` is asked for, which suits
 * embeddings. The same bits on any number of threads.
 */
export async function crossValidate(
  { values, D, labels, K }: Probe,
  folds: Int8Array,
  { seed, learner: name = 'forest' }: { seed: number; learner?: 'forest' | 'logistic' },
  job: Job,
): Promise<Int32Array> {
  const learner = (await maybeLoadLearner(name))!;
  const own =
    name === 'forest' ? { trees: 100, minimalLeaf: 3, seed: seed % 2 ** 31 } : { C: 1, tolerance: 1e-4 };
  const settings = learner.settings({ ...own, classWeights: 'balanced' });
  const set = ImageSet.from(values, vectorShape(D));
  const predicted = new Int32Array(labels.length).fill(-1);
  try {
    for (let fold = 0; fold <= Math.max(...folds); fold++) {
      throwIfCancelled(job);
      const training = rowsWhere(labels, row => folds[row]! >= 0 && folds[row] !== fold);
      const test = rowsWhere(labels, row => folds[row] === fold);
      if (training.length === 0 || test.length === 0) continue;
      const ownLabels = training.map(row => labels[row]!);
      const signal = { signal: job.signal };
      const fitted = await learner.fit(
        { set, rows: training, labels: ownLabels, classes: K },
        null,
        settings,
        signal,
      );
      const said = mostProbable(await fitted.predict({ set, rows: test }, signal), K);
      fitted.dispose();
      for (const [i, row] of test.entries()) predicted[row] = said[i]!;
    }
  } finally {
    set.close();
  }
  return predicted;
}

function rowsWhere(labels: Int32Array, is: (row: number) => boolean): Int32Array {
  return labels.map((_, row) => row).filter(row => labels[row]! >= 0 && is(row));
}

/** A fold of each cell, drawn at random so that every class is spread over the k folds; -1 where there is no label. */
export function drawFolds(labels: Int32Array, k: number, seed: number): Int8Array {
  const rows = [...labels.keys()].filter(row => labels[row]! >= 0);
  const units = rows.map(row => ({ label: labels[row]!, cells: [row] }));
  const sides = stratify(units, new Array(k).fill(1 / k), createRandom(seed));
  const folds = new Int8Array(labels.length).fill(-1);
  for (const [i, row] of rows.entries()) folds[row] = sides[i]!;
  return folds;
}

/**
 * A fold of each cell with every group in one fold, sizes and class shares as near to each other as whole groups
 * allow; there must be at least k groups. -1 where there is no label or group.
 */
export function drawGroupFolds(
  { labels, K, groups }: { labels: Int32Array; K: number; groups: readonly (string | null)[] },
  k: number,
  seed: number,
): Int8Array {
  const names = [...new Set(groups.filter((name, row) => name !== null && labels[row]! >= 0))].sort();
  const place = new Map(names.map((name, g) => [name, g]));
  const counts = names.map(() => new Array<number>(K).fill(0));
  for (const [row, name] of groups.entries())
    if (name !== null && labels[row]! >= 0) counts[place.get(name)!]![labels[row]!]!++;
  const sides =
    names.length === k
      ? Int8Array.from(names.keys())
      : assignGroups(counts, new Array(k).fill(1 / k), createRandom(seed));
  return Int8Array.from(groups, (name, row) =>
    name === null || labels[row]! < 0 ? -1 : sides[place.get(name)!]!,
  );
}
