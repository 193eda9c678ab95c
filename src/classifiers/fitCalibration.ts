// n validation cells, R references, K classes, D numbers an embedding.
import type { ImageSet } from '../engine/imageSet.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import type { Calibration } from './calibration.ts';
import type { LoadedClassifier, Look } from './classifier.ts';
import { scoreForSets } from './conformal.ts';
import { viewCells } from './scoreCells.ts';
import { applyTemperature, fitTemperature, logLoss } from './temperature.ts';
import {
  chooseScore,
  countReferences,
  fitUnknown,
  mostScored,
  scoreUnknown,
  spreadPlaces,
  type UnknownScore,
} from './unknownScorer.ts';

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
 * scores of cells unlike any class, learnt on up to 20,000 validation cells (the scores on up to 4,096 of them), and on up to
 * 4,096 training cells that say what known cells look like. There must be at least one of each. The same cells give the same result.
 */
export async function fitCalibration(
  classifier: LoadedClassifier,
  images: ImageSet,
  cells: { training: LabelledCells; validation: ValidationCells },
  job: Job = {},
): Promise<Calibration> {
  const K = classifier.classes.length;
  const { rows, labels, places } = some(cells.validation, K, mostCells);
  const work = planScores(classifier, images, cells);
  const looks = work.references.rows.length + work.scored.rows.length;
  const total = looks + rows.length;
  const unknown = await fitScores(work, images, { signal: job.signal }, done => report(job, done, total));
  const probabilities = new Float32Array(rows.length * K);
  for (let at = 0; at < rows.length; at += chunk) {
    throwIfCancelled(job);
    const part = rows.subarray(at, at + chunk);
    const known = cells.validation.look?.probabilities;
    probabilities.set(
      known
        ? cut(known, places.subarray(at, at + chunk), K)
        : await classifier.predict(images, part, { signal: job.signal }),
      at * K,
    );
    report(job, looks + at + part.length, total);
  }
  const before = logLoss(labels, probabilities, K);
  const temperature = fitTemperature(labels, probabilities, K);
  applyTemperature(probabilities, K, temperature);
  return {
    ...{ temperature, cells: rows.length, sets: scoreForSets(labels, probabilities, K) },
    logLoss: { before, after: logLoss(labels, probabilities, K) },
    unknown,
  };
}

interface ScoreWork {
  classifier: LoadedClassifier;
  score: UnknownScore;
  references: LabelledCells;
  scored: LabelledCells;
}

function planScores(
  classifier: LoadedClassifier,
  images: ImageSet,
  cells: { training: LabelledCells; validation: LabelledCells },
): ScoreWork {
  const K = classifier.classes.length;
  const score = chooseScore(images.shape.channels, classifier.dimensions);
  return {
    ...{ classifier, score },
    references: some(cells.training, K, countReferences(score, classifier.dimensions)),
    scored: some(cells.validation, K, mostScored),
  };
}

/** What says how unlike any class a cell is, of training cells, and its scores of validation cells, ascending. */
async function fitScores(
  { classifier, score, references, scored }: ScoreWork,
  images: ImageSet,
  job: Job,
  report: (done: number) => void,
): Promise<Calibration['unknown']> {
  let done = 0;
  const view = async (rows: Int32Array) => {
    const parts: Float32Array[] = [];
    for (let at = 0; at < rows.length; at += chunk) {
      throwIfCancelled(job);
      const part = rows.subarray(at, at + chunk);
      parts.push(await viewCells(score, classifier, { images, rows: part }, job));
      report((done += part.length));
    }
    return join(parts);
  };
  const embeddings = await view(references.rows);
  const dimensions = embeddings.length / references.rows.length;
  const scorer = fitUnknown({ embeddings, labels: references.labels, dimensions }, score);
  const scores = await scoreUnknown(scorer, await view(scored.rows), job);
  return { scorer, scores: scores.sort() };
}

function some(
  { rows, labels }: LabelledCells,
  K: number,
  most: number,
): LabelledCells & { places: Int32Array } {
  const places = spreadPlaces(labels, K, most);
  return { rows: places.map(i => rows[i]!), labels: places.map(i => labels[i]!), places };
}

/** Rows of width numbers, at places of a list of them. */
function cut(values: Float32Array, places: Int32Array, width: number): Float32Array {
  const taken = new Float32Array(places.length * width);
  places.forEach((from, to) => {
    taken.set(values.subarray(from * width, (from + 1) * width), to * width);
  });
  return taken;
}

function join(parts: Float32Array[]): Float32Array {
  const joined = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function report(job: Job, done: number, total: number): void {
  job.onProgress?.({ stage: 'calibrating', done, total, unit: 'images' });
}
