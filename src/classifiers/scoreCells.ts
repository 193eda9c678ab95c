// N cells, D numbers a vector.
import type { ImageSet } from '../engine/imageSet.ts';
import type { Job } from '../job.ts';
import type { LoadedClassifier } from './classifier.ts';
import { createFeatures } from './features.ts';
import { scoreUnknown, type UnknownScore } from './unknownScorer.ts';

/** How unlike every known class rows of an image set are (N), by what a calibrated classifier keeps for it. */
export async function scoreCells(
  classifier: LoadedClassifier,
  cells: { images: ImageSet; rows: Int32Array },
  job: Job = {},
): Promise<Float32Array> {
  const { scorer } = classifier.calibration!.unknown;
  return scoreUnknown(scorer, await viewCells(scorer.score, classifier, cells, job), job);
}

/** What a score looks at of rows of an image set, N x D row major. */
export async function viewCells(
  score: UnknownScore,
  classifier: LoadedClassifier,
  { images, rows }: { images: ImageSet; rows: Int32Array },
  job: Job = {},
): Promise<Float32Array> {
  if (score !== 'likelihoodRatio') return classifier.embed(images, rows, job);
  const { preparation, pixelType } = classifier;
  const features = createFeatures({ shape: images.shape, preparation, pixelType });
  const { values, release } = await features.vectors(images, rows, { signal: job.signal });
  release();
  return values!;
}
