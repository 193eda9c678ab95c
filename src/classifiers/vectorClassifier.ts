// N images, K classes.
import { join } from 'node:path';
import { checkRows, type ImageSet } from '../engine/imageSet.ts';
import type { Preparation } from '../engine/prepare.ts';
import { BrightcellError } from '../errors.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import type { Facts, Fitted } from '../learners/learner.ts';
import { maybeLoadLearner } from '../learners/registry.ts';
import { corruptModel } from '../models/modelFiles.ts';
import { type Calibration, maybeReadCalibration, writeCalibration } from './calibration.ts';
import type { LoadedClassifier, LoadOptions, Look } from './classifier.ts';
import { readClassifierFolder, writeClassifierFolder } from './classifierFolder.ts';
import type { MadeVectors, StoredImages, VectorSource } from './source.ts';
import { loadSource } from './sources.ts';
import { applyTemperature } from './temperature.ts';

/** What a classifier of vectors is made of; it takes source and fitted learner over. */
export interface VectorParts {
  /** As training calls it: 'features+knn'. */
  method: string;
  classes: readonly string[];
  preparation: Preparation;
  pixelType: 'uint8' | 'uint16';
  source: VectorSource;
  /** Name of the learner that `fitted` is of. */
  learner: string;
  fitted: Fitted;
  /** Frees the training vectors where `fitted` may still read them; called after it is disposed of. */
  release?: () => void;
}

/** Images whose vectors are made and predicted at once: what bounds memory. */
const chunk = 4096;

/** A plain method: a source makes vectors of images, and what was learnt of such vectors classifies them. */
export class VectorClassifier implements LoadedClassifier {
  calibration: Calibration | null = null;
  readonly #parts: VectorParts;
  readonly #values: number;

  constructor(parts: VectorParts) {
    const { channels, height, width } = storedImages(parts).shape;
    this.#parts = parts;
    this.#values = channels * height * width;
  }

  /** Loads a classifier's folder; throws `model-missing`, `model-newer`, `model-corrupt`, `option-invalid`. */
  static async load(folder: string, options: LoadOptions = {}): Promise<VectorClassifier> {
    const { method, classes, preparation, pixelType, ...rest } = await readClassifierFolder(folder);
    refusePrecision(method, options);
    const path = join(folder, 'classifier.json');
    const learner = await maybeLoadLearner(rest.learner.name);
    if (!learner) throw corruptModel(path, `there is no method "${rest.learner.name}"`);
    const stored = storedImages({ preparation, pixelType });
    const source = await loadSource(join(folder, 'source'), rest.source, stored);
    try {
      const fitted = await learner.load(join(folder, 'learner'), rest.learner.description);
      if (fitted.dimensions !== source.dimensions || fitted.classes !== classes.length) {
        fitted.dispose();
        throw corruptModel(
          path,
          `vectors of ${source.dimensions} numbers of ${classes.length} classes are described, and those that were ` +
            `learnt have ${fitted.dimensions} and ${fitted.classes}`,
        );
      }
      const { channels } = stored.shape;
      const sizes = { classes: classes.length, dimensions: source.dimensions, channels };
      const calibration = await maybeReadCalibration(folder, sizes).catch(error => {
        fitted.dispose();
        throw error;
      });
      const classifier = new VectorClassifier({
        ...{ method, classes, preparation, pixelType },
        ...{ source, learner: learner.name, fitted },
      });
      classifier.calibration = calibration;
      return classifier;
    } catch (error) {
      source.dispose();
      throw error;
    }
  }

  get classes(): readonly string[] {
    return this.#parts.classes;
  }

  get preparation(): Preparation {
    return this.#parts.preparation;
  }

  get pixelType(): 'uint8' | 'uint16' {
    return this.#parts.pixelType;
  }

  /** What fitting chose and found. */
  get facts(): Facts {
    return this.#parts.fitted.facts;
  }

  /** What it classifies: the kind of its vectors ('pixels', 'features', 'embedding') and the numbers of one. */
  get vectorKind(): { name: string; dimensions: number; hasUnits: boolean } {
    const { method, source } = this.#parts;
    const { dimensions, hasUnits } = source;
    return { name: method.split(/[:+]/)[0]!, dimensions, hasUnits };
  }

  /** The vectors of rows of an image set as its learner gets them; whoever asks releases them. */
  async vectors(images: ImageSet, rows: Int32Array, job: Job = {}): Promise<MadeVectors> {
    this.#checkImages(images);
    checkRows(rows, images.count);
    return this.#parts.source.vectors(images, rows, job);
  }

