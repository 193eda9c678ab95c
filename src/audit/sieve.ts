// N cells, S of them sampled, D numbers a description, P bytes of it.
import type { ImageSet } from '../engine/imageSet.ts';
import { NearBytes } from '../engine/nearBytes.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { mixSeed } from '../train/seed.ts';
import { CopyMetric } from './copyMetric.ts';
import type { Describer } from './describer.ts';
import { type CopyKind, plantCopies } from './planted.ts';

/** Kinds of change that the distance is learnt from. */
const learntFrom: CopyKind[] = ['turned', 'shifted', 'noisy', 'all'];
/** Numbers described at once: 16 MB. */
const numbersAtOnce = 2 ** 22;
/** Farther apart than this share of copies is taken for no copy. */
const nearShare = 0.995;

/**
 * Which cells may be copies of which: descriptions of cells as bytes, in a metric learnt from changed copies of a sample. At
 * most 64 bytes a cell, and about as many again to search them.
 */
export class Sieve {
  readonly #describer: Describer;
  readonly #metric: CopyMetric;
  readonly #near: NearBytes;
  /** Squared distance beyond which hardly any copy lies. */
  readonly reach: number;

  private constructor(describer: Describer, metric: CopyMetric, near: NearBytes, reach: number) {
    this.#describer = describer;
    this.#metric = metric;
    this.#near = near;
    this.reach = reach;
  }

  /** Describes all of `rows`; the metric is learnt from those of `sample`, of which at least one is needed. */
  static async build(
    describer: Describer,
    images: ImageSet,
    rows: Int32Array,
    sample: Int32Array,
    seed: number,
    job: Job,
  ): Promise<Sieve> {
    const own = await describer.describe(images, sample, { signal: job.signal });
    const copies: Float32Array[] = [];
    for (const [i, kind] of learntFrom.entries())
      copies.push(await describeCopies(describer, images, sample, kind, mixSeed(seed, 6201, i), job));
    const metric = await CopyMetric.learn(own, copies, describer.length);
    const P = metric.bytes;
    const bytes = new Uint8Array(rows.length * P);
    const step = Math.max(1, Math.floor(numbersAtOnce / describer.length));
    for (let at = 0; at < rows.length; at += step) {
      throwIfCancelled(job);
      job.onProgress?.({ stage: 'describing', done: at, total: rows.length, unit: 'cells' });
      const part = rows.subarray(at, at + step);
      const values = await describer.describe(images, part, { signal: job.signal });
      bytes.set(await metric.apply(values), at * P);
    }
    const reach = measureReach(
      await metric.apply(own),
      await Promise.all(copies.map(one => metric.apply(one))),
      P,
    );
    return new Sieve(describer, metric, await NearBytes.arrange(bytes, P), reach);
  }

  /** N x k places in `rows` of each cell's nearest others, -1 where fewer are near. */
  candidates(k: number, job: Job): Promise<Int32Array> {
    return this.#near.ofEach(k, this.reach, job);
  }

  /** The same of other images. */
  async nearest(images: ImageSet, rows: Int32Array, k: number, job: Job): Promise<Int32Array> {
    const values = await this.#describer.describe(images, rows, job);
    return this.#near.of(await this.#metric.apply(values), k, this.reach, job);
  }
}

async function describeCopies(
  describer: Describer,
  images: ImageSet,
  sample: Int32Array,
  kind: CopyKind,
  seed: number,
  { signal }: Job,
): Promise<Float32Array> {
  const copies = await plantCopies(images, sample, kind, seed);
  try {
    return await describer.describe(copies, Int32Array.from(sample.keys()), { signal });
  } finally {
    copies.close();
  }
}

function measureReach(own: Uint8Array, copies: readonly Uint8Array[], P: number): number {
  const distances = copies.flatMap(copy =>
    Array.from({ length: own.length / P }, (_, s) => {
      let sum = 0;
      for (let i = s * P; i < (s + 1) * P; i++) sum += (own[i]! - copy[i]!) ** 2;
      return sum;
    }),
  );
  distances.sort((a, b) => a - b);
  return distances[Math.min(distances.length - 1, Math.floor(nearShare * distances.length))]!;
}
