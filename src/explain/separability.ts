// N vectors of D numbers, K classes.
import { vectorShape } from '../classifiers/makeVectors.ts';
import { squaredDistances } from '../engine/distances.ts';
import { ImageSet } from '../engine/imageSet.ts';
import { findNeighbours } from '../engine/neighbours.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { logistic } from '../learners/logistic.ts';
import { shuffle } from '../train/seed.ts';

/** How well a linear classifier reads classes from vectors that it has not learnt from. */
export interface ProbeScore {
  /** Share of cells named rightly over all folds. */
  accuracy: number;
  /** Mean over the classes of the share of each named rightly: 1 / K by chance. */
  balancedAccuracy: number;
  folds: number;
}

const folds = 5;

/**
 * Multinomial logistic regression (C = 1, standardised vectors) in a cross-validation of five stratified folds; null
 * with fewer than two classes of at least two vectors. The same bits on any number of threads. Throws `cancelled`.
 */
export async function probeLinearly(
  values: Float32Array,
  D: number,
  labels: Int32Array,
  K: number,
  { seed = 0 }: { seed?: number } = {},
  job: Job = {},
): Promise<ProbeScore | null> {
  if (countMembers(labels, K).filter(count => count >= 2).length < 2) return null;
  const fold = drawFolds(labels, K, seed);
  const set = ImageSet.from(values, vectorShape(D));
  const right = new Int32Array(labels.length);
  try {
    const settings = logistic.settings({ C: 1, tolerance: 1e-5 });
    for (let part = 0; part < folds; part++) {
      throwIfCancelled(job);
      const rows = labels.map((_, row) => row);
      const training = rows.filter(row => fold[row] !== part);
      const held = rows.filter(row => fold[row] === part);
      if (held.length === 0) continue;
      const known = { set, rows: training, labels: training.map(row => labels[row]!), classes: K };
      const fitted = await logistic.fit(known, null, settings, { signal: job.signal });
      const probabilities = await fitted.predict({ set, rows: held }, { signal: job.signal });
      fitted.dispose();
      for (const [i, row] of held.entries())
        right[row] = Number(largest(probabilities.subarray(i * K, (i + 1) * K)) === labels[row]);
    }
  } finally {
    set.close();
  }
  return { ...shares(right, labels, K), folds };
}

function countMembers(labels: Int32Array, K: number): number[] {
  const counts = new Array<number>(K).fill(0);
  for (const label of labels) counts[label]!++;
  return counts;
}

/** Members of a class go to the folds in turn, after shuffling; the turn goes on from class to class. */
function drawFolds(labels: Int32Array, K: number, seed: number): Int8Array {
  const fold = new Int8Array(labels.length);
  let turn = 0;
  for (let k = 0; k < K; k++) {
    const members = labels.map((_, row) => row).filter(row => labels[row] === k);
    for (const row of shuffle(members, seed + k)) fold[row] = turn++ % folds;
  }
  return fold;
}

function largest(values: Float32Array): number {
  return values.reduce((best, value, k) => (value > values[best]! ? k : best), 0);
}

function shares(right: Int32Array, labels: Int32Array, K: number) {
  const all = countMembers(labels, K);
  const hits = new Array<number>(K).fill(0);
  for (const [row, hit] of right.entries()) hits[labels[row]!]! += hit;
  const present = all.flatMap((count, k) => (count > 0 ? [hits[k]! / count] : []));
  const total = hits.reduce((sum, one) => sum + one, 0);
  return {
    accuracy: total / labels.length,
    balancedAccuracy: present.reduce((sum, one) => sum + one, 0) / present.length,
  };
}

/**
 * Mean silhouette (Rousseeuw 1987) of the classes in Euclidean distance, -1 to 1: (b - a) / max(a, b), a the mean
 * distance of a vector to its own class, b that to the nearest other class; 0 for the only member of a class. Null with
 * fewer than two classes. O(N^2 D) time, bounded memory.
 */
