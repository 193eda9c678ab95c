import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ImageSet } from '../engine/imageSet.ts';
import { type LightOfImages, lightOfSessions } from '../engine/light.ts';
import { listImages } from '../import/listImages.ts';
import { type PreparedSource, prepareImages } from '../import/prepareImages.ts';
import type { Failure, SourceImage } from '../import/source.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import type { LoadedClassifier } from './classifier.ts';
import type { Judge } from './judge.ts';
import { type ClassifyStep, makePredictions } from './prediction.ts';
import { storedImages } from './vectorClassifier.ts';

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

/**
 * Decodes, prepares and classifies image files, a chunk at a time, in their order; every page is an image. `light` is asked
 * for that of their session where the model uses sessions.
 */
export async function* classifyImages(
  judge: Judge,
  paths: string[],
  light: () => Promise<LightOfImages>,
  job: Job,
): AsyncGenerator<ClassifyStep> {
  const batch = new Batch(judge, light);
  for await (const { cells, failures, rescaled } of prepareAll(judge.classifier, paths)) {
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

/** Level and contrast of the light of image files that are one session; every one is decoded for it. */
export async function measureSession(
  classifier: LoadedClassifier,
  paths: string[],
  job: Job,
): Promise<LightOfImages> {
  const { shape } = storedImages(classifier);
  const light: number[] = [];
  for await (const { cells } of prepareAll(classifier, paths)) {
    throwIfCancelled(job);
    for (const { pixels } of cells) {
      const set = ImageSet.from(pixels, shape);
      light.push(...(await set.measureLight(Int32Array.of(0))));
      set.close();
    }
    job.onProgress?.({
      stage: 'measuring light',
      done: light.length / 2,
      total: paths.length,
      unit: 'images',
    });
  }
  const one = new Array(light.length / 2).fill(0);
  return lightOfSessions(Float32Array.from(light), one).subarray(0, 2);
}

function prepareAll({ preparation, pixelType }: LoadedClassifier, paths: string[]) {
  const settings = { preparation, bits: pixelType === 'uint16' ? 16 : 8, scaleDown: true } as const;
  return prepareImages(asSources(paths), settings);
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

  constructor(judge: Judge, light: () => Promise<LightOfImages>) {
    const { classifier } = judge;
    const { shape } = storedImages(classifier);
    const length = chunk * shape.height * shape.width * shape.channels;
    this.#judge = judge;
    this.#pixels = classifier.pixelType === 'uint16' ? new Uint16Array(length) : new Uint8Array(length);
    this.#images = ImageSet.from(this.#pixels, shape);
    this.#images.setLight(async () => {
      const [level, contrast] = await light();
      return Float32Array.from({ length: 2 * chunk }, (_, i) => (i % 2 === 0 ? level! : contrast!));
    });
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
