// n calibration cells, K classes.
import { createReadStream } from 'node:fs';
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { featureCount } from '../engine/features.ts';
import { BrightcellError } from '../errors.ts';
import { featuresVersion } from '../features/definitions.ts';
import { corruptModel, parseDescription } from '../models/modelFiles.ts';
import { readSafetensors, writeSafetensors } from '../models/safetensors.ts';
import { writeWholeFile } from '../wholeFile.ts';
import type { ConformalScores } from './conformal.ts';
import {
  describeScorer,
  readScorer,
  type ScorerDescription,
  scorerSchema,
  type TakeTensor,
  tensorsOf,
} from './savedScorer.ts';
import type { UnknownScorer } from './unknownScorer.ts';

/** What a model knows of how far it can be believed, learnt on the validation part after its training. */
export interface Calibration {
  /** What its probabilities are scaled by. */
  temperature: number;
  /** n: validation cells it was learnt on. */
  cells: number;
  /** Of those cells, before scaling and after. */
  logLoss: { before: number; after: number };
  /** Of those cells, for prediction sets. */
  sets: ConformalScores;
  /** How unlike a known class a cell is, and the scores of those cells or some of them, ascending. */
  unknown: { scorer: UnknownScorer; scores: Float32Array };
}

/** 1 had a score for each of the cells, and none of `likelihoodRatio`; it is read as well. */
const formatVersion = 2;
const jsonName = 'calibration.json';
const tensorsName = 'calibration.safetensors';

/**
 * Writes a calibration beside a model, in place of one that stands there. `calibration.json` comes last and names the
 * checksums of the model and of the data, so a reader never takes half of one, nor one of other weights. Throws `disk-full`.
 */
export async function writeCalibration(folder: string, calibration: Calibration): Promise<void> {
  await removeCalibration(folder);
  const { temperature, cells, logLoss, sets, unknown } = calibration;
  await writeSafetensors(join(folder, tensorsName), [
    { name: 'sets.scores', shape: [cells], data: sets.scores },
    { name: 'sets.labels', shape: [cells], data: Float32Array.from(sets.labels) },
    ...(sets.adaptive ? [{ name: 'sets.adaptive', shape: [cells], data: sets.adaptive }] : []),
    { name: 'unknown.scores', shape: [unknown.scores.length], data: unknown.scores },
    ...tensorsOf(unknown.scorer),
  ]);
  const description = {
    ...{ formatVersion, temperature, cells, logLoss, unknown: describeScorer(unknown.scorer) },
    scored: unknown.scores.length,
    ...{ model: await checksumModel(folder), data: await checksum(join(folder, tensorsName)) },
  };
  await writeWholeFile(join(folder, jsonName), `${JSON.stringify(description, null, 2)}\n`);
}

/** Takes a calibration away, before the model beside it changes. */
export async function removeCalibration(folder: string): Promise<void> {
  for (const name of [jsonName, tensorsName]) await rm(join(folder, name), { force: true });
}

const finite = z.number().min(0).max(1e6);
const schema = z.object({
  formatVersion: z.int().min(1).max(formatVersion),
  temperature: z.number().min(0.01).max(100),
  cells: z.int().min(1).max(1_000_000),
  logLoss: z.object({ before: finite, after: finite }),
  unknown: scorerSchema,
  scored: z.int().min(1).max(1_000_000).optional(),
  model: z.int().min(0),
  data: z.int().min(0),
});

/**
 * The calibration of a model of K classes; null where it has none. Every size, label and number is checked before use, and
 * that it was learnt with this very model. Throws `model-corrupt`, `model-newer`.
 */