export async function measureSilhouette(
  values: Float32Array,
  D: number,
  labels: Int32Array,
  K: number,
  job: Job = {},
): Promise<number | null> {
  const members = countMembers(labels, K);
  if (members.filter(count => count > 0).length < 2) return null;
  const set = ImageSet.from(values, vectorShape(D));
  let sum = 0;
  try {
    await eachDistances(set, Int32Array.from(labels.keys()), job, (row, distances) => {
      const sums = new Float64Array(K);
      for (let j = 0; j < labels.length; j++) sums[labels[j]!]! += Math.sqrt(distances[j]!);
      sum += silhouetteOf(sums, members, labels[row]!);
    });
  } finally {
    set.close();
  }
  return sum / labels.length;
}

function silhouetteOf(sums: Float64Array, members: number[], own: number): number {
  if (members[own] === 1) return 0;
  const inside = sums[own]! / (members[own]! - 1);
  let outside = Number.POSITIVE_INFINITY;
  for (const [k, count] of members.entries())
    if (k !== own && count > 0) outside = Math.min(outside, sums[k]! / count);
  const most = Math.max(inside, outside);
  return most > 0 ? (outside - inside) / most : 0;
}

/** Calls `take` with the squared distances of each of some rows to all. */
async function eachDistances(
  set: ImageSet,
  rows: Int32Array,
  job: Job,
  take: (row: number, distances: Float64Array) => void,
): Promise<void> {
  const N = set.count;
  const all = Int32Array.from({ length: N }, (_, i) => i);
  const step = Math.max(1, Math.floor(2 ** 21 / N));
  const room = new Float64Array(step * N);
  for (let at = 0; at < rows.length; at += step) {
    throwIfCancelled(job);
    const part = rows.subarray(at, at + step);
    const into = room.subarray(0, part.length * N);
    await squaredDistances({ set, rows: part }, { set, rows: all }, into);
    for (const [i, row] of part.entries()) take(row, into.subarray(i * N, (i + 1) * N));
  }
}

/**
 * Trustworthiness (Venna and Kaski 2001) of a picture, N x 2: 1 - 2 / (n k (2 N - 3 k - 1)) times the sum, over n
 * cells and those of their k neighbours in the picture that are not among their k nearest vectors, of how far beyond
 * rank k they are. 1: every neighbour in the picture is one. `rows`: the n cells it is measured on. k below N / 2.
 */
export async function measureTrustworthiness(
  values: Float32Array,
  D: number,
  picture: Float32Array,
  k: number,
  rows: Int32Array,
  job: Job = {},
): Promise<number> {
  const N = picture.length / 2;
  const [set, drawn] = [ImageSet.from(values, vectorShape(D)), ImageSet.from(picture, vectorShape(2))];
  let beyond = 0;
  let at = 0;
  try {
    const all = Int32Array.from({ length: N }, (_, i) => i);
    const { places } = await findNeighbours({ set: drawn, rows: all }, { set: drawn, rows }, k + 1, job);
    await eachDistances(set, rows, job, (row, distances) => {
      const near = [...places.subarray(at * (k + 1), ++at * (k + 1))]
        .filter(place => place !== row)
        .slice(0, k);
      for (const rank of ranksOf(near, row, distances)) beyond += Math.max(0, rank - k);
    });
  } finally {
    set.close();
    drawn.close();
  }
  return 1 - (2 / (rows.length * k * (2 * N - 3 * k - 1))) * beyond;
}

/** Ranks of some vectors by their distance, 1 the nearest but for `row` itself; of equal ones the first comes first. */
function ranksOf(near: number[], row: number, distances: Float64Array): number[] {
  const ranks = near.map(() => 1);
  const farthest = Math.max(...near.map(place => distances[place]!));
  for (let j = 0; j < distances.length; j++) {
    const distance = distances[j]!;
    if (distance > farthest || j === row) continue;
    for (let n = 0; n < near.length; n++) {
      const other = distances[near[n]!]!;
      if (distance < other || (distance === other && j < near[n]!)) ranks[n]!++;
    }
  }
  return ranks;
}
