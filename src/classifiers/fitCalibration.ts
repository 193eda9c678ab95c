// n validation cells, R references, K classes, D numbers an embedding.
import type { ImageSet } from '../engine/imageSet.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import type { Calibration } from './calibration.ts';
import type { LoadedClassifier, Look } from './classifier.ts';
import { scoreForSets } from './conformal.ts';
import { applyTemperature, fitTemperature, logLoss } from './temperature.ts';
import { countReferences, fitUnknown, mostReferences, scoreUnknown, spreadPlaces } from './unknownScorer.ts';

/** Cells of an image set, and their classes. */
export interface LabelledCells {
  rows: Int32Array;
  labels: Int32Array;
}

/** Validation cells, and what the classifier makes of them where that is known already, n x K and n x D. */
export interface ValidationCells extends LabelledCells {
  look?: Look | null;
}

/** Most validation cells that are looked at: what bounds time. */
const mostCells = 20_000;
const chunk = 1024;

/**
 * What a classifier that has none yet knows of how far it can be believed: temperature, scores for prediction sets and
 * scores of cells unlike any class, learnt on up to 20,000 validation cells, and on up to 4,096 training cells that say what
 * known cells look like. There must be at least one of each. The same cells give the same result.
 */
export async function fitCalibration(
  classifier: LoadedClassifier,
  images: ImageSet,
  cells: { training: LabelledCells; validation: ValidationCells },
  job: Job = {},
): Promise<Calibration> {
  const [K, D] = [classifier.classes.length, classifier.dimensions];
  const { rows, labels, places } = some(cells.validation, K, mostCells);
  const probabilities = new Float32Array(rows.length * K);
  const references = some(cells.training, K, Math.min(mostReferences, countReferences(D)));
  const total = rows.length + references.rows.length;
  const embeddings = await embedAll(classifier, images, references.rows, { ...job, total, done: 0 });
  const scorer = fitUnknown({ embeddings, labels: references.labels, dimensions: D });
  const scores = new Float32Array(rows.length);
  for (let at = 0; at < rows.length; at += chunk) {
    throwIfCancelled(job);
    const part = rows.subarray(at, at + chunk);
    const look = cells.validation.look
      ? cut(cells.validation.look, places.subarray(at, at + chunk), { K, D })
      : await classifier.look(images, part, { signal: job.signal });
    probabilities.set(look.probabilities, at * K);
    scores.set(await scoreUnknown(scorer, look.embeddings, job), at);
    report(job, references.rows.length + at + part.length, total);
  }
  const before = logLoss(labels, probabilities, K);
  const temperature = fitTemperature(labels, probabilities, K);
  applyTemperature(probabilities, K, temperature);
  return {
    ...{ temperature, cells: rows.length, sets: scoreForSets(labels, probabilities, K) },
    logLoss: { before, after: logLoss(labels, probabilities, K) },
    unknown: { scorer, scores: scores.sort() },
  };
}

function some(
  { rows, labels }: LabelledCells,
  K: number,
  most: number,
): LabelledCells & { places: Int32Array } {
  const places = spreadPlaces(labels, K, most);
  return { rows: places.map(i => rows[i]!), labels: places.map(i => labels[i]!), places };
}

function cut(
  { probabilities, embeddings }: Look,
  places: Int32Array,
  { K, D }: { K: number; D: number },
): Look {
  const take = (values: Float32Array, width: number) => {
    const taken = new Float32Array(places.length * width);
    places.forEach((from, to) => {
      taken.set(values.subarray(from * width, (from + 1) * width), to * width);
    });
    return taken;
  };
  return { probabilities: take(probabilities, K), embeddings: take(embeddings, D) };
}

async function embedAll(
  classifier: LoadedClassifier,
  images: ImageSet,
  rows: Int32Array,
  job: Job & { total: number; done: number },
): Promise<Float32Array> {
  const D = classifier.dimensions;
  const embeddings = new Float32Array(rows.length * D);
  for (let at = 0; at < rows.length; at += chunk) {
    throwIfCancelled(job);
    const part = rows.subarray(at, at + chunk);
    embeddings.set(await classifier.embed(images, part, { signal: job.signal }), at * D);
    report(job, at + part.length, job.total);
  }
  return embeddings;
}

function report(job: Job, done: number, total: number): void {
  job.onProgress?.({ stage: 'calibrating', done, total, unit: 'images' });
}