  async predict(images: ImageSet, rows: Int32Array, job: Job = {}): Promise<Float32Array> {
    const probabilities = new Float32Array(rows.length * this.classes.length);
    await this.#inChunks(images, rows, job, async (made, at) => {
      probabilities.set(await this.#parts.fitted.predict(made, job), at * this.classes.length);
    });
    applyTemperature(probabilities, this.classes.length, this.calibration?.temperature ?? 1);
    return probabilities;
  }

  get usesSessions(): boolean {
    return this.#parts.source.usesSessions ?? false;
  }

  get dimensions(): number {
    return this.#parts.source.dimensions;
  }

  async embed(images: ImageSet, rows: Int32Array, job: Job = {}): Promise<Float32Array> {
    const embeddings = new Float32Array(rows.length * this.dimensions);
    await this.#inChunks(images, rows, job, async (made, at) => {
      embeddings.set(await numbersOf(made), at * this.dimensions);
    });
    return embeddings;
  }

  async look(images: ImageSet, rows: Int32Array, job: Job = {}): Promise<Look> {
    const [K, D] = [this.classes.length, this.dimensions];
    const probabilities = new Float32Array(rows.length * K);
    const embeddings = new Float32Array(rows.length * D);
    await this.#inChunks(images, rows, job, async (made, at) => {
      probabilities.set(await this.#parts.fitted.predict(made, job), at * K);
      embeddings.set(await numbersOf(made), at * D);
    });
    applyTemperature(probabilities, K, this.calibration?.temperature ?? 1);
    return { probabilities, embeddings };
  }

  /** Makes vectors of rows a chunk at a time; `use` gets them and the place of the first, and they are then released. */
  async #inChunks(
    images: ImageSet,
    rows: Int32Array,
    job: Job,
    use: (made: MadeVectors, at: number) => Promise<void>,
  ): Promise<void> {
    this.#checkImages(images);
    checkRows(rows, images.count);
    for (let at = 0; at < rows.length; at += chunk) {
      throwIfCancelled(job);
      const made = await this.#parts.source.vectors(images, rows.subarray(at, at + chunk), job);
      try {
        await use(made, at);
      } finally {
        made.release();
      }
    }
  }

  classify(
    image: Uint8Array | Uint16Array,
    probabilities = new Float32Array(this.classes.length),
  ): Float32Array {
    const wanted = this.pixelType === 'uint16' ? Uint16Array : Uint8Array;
    if (!(image instanceof wanted) || image.length !== this.#values) {
      throw new BrightcellError(
        'option-invalid',
        `image must be a ${wanted.name} of ${this.#values} pixels, as this model's training images. ` +
          `Received ${(image as unknown)?.constructor?.name} of ${image?.length}.`,
      );
    }
    if (probabilities.length !== this.classes.length) {
      throw new BrightcellError(
        'option-invalid',
        `probabilities must have room for ${this.classes.length} classes. Received ${probabilities.length}.`,
      );
    }
    probabilities.set(this.#parts.fitted.predictOne(this.#parts.source.one(image)));
    applyTemperature(probabilities, this.classes.length, this.calibration?.temperature ?? 1);
    return probabilities;
  }

  /** Throws `model-exists` where something stands, `disk-full`. */
  async save(path: string): Promise<void> {
    const { method, classes, preparation, pixelType, source, learner, fitted } = this.#parts;
    await writeClassifierFolder(path, async folder => ({
      ...{ method, classes: [...classes], preparation, pixelType },
      source: await source.save(join(folder, 'source')),
      learner: { name: learner, description: await fitted.save(join(folder, 'learner')) },
    }));
    if (this.calibration) await writeCalibration(path, this.calibration);
  }

  dispose(): void {
    this.#parts.source.dispose();
    this.#parts.fitted.dispose();
    this.#parts.release?.();
  }

  #checkImages({ shape, type }: ImageSet): void {
    const { shape: own, pixelType } = storedImages(this.#parts);
    const same = shape.channels === own.channels && shape.height === own.height && shape.width === own.width;
    if (same && type === pixelType) return;
    throw new BrightcellError(
      'option-invalid',
      `images must be ${own.channels} x ${own.height} x ${own.width} pixels of ${pixelType}. ` +
        `Received ${shape.channels} x ${shape.height} x ${shape.width} of ${type}.`,
    );
  }
}

async function numbersOf(made: MadeVectors): Promise<Float32Array> {
  return made.values ?? made.set.load(made.rows, 'none');
}

/** What images are like once they are prepared. */
export function storedImages({
  preparation,
  pixelType,
}: Pick<VectorParts, 'preparation' | 'pixelType'>): StoredImages {
  const { channels, height, width } = preparation;
  const shape = { channels: channels === 'gray' ? 1 : channels.length, height, width };
  return { shape, preparation, pixelType };
}

/** Precision is of a network's products; a plain method has one way to compute, and none is left unsaid. */
function refusePrecision(method: string, { precision }: LoadOptions): void {
  if (precision === undefined || precision === 'float32') return;
  throw new BrightcellError(
    'option-invalid',
    `precision ${precision} is for networks; ${method} is none and always computes in its own way. Leave precision away.`,
  );
}
