// n validation cells, R references, K classes, D numbers an embedding.
import type { ImageSet } from '../engine/imageSet.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import type { Calibration } from './calibration.ts';
import type { LoadedClassifier } from './classifier.ts';
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

/** Validation cells, and the probabilities that the classifier gives them where these are known already, n x K. */
export interface ValidationCells extends LabelledCells {
  probabilities?: Float32Array | null;
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
  const known = cells.validation.probabilities;
  const work = planScores(classifier, images, cells);
  const total = work.references.rows.length + work.scored.rows.length + (known ? 0 : rows.length);
  let done = 0;
  const inChunks: InChunks = async (list, look) => {
    const parts: Float32Array[] = [];
    for (let at = 0; at < list.length; at += chunk) {
      throwIfCancelled(job);
      const part = list.subarray(at, at + chunk);
      parts.push(await look(part, { signal: job.signal }));
      done += part.length;
      job.onProgress?.({ stage: 'calibrating', done, total, unit: 'images' });
    }
    return join(parts);
  };
  const unknown = await fitScores(work, images, inChunks, { signal: job.signal });
  const probabilities = known
    ? cut(known, places, K)
    : await inChunks(rows, (part, own) => classifier.predict(images, part, own));
  const before = logLoss(labels, probabilities, K);
  const temperature = fitTemperature(labels, probabilities, K);
  applyTemperature(probabilities, K, temperature);
  return {
    ...{ temperature, cells: rows.length, sets: scoreForSets(labels, probabilities, K) },
    logLoss: { before, after: logLoss(labels, probabilities, K) },
    unknown,
  };
}

/** What a look at rows gives, a chunk at a time, one after another. */
type InChunks = (
  rows: Int32Array,
  look: (part: Int32Array, job: Job) => Promise<Float32Array>,
) => Promise<Float32Array>;

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
  inChunks: InChunks,
  job: Job,
): Promise<Calibration['unknown']> {
  const view = (rows: Int32Array) =>
    inChunks(rows, (part, own) => viewCells(score, classifier, { images, rows: part }, own));
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
