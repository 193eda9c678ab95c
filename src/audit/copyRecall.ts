// S sampled cells.
import type { ImageSet } from '../engine/imageSet.ts';
import { alignPairs } from '../engine/likeness.ts';
import type { Job } from '../job.ts';
import { mixSeed } from '../train/seed.ts';
import { findOwn, type Sieves } from './candidates.ts';
import { isCopy, ringGate } from './copyRule.ts';
import { type CopyKind, copyKinds, plantCopies } from './planted.ts';

/** How many of changed copies, planted by us among the very cells, were found. */
export interface CopyRecall {
  kind: CopyKind;
  planted: number;
  /** Candidates by the description, and of those found by any sieve how many by it. */
  near: number;
  found: number;
  /** Found because of the embedding alone; 0 without a run. */
  byEmbedding: number;
}

/** Plants changed copies of some cells, `places` of `rows`, and looks for them as for any other. */
export async function measureRecall(
  images: ImageSet,
  rows: Int32Array,
  places: Int32Array,
  sieves: Sieves,
  seed: number,
  { signal }: Job,
): Promise<CopyRecall[]> {
  const recall: CopyRecall[] = [];
  const sample = places.map(place => rows[place]!);
  const all = Int32Array.from(sample.keys());
  for (const [i, kind] of (Object.keys(copyKinds) as CopyKind[]).entries()) {
    const copies = await plantCopies(images, sample, kind, mixSeed(seed, 6203, i));
    try {
      const near = await findOwn(sieves, copies, places, { signal });
      const own = all.map(s => (near.some(flags => flags[s]) ? sample[s]! : -1));
      const found = await alignPairs(copies, all, images, own, ringGate, { signal });
      const passed = all.filter(
        s => own[s]! >= 0 && isCopy(found.correlation[s]!, found.detail[s]!, found.residual[s]!),
      );
      recall.push({
        ...{ kind, planted: sample.length, near: near[0]!.filter(Boolean).length, found: passed.length },
        byEmbedding: passed.filter(s => !near[0]![s]).length,
      });
    } finally {
      copies.close();
    }
  }
  return recall;
}
