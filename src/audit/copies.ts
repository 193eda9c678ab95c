// N cells, k candidates of each.
import type { LoadedClassifier } from '../classifiers/classifier.ts';
import type { Dataset } from '../dataset/dataset.ts';
import { findDuplicates } from '../dataset/duplicates.ts';
import type { CellTable } from '../dataset/format.ts';
import type { ImageSet } from '../engine/imageSet.ts';
import { alignPairs } from '../engine/likeness.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { mixSeed, shuffle } from '../train/seed.ts';
import { Candidates, type SieveName, type Sieves } from './candidates.ts';
import { type CopyRecall, measureRecall } from './copyRecall.ts';
import { isCopy, ringGate } from './copyRule.ts';
import { byEmbedding, byRings, type Describer } from './describer.ts';
import { Sieve } from './sieve.ts';
import { Sets } from './unite.ts';

/** Two cells of which one is a copy of the other; `a` and `b` are positions in the table, a < b. */
export interface CopyPair {
  a: number;
  b: number;
  /** Same stored bytes. */
  exact: boolean;
  /** By what it became a candidate. */
  sieve: SieveName;
  /** See `Alignments`; 1 and 0 for exact ones. */
  correlation: number;
  detail: number;
  residual: number;
  /** How the one must be changed to fit on the other. */
  degrees: number;
  mirrored: boolean;
  shift: number;
  /** How much larger the one shows the cell, from 1. */
  scale: number;
}

export interface Copies {
  pairs: CopyPair[];
  /** Positions of each set of two or more, joined by pairs. */
  groups: number[][];
  recall: CopyRecall[];
  /** Pairs that were aligned. */
  compared: number;
}

const sampled = 512;

/**
 * Finds cells that are copies of each other: with the same bytes, or turned by any angle, mirrored, shifted, noisy, brighter
 * or of another contrast. Candidates come from a description of the images and, where a classifier is given, from its embedding
 * as well. At most 64 bytes of numbers, as many to search them and 32 bytes of candidates a cell and sieve, whatever the size of
 * the images. The same result on any number of threads. Throws `cancelled`.
 */
export async function findCopies(
  dataset: Dataset,
  table: CellTable,
  seed: number,
  job: Job,
  classifier: LoadedClassifier | null = null,
): Promise<Copies> {
  const place = new Map(Array.from(table.id, (id, i) => [id, i] as const));
  const exact = (await findDuplicates(dataset)).sets.map(ids => ids.map(id => place.get(id)!));
  const again = new Set(exact.flatMap(set => set.slice(1)));
  const distinct = Int32Array.from(table.id.keys()).filter(i => !again.has(i));
  const pairs = exact.flatMap(set => set.slice(1).map(i => exactPair(set[0]!, i)));
  const images = dataset.images();
  const rows = distinct.map(i => table.id[i]!);
  const sample = shuffle(Int32Array.from(rows.keys()), mixSeed(seed, 6202)).subarray(0, sampled);
  const ids = sample.map(i => rows[i]!);
  const build = (describer: Describer) => Sieve.build(describer, images, rows, ids, seed, job);
  const sieves: Sieves = [
    await build(byRings),
    ...(classifier ? [await build(byEmbedding(classifier))] : []),
  ];
  const near = await findNear(images, rows, sieves, job);
  for (const pair of near.pairs) pairs.push({ ...pair, ...ordered(distinct[pair.a]!, distinct[pair.b]!) });
  pairs.sort((p, q) => p.a - q.a || p.b - q.b);
  const sets = new Sets(table.count);
  for (const { a, b } of pairs) sets.join(a, b);
  const recall = await measureRecall(images, rows, sample, sieves, seed, job);
  return { pairs, groups: sets.groups(), recall, compared: near.compared };
}

const chunk = 4096;

/** Aligns each cell with its candidates, every pair once; places in `rows`. */
async function findNear(images: ImageSet, rows: Int32Array, sieves: Sieves, job: Job) {
  const candidates = await Candidates.find(sieves, job);
  const k = candidates.width;
  const pairs: CopyPair[] = [];
  let compared = 0;
  for (let at = 0; at < rows.length; at += chunk) {
    throwIfCancelled(job);
    const part = rows.subarray(at, at + chunk);
    const places = candidates.partners(at, part.length);
    const partners = places.map(j => (j < 0 ? -1 : rows[j]!));
    compared += partners.reduce((sum, row) => sum + (row < 0 ? 0 : 1), 0);
    const onProgress: Job['onProgress'] = progress =>
      job.onProgress?.({ ...progress, done: at + progress.done, total: rows.length });
    const found = await alignPairs(images, part, images, partners, ringGate, {
      signal: job.signal,
      onProgress,
    });
    for (const [n, j] of places.entries()) {
      if (j < 0) continue;
      const [correlation, detail, residual] = [found.correlation[n]!, found.detail[n]!, found.residual[n]!];
      if (!isCopy(correlation, detail, residual)) continue;
      const i = at + Math.floor(n / k);
      pairs.push({
        ...ordered(i, j),
        ...{ exact: false, sieve: candidates.sieveOf(i, j), correlation, detail, residual },
        ...{ degrees: found.degrees[n]!, mirrored: found.mirrored[n] === 1 },
        shift: Math.hypot(found.shiftX[n]!, found.shiftY[n]!),
        scale: Math.max(found.scale[n]!, 1 / found.scale[n]!),
      });
    }
  }
  return { pairs, compared };
}

function exactPair(a: number, b: number): CopyPair {
  return {
    ...ordered(a, b),
    ...{ exact: true, sieve: 'bytes', correlation: 1, detail: 1, residual: 0, degrees: 0, mirrored: false },
    shift: 0,
    scale: 1,
  };
}

function ordered(a: number, b: number): { a: number; b: number } {
  return { a: Math.min(a, b), b: Math.max(a, b) };
}
