// N queries, R references, D numbers a vector.
import { BrightcellError } from '../errors.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { addon } from './addon.ts';
import { checkComparable, refuseComparison, type SetRows, vectorLength } from './distances.ts';
import { ImageSet, type Pixels } from './imageSet.ts';

/** The k nearest references of N queries. */
export interface Neighbours {
  k: number;
  /** N x k places in the list of references, nearest first; of equal distances the lower place comes first. */
  places: Int32Array;
  /** N x k squared Euclidean distances. */
  squaredDistances: Float64Array;
}

/** What bounds memory: numbers of the queries packed at once (16 to 64 MB), their count and that of their neighbours. */
const queryNumbers = 2 ** 24;
const mostQueries = 4096;
const mostNeighbours = 2 ** 22;
/** Multiply-adds between two looks at the signal: a few tenths of a second on one slow core. */
const stepProducts = 2 ** 35;

/**
 * The k nearest references of each query, exact (see `squaredDistances`). References are read where they are mapped,
 * once for every few thousand queries; memory beyond the result (12 N k bytes) does not depend on N or R. The same
 * result on any number of threads. Throws `option-invalid` for k below 1 or above R and as `squaredDistances` does,
 * `cancelled`.
 */
export async function findNeighbours(
  references: SetRows,
  queries: SetRows,
  k: number,
  job: Job = {},
): Promise<Neighbours> {
  checkComparable(queries, references);
  checkCount(k, references.rows.length);
  const N = queries.rows.length;
  const result = { k, places: new Int32Array(N * k), squaredDistances: new Float64Array(N * k) };
  const D = vectorLength(references.set);
  const chunk = Math.max(
    1,
    Math.min(mostQueries, Math.floor(queryNumbers / D), Math.floor(mostNeighbours / k)),
  );
  for (let at = 0; at < N; at += chunk) {
    const rows = queries.rows.subarray(at, at + chunk);
    const report = (share: number) => {
      const done = at + Math.floor(rows.length * share);
      job.onProgress?.({ stage: 'comparing', done, total: N, unit: 'cells' });
    };
    const search = new addon.NearestNeighbours(k);
    throwIfCancelled(job);
    await search.start(queries.set, rows).catch(refuseComparison);
    await compareAll(search, references, rows.length * D, job, report);
    search.write(
      result.places.subarray(at * k, (at + rows.length) * k),
      result.squaredDistances.subarray(at * k, (at + rows.length) * k),
    );
  }
  return result;
}

/** Those of one vector, at once and on the calling thread; the same result. Throws as `findNeighbours` does. */
export function findNeighboursOf(references: SetRows, vector: Pixels, k: number): Neighbours {
  checkOne(vector, vectorLength(references.set));
  checkComparable({ set: ImageSet.from(vector, references.set.shape), rows: Int32Array.of(0) }, references);
  checkCount(k, references.rows.length);
  const result = { k, places: new Int32Array(k), squaredDistances: new Float64Array(k) };
  try {
    addon.neighboursOf(vector, references.set, references.rows, result.places, result.squaredDistances);
  } catch (error) {
    refuseComparison(error as Error);
  }
  return result;
}

// biome-ignore lint/suspicious/noExplicitAny: the addon's own object.
type NativeSearch = any;

async function compareAll(
  search: NativeSearch,
  { set, rows }: SetRows,
  numbers: number,
  job: Job,
  report: (share: number) => void,
): Promise<void> {
  const step = Math.max(256, Math.floor(stepProducts / numbers));
  for (let at = 0; at < rows.length; at += step) {
    throwIfCancelled(job);
    await search.add(set, rows.subarray(at, at + step), at).catch(refuseComparison);
    report(Math.min(1, (at + step) / rows.length));
  }
}

function checkOne(vector: Pixels, length: number): void {
  if (vector.length === length) return;
  throw new BrightcellError(
    'option-invalid',
    `A vector to compare must have ${length} numbers, as the references. Received ${vector.length}.`,
  );
}

function checkCount(k: number, references: number): void {
  if (Number.isInteger(k) && k >= 1 && k <= references) return;
  throw new BrightcellError(
    'option-invalid',
    `k must be a whole number from 1 to the number of reference vectors, ${references}. Received ${String(k)}. ` +
      'Take a smaller k or more references.',
  );
}
