// N cells, S of them sampled, L numbers a description.
import { vectorShape } from '../classifiers/makeVectors.ts';
import { ImageSet } from '../engine/imageSet.ts';
import { describeLikeness, likenessLength as L } from '../engine/likeness.ts';
import { findNeighbours } from '../engine/neighbours.ts';
import type { Job } from '../job.ts';
import { mixSeed } from '../train/seed.ts';
import { type CopyKind, plantCopies } from './planted.ts';

/** Which cells may be copies of which: the nearest of each by description, none farther than copies are. */
export interface Candidates {
  k: number;
  /** N x k places in the list of cells; -1 where there are fewer. */
  places: Int32Array;
}

/** Kinds of change that the distance is learnt from. */
const learntFrom: CopyKind[] = ['turned', 'shifted', 'noisy', 'all'];
const describedAtOnce = 32_768;
/** Farther apart than this share of copies is taken for no copy. */
const nearShare = 0.995;

/**
 * Descriptions of cells as bytes, in a metric learnt from changed copies of a sample: each number is scaled by how much such
 * changes move it, so that what tells cells apart counts and what a shift or noise changes does not. 64 bytes a cell.
 */
export class Sieve {
  readonly #set: ImageSet;
  readonly #scale: Scale;
  /** Squared distance beyond which hardly any copy lies. */
  readonly reach: number;

  private constructor(bytes: Uint8Array, scale: Scale, reach: number) {
    this.#set = ImageSet.from(bytes, vectorShape(L));
    this.#scale = scale;
    this.reach = reach;
  }

  /** Describes all of `rows`; the metric is learnt from those of `sample`, of which at least one is needed. */
  static async build(
    images: ImageSet,
    rows: Int32Array,
    sample: Int32Array,
    seed: number,
    job: Job,
  ): Promise<Sieve> {
    const own = await describeLikeness(images, sample, { signal: job.signal });
    const copies: Float32Array[] = [];
    for (const [i, kind] of learntFrom.entries())
      copies.push(await describeCopies(images, sample, kind, mixSeed(seed, 6201, i), job));
    const scale = learnScale(own, copies);
    const bytes = new Uint8Array(rows.length * L);
    for (let at = 0; at < rows.length; at += describedAtOnce) {
      const part = rows.subarray(at, at + describedAtOnce);
      const onProgress: Job['onProgress'] = progress =>
        job.onProgress?.({ ...progress, done: at + progress.done, total: rows.length });
      const values = await describeLikeness(images, part, { signal: job.signal, onProgress });
      bytes.set(scale.apply(values), at * L);
    }
    return new Sieve(bytes, scale, measureReach(scale.apply(own), copies.map(scale.apply)));
  }

  /** For each of the cells themselves, its nearest others. */
  async candidates(k: number, job: Job): Promise<Candidates> {
    const N = this.#set.count;
    const all = Int32Array.from({ length: N }, (_, i) => i);
    return this.#search(this.#set, all, Math.min(k + 1, N), k, job);
  }

  /** For each of other images, the nearest of the cells. */
  async nearest(images: ImageSet, rows: Int32Array, k: number, job: Job): Promise<Candidates> {
    const values = this.#scale.apply(await describeLikeness(images, rows, job));
    const set = ImageSet.from(values, vectorShape(L));
    try {
      const all = Int32Array.from(rows.keys());
      return await this.#search(set, all, Math.min(k, this.#set.count), k, job);
    } finally {
      set.close();
    }
  }

  async #search(set: ImageSet, rows: Int32Array, asked: number, k: number, job: Job): Promise<Candidates> {
    const references = { set: this.#set, rows: Int32Array.from({ length: this.#set.count }, (_, i) => i) };
    const found = await findNeighbours(references, { set, rows }, asked, job);
    const places = new Int32Array(rows.length * k).fill(-1);
    for (let i = 0; i < rows.length; i++) {
      let kept = 0;
      for (let j = 0; j < asked && kept < k; j++) {
        const place = found.places[i * asked + j]!;
        if (found.squaredDistances[i * asked + j]! > this.reach) break;
        if (set === this.#set && place === i) continue;
        places[i * k + kept++] = place;
      }
    }
    return { k, places };
  }

  close(): void {
    this.#set.close();
  }
}

async function describeCopies(
  images: ImageSet,
  sample: Int32Array,
  kind: CopyKind,
  seed: number,
  { signal }: Job,
): Promise<Float32Array> {
  const copies = await plantCopies(images, sample, kind, seed);
  try {
    return await describeLikeness(copies, Int32Array.from(sample.keys()), { signal });
  } finally {
    copies.close();
  }
}

interface Scale {
  /** Descriptions as bytes. */
  apply(values: Float32Array): Uint8Array;
}

/** Deviations of the widest number that bytes hold to either side. */
const held = 3;

function learnScale(own: Float32Array, copies: readonly Float32Array[]): Scale {
  const S = own.length / L;
  const means = new Float64Array(L);
  for (let i = 0; i < own.length; i++) means[i % L]! += own[i]! / S;
  const within = new Float64Array(L);
  const between = new Float64Array(L);
  for (let i = 0; i < own.length; i++) {
    between[i % L]! += (own[i]! - means[i % L]!) ** 2 / S;
    for (const copy of copies) within[i % L]! += (copy[i]! - own[i]!) ** 2 / (S * copies.length);
  }
  // A number that no change moves must not count without bounds: at most as if moved by a twentieth of its spread.
  const weights = within.map((moved, c) => {
    const least = Math.max(moved, between[c]! / 400);
    return least > 0 ? 1 / Math.sqrt(least) : 0;
  });
  const widest = Math.max(...weights.map((weight, c) => weight * Math.sqrt(between[c]!)));
  const factor = widest > 0 ? 127 / (held * widest) : 0;
  return {
    apply(values) {
      const bytes = new Uint8Array(values.length);
      for (let i = 0; i < values.length; i++) {
        const value = 128 + (values[i]! - means[i % L]!) * weights[i % L]! * factor;
        bytes[i] = Math.max(0, Math.min(255, Math.round(value)));
      }
      return bytes;
    },
  };
}

function measureReach(own: Uint8Array, copies: readonly Uint8Array[]): number {
  const distances = copies.flatMap(copy =>
    Array.from({ length: own.length / L }, (_, s) => {
      let sum = 0;
      for (let i = s * L; i < (s + 1) * L; i++) sum += (own[i]! - copy[i]!) ** 2;
      return sum;
    }),
  );
  distances.sort((a, b) => a - b);
  return distances[Math.min(distances.length - 1, Math.floor(nearShare * distances.length))]!;
}
