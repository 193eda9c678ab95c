// N cells, k candidates of each.
import type { Dataset } from '../dataset/dataset.ts';
import { findDuplicates } from '../dataset/duplicates.ts';
import type { CellTable } from '../dataset/format.ts';
import type { ImageSet } from '../engine/imageSet.ts';
import { alignPairs } from '../engine/likeness.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { mixSeed, shuffle } from '../train/seed.ts';
import { type CopyKind, copyKinds, plantCopies } from './planted.ts';
import { Sieve } from './sieve.ts';
import { Sets } from './unite.ts';

/** Two cells of which one is a copy of the other; `a` and `b` are positions in the table, a < b. */
export interface CopyPair {
  a: number;
  b: number;
  /** Same stored bytes. */
  exact: boolean;
  /** See `Alignments`; 1 and 0 for exact ones. */
  correlation: number;
  detail: number;
  residual: number;
  /** How the one must be changed to fit on the other. */
  degrees: number;
  mirrored: boolean;
  shift: number;
}

/** How many of changed copies, planted by us among the very cells, were found. */
export interface CopyRecall {
  kind: CopyKind;
  planted: number;
  /** By the description alone. */
  near: number;
  found: number;
}

export interface Copies {
  pairs: CopyPair[];
  /** Positions of each set of two or more, joined by pairs. */
  groups: number[][];
  recall: CopyRecall[];
  /** Pairs that were aligned. */
  compared: number;
}

/** What two images must have in common to be taken for one cell; chosen by false alarms: docs/leaks.md. */
export const copyLimits = {
  ...{ correlation: 0.97, detail: 0.985, noisyDetail: 0.7, noise: 1.4 },
  ...{ closeCorrelation: 0.992, closeNoise: 4 },
};

/**
 * Whether one image is a copy of the other: both correlate, and either they differ by no more than their own noise, or what is
 * not the same all around the cell correlates and the whole closely. Smooth round cells correlate, but not in such detail.
 */
export function isCopy(correlation: number, detail: number, residual: number): boolean {
  if (!(correlation >= copyLimits.correlation)) return false;
  if (detail >= copyLimits.noisyDetail && residual <= copyLimits.noise) return true;
  const close = correlation >= copyLimits.closeCorrelation || residual <= copyLimits.closeNoise;
  return close && detail >= copyLimits.detail;
}

const candidatesEach = 8;
/** Copies whose rings agree less are missed: some 1 in 100 of those that are turned and shifted. */
const gate = 0.7;
const sampled = 512;

/**
 * Finds cells that are copies of each other: with the same bytes, or turned by any angle, mirrored, shifted, noisy, brighter
 * or of another contrast. 64 bytes of descriptions and 108 bytes of candidates a cell, whatever the size of the images.
 * The same result on any number of threads. Throws `cancelled`.
 */
export async function findCopies(
  dataset: Dataset,
  table: CellTable,
  seed: number,
  job: Job,
): Promise<Copies> {
  const place = new Map(Array.from(table.id, (id, i) => [id, i] as const));
  const exact = (await findDuplicates(dataset)).sets.map(ids => ids.map(id => place.get(id)!));
  const again = new Set(exact.flatMap(set => set.slice(1)));
  const distinct = Int32Array.from(table.id.keys()).filter(i => !again.has(i));
  const pairs = exact.flatMap(set => set.slice(1).map(i => exactPair(set[0]!, i)));
  const images = dataset.images();
  const rows = distinct.map(i => table.id[i]!);
  const sample = shuffle(distinct.slice(), mixSeed(seed, 6202)).subarray(0, sampled);
  const ids = sample.map(i => table.id[i]!);
  const sieve = await Sieve.build(images, rows, ids, seed, job);
  try {
    const near = await findNear({ images, rows, sieve }, job);
    for (const pair of near.pairs) pairs.push({ ...pair, ...ordered(distinct[pair.a]!, distinct[pair.b]!) });
    pairs.sort((p, q) => p.a - q.a || p.b - q.b);
    const sets = new Sets(table.count);
    for (const { a, b } of pairs) sets.join(a, b);
    const recall = await measureRecall({ images, rows, sieve }, ids, seed, job);
    return { pairs, groups: sets.groups(), recall, compared: near.compared };
  } finally {
    sieve.close();
  }
}

