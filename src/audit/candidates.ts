// N cells, k candidates of each and sieve.
import type { ImageSet } from '../engine/imageSet.ts';
import type { Job } from '../job.ts';
import type { Sieve } from './sieve.ts';

/** By what a pair was found. */
export type SieveName = 'bytes' | 'description' | 'embedding' | 'both';

/** Sieves that cells go through one after another; the description comes first. */
export type Sieves = readonly [Sieve, ...Sieve[]];

/** Candidates of each cell and sieve. */
const each = 8;

/** Which cells may be copies of which, by any sieve: 32 bytes a cell and sieve. */
export class Candidates {
  readonly #places: readonly Int32Array[];

  private constructor(places: readonly Int32Array[]) {
    this.#places = places;
  }

  static async find(sieves: Sieves, job: Job): Promise<Candidates> {
    const places: Int32Array[] = [];
    for (const sieve of sieves) places.push(await sieve.candidates(each, job));
    return new Candidates(places);
  }

  /** Numbers that `partners` gives a cell. */
  get width(): number {
    return each * this.#places.length;
  }

  /** The places to compare cells first ... first + count - 1 with, each pair once in all; -1 fills up. */
  partners(first: number, count: number): Int32Array {
    const partners = new Int32Array(count * this.width).fill(-1);
    for (let n = 0; n < count; n++) {
      const i = first + n;
      let kept = n * this.width;
      for (const [s, places] of this.#places.entries())
        for (const j of places.subarray(i * each, (i + 1) * each)) {
          // Of two that list each other the lower compares; what an earlier sieve gave stands there already.
          const again = this.#places.some((_, t) => t < s && this.#lists(t, i, j));
          const others = j < i && this.#places.some((_, t) => this.#lists(t, j, i));
          if (j >= 0 && !again && !others) partners[kept++] = j;
        }
    }
    return partners;
  }

  /** Which sieves gave a pair. */
  sieveOf(i: number, j: number): SieveName {
    const [description, embedding] = this.#places.map((_, s) => this.#lists(s, i, j) || this.#lists(s, j, i));
    return description && embedding ? 'both' : description ? 'description' : 'embedding';
  }

  #lists(sieve: number, i: number, j: number): boolean {
    const places = this.#places[sieve]!;
    for (let at = i * each; at < (i + 1) * each; at++) if (places[at] === j) return true;
    return false;
  }
}

/** For some images, which sieves have cell `own[n]` among the candidates of image n: flags, one array a sieve. */
export async function findOwn(
  sieves: Sieves,
  images: ImageSet,
  own: Int32Array,
  job: Job,
): Promise<boolean[][]> {
  const rows = Int32Array.from(own.keys());
  const flags: boolean[][] = [];
  for (const sieve of sieves) {
    const places = await sieve.nearest(images, rows, each, job);
    flags.push(Array.from(own, (j, n) => places.subarray(n * each, (n + 1) * each).includes(j)));
  }
  return flags;
}
