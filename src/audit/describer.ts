// N images, D numbers of each.
import type { LoadedClassifier } from '../classifiers/classifier.ts';
import type { ImageSet } from '../engine/imageSet.ts';
import { describeLikeness, likenessLength } from '../engine/likeness.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { orient, orientations } from './orientations.ts';

/** Numbers by which images are compared before any two are looked at together. */
export interface Describer {
  /** D. */
  length: number;
  /** N x D, row major. */
  describe(images: ImageSet, rows: Int32Array, job: Job): Promise<Float32Array>;
}

/** Angular harmonics of rings about the cell: what turning and mirroring leave alone. */
export const byRings: Describer = { length: likenessLength, describe: describeLikeness };

/** Images embedded at once. */
const chunk = 512;

/**
 * What a trained classifier makes of an image, as the mean over its orientations: mirrored, turned by quarters or both, an image
 * has the same numbers. The classifier stays the caller's.
 */
export function byEmbedding(classifier: LoadedClassifier): Describer {
  const D = classifier.dimensions;
  return {
    length: D,
    async describe(images, rows, job) {
      const ways = orientations(images.shape);
      const means = new Float32Array(rows.length * D);
      for (let at = 0; at < rows.length; at += chunk)
        for (let way = 0; way < ways; way++) {
          throwIfCancelled(job);
          const turned = orient(images, rows.subarray(at, at + chunk), way);
          try {
            const values = await classifier.embed(
              turned,
              Int32Array.from({ length: turned.count }, (_, i) => i),
              job,
            );
            for (const [i, value] of values.entries()) means[at * D + i]! += value / ways;
          } finally {
            turned.close();
          }
        }
      return means;
    },
  };
}