export async function maybeReadCalibration(folder: string, model: ModelSizes): Promise<Calibration | null> {
  const K = model.classes;
  const path = join(folder, jsonName);
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return null;
  const parsed = schema.safeParse(parseDescription(text, path, formatVersion));
  if (!parsed.success) {
    const { path: place, message } = parsed.error.issues[0]!;
    throw corruptModel(path, `"${place.join('.')}": ${message}`);
  }
  const { unknown, cells, scored = cells, temperature, logLoss, model: ofModel, data } = parsed.data;
  checkView(path, unknown, model);
  if (ofModel !== (await checksumModel(folder))) throw corruptModel(path, 'it was learnt with another model');
  if (data !== (await checksum(join(folder, tensorsName)).catch(() => -1))) {
    throw corruptModel(join(folder, tensorsName), 'its bytes do not match the checksum written with them');
  }
  const take = await readTensors(join(folder, tensorsName));
  const labels = Int32Array.from(take('sets.labels', [cells]));
  if (labels.some(label => label < 0 || label >= K)) throw corruptModel(path, `a label is not below ${K}`);
  const adaptive = take.has('sets.adaptive') ? take('sets.adaptive', [cells]) : null;
  return {
    ...{ temperature, cells, logLoss, sets: { labels, scores: take('sets.scores', [cells]), adaptive } },
    unknown: { scorer: readScorer(unknown, take), scores: take('unknown.scores', [scored]).sort() },
  };
}

/** What must fit between a model and its calibration. */
export interface ModelSizes {
  classes: number;
  /** Numbers of an embedding. */
  dimensions: number;
  /** Of an image. */
  channels: number;
}

/** Throws where a scorer looks at something else than what this model and this version give it. */
function checkView(path: string, unknown: ScorerDescription, { channels, dimensions }: ModelSizes): void {
  if (unknown.score !== 'likelihoodRatio') {
    if (unknown.dimensions === dimensions) return;
    throw corruptModel(
      path,
      `it is of embeddings of ${unknown.dimensions} numbers, and the model's have ${dimensions}`,
    );
  }
  if (unknown.features !== featuresVersion) throw otherFeatures(path, unknown.features);
  if (unknown.dimensions !== featureCount(channels)) {
    throw corruptModel(
      path,
      `it is of ${unknown.dimensions} features, and images of ${channels} channels have ${featureCount(channels)}`,
    );
  }
}

function otherFeatures(path: string, version: number): BrightcellError {
  const newer = version > featuresVersion;
  return new BrightcellError(
    newer ? 'model-newer' : 'model-corrupt',
    `${path} must have learnt from features of version ${featuresVersion}. Received ${version}. ` +
      (newer
        ? 'Update brightcell.'
        : 'Remove it and calibrate the model again: brightcell train DATASET --resume RUN.'),
    { fields: { path } },
  );
}

/** Gives tensors by name; each must have the shape wanted and hold finite numbers. */
async function readTensors(path: string) {
  const { tensors } = await readSafetensors(path);
  const take: TakeTensor = (name, shape, numbers) => {
    const found = tensors.find(tensor => tensor.name === name);
    if (!found || found.shape.join() !== shape.join()) {
      throw corruptModel(path, `it must hold "${name}" of ${shape.join(' x ')} numbers`);
    }
    if (!found.data.every(Number.isFinite))
      throw corruptModel(path, `"${name}" holds a number that is not finite`);
    if (numbers === 'positive' && !found.data.every(value => value > 0))
      throw corruptModel(path, `"${name}" holds a number that is not above 0`);
    return found.data;
  };
  return Object.assign(take, { has: (name: string) => tensors.some(tensor => tensor.name === name) });
}

/** Checksum of what a model's description says, however it is set out, and of a network's weights. */
async function checksumModel(folder: string): Promise<number> {
  let sum = 0;
  for (const name of ['network.json', 'classifier.json']) {
    const text = await readFile(join(folder, name), 'utf8').catch(() => undefined);
    if (text !== undefined) sum = crc32(JSON.stringify(parseDescription(text, join(folder, name), 1)), sum);
  }
  const weights = join(folder, 'weights.safetensors');
  return (await stat(weights).catch(() => undefined)) ? checksum(weights, sum) : sum;
}

async function checksum(path: string, before = 0): Promise<number> {
  let sum = before;
  for await (const bytes of createReadStream(path, { highWaterMark: 1 << 20 })) sum = crc32(bytes, sum);
  return sum;
}