interface Search {
  images: ImageSet;
  /** Distinct images. */
  rows: Int32Array;
  sieve: Sieve;
}

const chunk = 4096;

/** Aligns each cell with its candidates, every pair once. */
async function findNear({ images, rows, sieve }: Search, job: Job) {
  const k = candidatesEach;
  const { places } = await sieve.candidates(k, job);
  const listed = (i: number, j: number) => places.subarray(i * k, (i + 1) * k).includes(j);
  const pairs: CopyPair[] = [];
  let compared = 0;
  for (let at = 0; at < rows.length; at += chunk) {
    throwIfCancelled(job);
    const part = rows.subarray(at, at + chunk);
    const partners = places.slice(at * k, (at + part.length) * k);
    for (const [n, j] of partners.entries()) {
      const i = at + Math.floor(n / k);
      // The lower of two that list each other compares.
      if (j >= 0 && j < i && listed(j, i)) partners[n] = -1;
      else if (j >= 0) {
        partners[n] = rows[j]!;
        compared++;
      }
    }
    const onProgress: Job['onProgress'] = progress =>
      job.onProgress?.({ ...progress, done: at + progress.done, total: rows.length });
    const found = await alignPairs(images, part, images, partners, gate, { signal: job.signal, onProgress });
    for (const [n, partner] of partners.entries()) {
      if (partner < 0) continue;
      const [correlation, detail, residual] = [found.correlation[n]!, found.detail[n]!, found.residual[n]!];
      if (!isCopy(correlation, detail, residual)) continue;
      pairs.push({
        ...ordered(at + Math.floor(n / k), places[at * k + n]!),
        ...{ exact: false, correlation, detail, residual, degrees: found.degrees[n]! },
        ...{ mirrored: found.mirrored[n] === 1, shift: Math.hypot(found.shiftX[n]!, found.shiftY[n]!) },
      });
    }
  }
  return { pairs, compared };
}

function exactPair(a: number, b: number): CopyPair {
  return {
    ...ordered(a, b),
    ...{ exact: true, correlation: 1, detail: 1, residual: 0, degrees: 0, mirrored: false, shift: 0 },
  };
}

function ordered(a: number, b: number): { a: number; b: number } {
  return { a: Math.min(a, b), b: Math.max(a, b) };
}

/** Plants changed copies of some cells and looks for them as for any other. */
async function measureRecall(
  { images, rows, sieve }: Search,
  sample: Int32Array,
  seed: number,
  { signal }: Job,
): Promise<CopyRecall[]> {
  const recall: CopyRecall[] = [];
  const kinds = Object.keys(copyKinds) as CopyKind[];
  for (const [i, kind] of kinds.entries()) {
    const copies = await plantCopies(images, sample, kind, mixSeed(seed, 6203, i));
    try {
      const all = Int32Array.from(sample.keys());
      const { places } = await sieve.nearest(copies, all, candidatesEach, { signal });
      const own = all.map(s => {
        const near = places.subarray(s * candidatesEach, (s + 1) * candidatesEach);
        return near.some(j => j >= 0 && rows[j] === sample[s]) ? sample[s]! : -1;
      });
      const found = await alignPairs(copies, all, images, own, gate, { signal });
      const passed = all.filter(
        s => own[s]! >= 0 && isCopy(found.correlation[s]!, found.detail[s]!, found.residual[s]!),
      );
      const near = own.filter(row => row >= 0).length;
      recall.push({ kind, planted: sample.length, near, found: passed.length });
    } finally {
      copies.close();
    }
  }
  return recall;
}
