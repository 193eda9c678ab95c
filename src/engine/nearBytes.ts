// N vectors of L bytes, M queries, k neighbours of each.
import { BrightcellError } from '../errors.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { addon } from './addon.ts';

/** Longest vector that can be searched for. */
export const longestNearBytes = 256;

/** Runs of 64 vectors searched between two looks at the signal: some tenths of a second. */
const runsAtOnce = 64;

// biome-ignore lint/suspicious/noExplicitAny: the addon's own object.
type NativeSearch = any;

/**
 * Very many short vectors of bytes, so arranged that the nearest few of one are found without meeting all; exact, in whole
 * numbers, the same on any number of threads. Beside the vectors about L + 12 bytes a vector.
 */
export class NearBytes {
  /** N. */
  readonly count: number;
  readonly #L: number;
  readonly #search: NativeSearch;
  readonly #runs: number;

  private constructor(count: number, L: number, search: NativeSearch, runs: number) {
    this.count = count;
    this.#L = L;
    this.#search = search;
    this.#runs = runs;
  }

  /** Of N x L bytes, which must stay as they are. Throws `option-invalid` for L outside 1 to 256 or no whole number of vectors. */
  static async arrange(vectors: Uint8Array, L: number): Promise<NearBytes> {
    if (!(Number.isInteger(L) && L >= 1 && L <= longestNearBytes))
      throw invalid(`A vector must have 1 to ${longestNearBytes} bytes. Received ${L}.`);
    checkWhole(vectors, L);
    const search: NativeSearch = new addon.NearBytes(vectors, L);
    return new NearBytes(vectors.length / L, L, search, await search.start());
  }

  /**
   * N x k places of each vector's nearest others, at a squared distance of at most `reach`: nearest first, of equal ones the lower
   * place, -1 where there are fewer. Throws `option-invalid`, `cancelled`.
   */
  async ofEach(k: number, reach: number, job: Job = {}): Promise<Int32Array> {
    checkSearch(k, reach);
    const places = new Int32Array(this.count * k).fill(-1);
    for (let run = 0; run < this.#runs; run += runsAtOnce) {
      throwIfCancelled(job);
      const done = Math.min(this.count, run * 64);
      job.onProgress?.({ stage: 'searching', done, total: this.count, unit: 'cells' });
      await this.#search.searchOwn(run, runsAtOnce, k, Math.min(reach, largest), places);
    }
    return places;
  }

  /** M x k places of the vectors nearest to M x L other bytes. Throws `option-invalid`, `cancelled`. */
  async of(queries: Uint8Array, k: number, reach: number, job: Job = {}): Promise<Int32Array> {
    checkSearch(k, reach);
    checkWhole(queries, this.#L);
    throwIfCancelled(job);
    const places = new Int32Array((queries.length / this.#L) * k).fill(-1);
    await this.#search.search(queries, k, Math.min(reach, largest), places);
    return places;
  }
}

const largest = 2 ** 31 - 1;

function checkWhole(vectors: Uint8Array, L: number): void {
  if (vectors.length % L !== 0)
    throw invalid(`Vectors of ${L} bytes are expected. Received ${vectors.length} bytes.`);
}

function checkSearch(k: number, reach: number): void {
  if (!(Number.isInteger(k) && k >= 1)) throw invalid(`k must be a whole number from 1. Received ${k}.`);
  if (!(Number.isInteger(reach) && reach >= 0))
    throw invalid(`reach must be a whole number from 0. Received ${reach}.`);
}

function invalid(message: string): BrightcellError {
  return new BrightcellError('option-invalid', message);
}
