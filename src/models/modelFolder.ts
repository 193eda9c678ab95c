import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { PixelType } from '../engine/imageSet.ts';
import type { NetworkSpec } from '../engine/networkSpec.ts';
import type { NamedTensor } from '../engine/networkState.ts';
import { type Normalisation, normalisations } from '../engine/normalisation.ts';
import type { Preparation } from '../engine/prepare.ts';
import { BrightcellError } from '../errors.ts';
import { writeWholeFile } from '../wholeFile.ts';
import { corruptModel, parseDescription, placeModel } from './modelFiles.ts';
import { completeNetwork, parseNetwork } from './readNetwork.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';

export const modelFormatVersion = 1;

/** `network.json`: all that turns a raw image into probabilities, but the weights. */
export interface ModelDescription {
  formatVersion: number;
  kind: 'cnn';
  classes: string[];
  /** How raw images become stored ones. */
  preparation: Preparation;
  /** Pixel type that the network was trained on. */
  pixelType: Exclude<PixelType, 'float32'>;
  /** How stored images become the network's input. */
  normalisation: Normalisation;
  network: NetworkSpec;
}

/**
 * Writes `network.json` and `weights.safetensors`; a reader never sees half a model. A folder that holds the same
 * description gets new weights; throws `model-exists` where anything else stands, and `disk-full`.
 */
export async function saveModel(
  folder: string,
  description: ModelDescription,
  weights: readonly NamedTensor[],
): Promise<void> {
  const text = describe(description);
  const metadata = metadataOf(weights);
  const present = await readFile(join(folder, 'network.json'), 'utf8').catch(() => undefined);
  if (present === text) return writeSafetensors(join(folder, 'weights.safetensors'), weights, metadata);
  await placeModel(folder, temporary => writeModelFiles(temporary, description, weights));
}

/** The same two files in a folder that the caller writes whole or not at all: part of a larger model. */
export async function writeModelFiles(
  folder: string,
  description: ModelDescription,
  weights: readonly NamedTensor[],
): Promise<void> {
  await writeSafetensors(join(folder, 'weights.safetensors'), weights, metadataOf(weights));
  await writeWholeFile(join(folder, 'network.json'), describe(description));
}

function describe(description: ModelDescription): string {
  return `${JSON.stringify(description, null, 2)}\n`;
}

function metadataOf(weights: readonly NamedTensor[]): Record<string, string> {
  return { format: 'brightcell', sha256: digest(weights) };
}

/**
 * Reads a model folder: description and weights, checked against each other's format and checksum. Throws
 * `model-missing`, `model-newer`, `model-corrupt`.
 */
export async function readModel(
  folder: string,
): Promise<{ description: ModelDescription; weights: NamedTensor[] }> {
  const description = await readDescription(folder);
  const path = join(folder, 'weights.safetensors');
  const { tensors, metadata } = await readSafetensors(path);
  if (metadata.sha256 !== undefined && metadata.sha256 !== digest(tensors)) {
    throw corruptModel(path, 'its numbers do not match the checksum written with them');
  }
  return { description, weights: tensors };
}

function digest(tensors: readonly NamedTensor[]): string {
  const hash = createHash('sha256');
  for (const { data } of tensors) hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return hash.digest('hex');
}

async function readDescription(folder: string): Promise<ModelDescription> {
  const path = join(folder, 'network.json');
  const text = await readFile(path, 'utf8').catch(cause => {
    throw new BrightcellError(
      'model-missing',
      `There is no model at ${folder}: no network.json. Give a run folder or the model folder in it.`,
      { cause, fields: { path } },
    );
  });
  return checkDescription(parseDescription(text, path, modelFormatVersion), path);
}

const schema = z.object({
  formatVersion: z.literal(modelFormatVersion),
  kind: z.literal('cnn'),
  classes: z.array(z.string()).min(2),
  preparation: z.object({
    height: z.int().min(1),
    width: z.int().min(1),
    channels: z.union([z.literal('gray'), z.array(z.int().min(0)).min(1)]),
    fit: z.enum(['stretch', 'pad', 'centre']),
  }),
  pixelType: z.enum(['uint8', 'uint16']),
  normalisation: z.enum(normalisations),
  network: z.object({
    name: z.string(),
    input: z.object({ channels: z.int(), height: z.int(), width: z.int() }),
    layers: z.array(z.unknown()),
    decoder: z.unknown().optional(),
  }),
});

function checkDescription(value: unknown, path: string): ModelDescription {
  const result = schema.safeParse(value);
  if (!result.success) {
    const { path: place, message } = result.error.issues[0]!;
    throw corruptModel(path, `"${place.join('.')}": ${message}`);
  }
  const { network, ...rest } = result.data;
  try {
    const spec = completeNetwork(parseNetwork(network, path), network.input, rest.classes.length, path);
    return { ...rest, network: spec };
  } catch (cause) {
    throw corruptModel(path, (cause as Error).message);
  }
}
