// N images, C channels, H rows, W columns.
import { stat } from 'node:fs/promises';
import { Dataset } from '../dataset/dataset.ts';
import { ImageSet, type Pixels } from '../engine/imageSet.ts';
import { BrightcellError } from '../errors.ts';
import { prepareImages } from '../import/prepareImages.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { checkPrepared } from './checkPrepared.ts';
import type { LoadOptions } from './classifier.ts';
import { isDataset } from './classifyCells.ts';
import { listInputs } from './classifyImages.ts';
import { CnnClassifier } from './cnn.ts';
import { loadClassifier } from './loadClassifier.ts';
import { writeReconstructionSheet } from './reconstructionSheet.ts';

export interface ReconstructOptions extends LoadOptions {
  /** PNG file to write, whole or not at all: originals above, reconstructions below, a column an image. */
  out: string;
  /** Images shown, spread evenly over those given; 8 by default. */
  images?: number;
}

export interface ReconstructReport {
  out: string;
  /** `path` of a file or `DATASET#id` of a cell, in the order of the columns. */
  sources: string[];
  /** Of each image: mean over its pixels of (reconstruction - image)^2, both normalised as the network sees them. */
  meanSquaredErrors: number[];
}

/**
 * Shows what a network with a decoder, such as `liu2017`, makes of images: of files, of folders or of a data set.
 * Throws `option-invalid` for a model without a decoder, `source-invalid`, `image-unreadable`, `model-mismatch`,
 * `disk-full`, `cancelled`, and what loading a model throws.
 */
export async function reconstruct(
  model: string,
  inputs: string[],
  options: ReconstructOptions,
  job: Job = {},
): Promise<ReconstructReport> {
  const count = options.images ?? 8;
  if (!Number.isInteger(count) || count < 1 || count > 1000)
    throw new BrightcellError(
      'option-invalid',
      `images must be a whole number from 1 to 1000. Received ${count}.`,
    );
  const classifier = await loadClassifier(model, { precision: options.precision });
  try {
    if (!(classifier instanceof CnnClassifier))
      throw new BrightcellError(
        'option-invalid',
        `Only a network with a decoder can reconstruct images. The model at ${model} is not a network. ` +
          'Train one: brightcell train DATASET --model liu2017.',
      );
    const chosen = spread(await listImagesOf(classifier, inputs), count);
    const { images, sources } = await readChosen(classifier, chosen, job);
    const rows = Int32Array.from(sources.keys());
    const { normalised, reconstructed } = await classifier.reconstruct(images, rows);
    await writeReconstructionSheet(options.out, images, normalised, reconstructed);
    return {
      out: options.out,
      sources,
      meanSquaredErrors: meanSquares(rows.length, normalised, reconstructed),
    };
  } finally {
    classifier.dispose();
  }
}

/** A file, or a cell of a data set. */
type Chosen = { path: string; id?: number };

async function listImagesOf(classifier: CnnClassifier, inputs: string[]): Promise<Chosen[]> {
  const all: Chosen[] = [];
  for (const input of inputs) {
    await stat(input).catch(cause => {
      throw new BrightcellError(
        'source-invalid',
        `${input} must be an image, a folder of images or a data set. It cannot be found.`,
        { cause },
      );
    });
    if (await isDataset(input)) all.push(...(await cellsOf(classifier, input)));
    else all.push(...(await listInputs(input)).paths.map(path => ({ path })));
  }
  if (all.length > 0) return all;
  throw new BrightcellError(
    'source-invalid',
    'There must be images to reconstruct. Give an image file, a folder of them or a data set.',
  );
}

async function cellsOf(classifier: CnnClassifier, path: string): Promise<Chosen[]> {
  const dataset = await Dataset.open(path, 'read');
  try {
    checkPrepared(classifier, dataset);
    const { id } = await dataset.cells({ includeUnlabelled: true });
    return Array.from(id, one => ({ path, id: one }));
  } finally {
    await dataset.close();
  }
}

function spread<T>(all: readonly T[], count: number): T[] {
  const taken = Math.min(count, all.length);
  return Array.from({ length: taken }, (_, i) => all[Math.floor(((i + 0.5) * all.length) / taken)]!);
}

async function readChosen(
  classifier: CnnClassifier,
  chosen: Chosen[],
  job: Job,
): Promise<{ images: ImageSet; sources: string[] }> {
  const { height, width, channels } = classifier.preparation;
  const shape = { height, width, channels: channels === 'gray' ? 1 : channels.length };
  const size = shape.channels * height * width;
  const pixels = new (classifier.pixelType === 'uint16' ? Uint16Array : Uint8Array)(chosen.length * size);
  for (const [i, one] of chosen.entries()) {
    throwIfCancelled(job);
    pixels.set(one.id === undefined ? await readFileOf(classifier, one.path) : await readCell(one), i * size);
  }
  const sources = chosen.map(({ path, id }) => (id === undefined ? path : `${path}#${id}`));
  return { images: ImageSet.from(pixels, shape), sources };
}

async function readCell({ path, id }: Chosen): Promise<Pixels> {
  const dataset = await Dataset.open(path, 'read');
  try {
    return dataset.images().read(id!);
  } finally {
    await dataset.close();
  }
}

/** The first page of an image file, prepared as the model's training images were. */
async function readFileOf({ preparation, pixelType }: CnnClassifier, path: string): Promise<Pixels> {
  const settings = { preparation, bits: pixelType === 'uint16' ? 16 : 8, scaleDown: true } as const;
  const source = { source: path, label: null, group: null, split: null, truth: null, content: { path } };
  for await (const { cells, failures } of prepareImages([source], settings)) {
    if (cells[0]) return cells[0].pixels;
    throw new BrightcellError(
      'image-unreadable',
      `Every image to reconstruct must be readable, but ${path} is not: ${failures[0]?.reason}. Repair it or leave it out.`,
      { fields: { ...failures[0] } },
    );
  }
  throw new BrightcellError('image-unreadable', `${path} holds no image.`);
}

function meanSquares(count: number, normalised: Float32Array, reconstructed: Float32Array): number[] {
  const size = normalised.length / count;
  return Array.from({ length: count }, (_, image) => {
    let sum = 0;
    for (let i = image * size; i < (image + 1) * size; i++) sum += (reconstructed[i]! - normalised[i]!) ** 2;
    return sum / size;
  });
}
