import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ImageSet } from '../engine/imageSet.ts';
import { listImages } from '../import/listImages.ts';
import { type PreparedSource, prepareImages } from '../import/prepareImages.ts';
import type { Failure, SourceImage } from '../import/source.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import type { Judge } from './judge.ts';
import { type ClassifyStep, makePredictions } from './prediction.ts';

/** Image files of an input: itself, or all of a folder and the folders in it. Only paths are held. */
export async function listInputs(input: string): Promise<{ paths: string[]; failures: Failure[] }> {
  if (!(await stat(input)).isDirectory()) return { paths: [input], failures: [] };
  const { images, failures } = await listImages(input);
  return {
    paths: images.map(image => join(input, image)),
    failures: failures.map(({ source, reason }) => ({ source: join(input, source), reason })),
  };
}

/** Images decoded and held at once. */
const chunk = 256;

/** Decodes, prepares and classifies image files, a chunk at a time, in their order; every page is an image. */
export async function* classifyImages(judge: Judge, paths: string[], job: Job): AsyncGenerator<ClassifyStep> {
  const { preparation, pixelType } = judge.classifier;
  const settings = { preparation, bits: pixelType === 'uint16' ? 16 : 8, scaleDown: true } as const;
  const batch = new Batch(judge);
  for await (const { cells, failures, rescaled } of prepareImages(asSources(paths), settings)) {
    throwIfCancelled(job);
    batch.failures.push(...failures);
    batch.rescaled += rescaled;
    for (const cell of cells) {
      batch.add(cell);
      if (batch.isFull) yield await batch.classify(job);
    }
    if (batch.failures.length >= chunk) yield await batch.classify(job);
  }
  yield await batch.classify(job);
}

function* asSources(paths: string[]): Generator<SourceImage> {
  for (const path of paths) {
    yield { source: path, label: null, group: null, split: null, truth: null, content: { path } };
  }
}

/** A chunk of stored images, in memory that is used again for the next. */
class Batch {
  failures: Failure[] = [];
  rescaled = 0;
  readonly #judge: Judge;
  readonly #pixels: Uint8Array | Uint16Array;
  readonly #images: ImageSet;
  #sources: { source: string; frame: number }[] = [];

  constructor(judge: Judge) {
    const { classifier } = judge;
    const { height, width, channels } = classifier.preparation;
    const shape = { height, width, channels: channels === 'gray' ? 1 : channels.length };
    const length = chunk * height * width * shape.channels;
    this.#judge = judge;
    this.#pixels = classifier.pixelType === 'uint16' ? new Uint16Array(length) : new Uint8Array(length);
    this.#images = ImageSet.from(this.#pixels, shape);
  }

  get isFull(): boolean {
    return this.#sources.length === chunk;
  }

  add({ pixels, source, frame }: PreparedSource['cells'][number]): void {
    this.#pixels.set(pixels, this.#sources.length * pixels.length);
    this.#sources.push({ source, frame });
  }

  /** Classifies what was added and empties the batch. */
  async classify(job: Job): Promise<ClassifyStep> {
    const rows = Int32Array.from(this.#sources.keys());
    const judgement = await this.#judge.judge(this.#images, rows, job);
    const predictions = makePredictions(this.#sources, this.#judge, judgement);
    const step = { predictions, failures: this.failures, rescaled: this.rescaled };
    this.#sources = [];
    this.failures = [];
    this.rescaled = 0;
    return step;
  }
}
