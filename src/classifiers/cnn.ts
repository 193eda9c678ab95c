// N images, K classes.
import type { ImageSet } from '../engine/imageSet.ts';
import { Network } from '../engine/network.ts';
import type { NamedTensor } from '../engine/networkState.ts';
import type { Normalisation } from '../engine/normalisation.ts';
import { checkPrecision, type Precision } from '../engine/precision.ts';
import type { Preparation } from '../engine/prepare.ts';
import { BrightcellError } from '../errors.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { type ModelDescription, readModel, saveModel } from '../models/modelFolder.ts';
import {
  type Calibration,
  maybeReadCalibration,
  removeCalibration,
  writeCalibration,
} from './calibration.ts';
import type { LoadedClassifier, LoadOptions, Look } from './classifier.ts';
import { applyTemperature } from './temperature.ts';

/** Images predicted at once: what bounds memory. */
const chunk = 256;

/** A trained convolutional network. */
export class CnnClassifier implements LoadedClassifier {
  readonly classes: readonly string[];
  readonly preparation: Preparation;
  readonly pixelType: 'uint8' | 'uint16';
  calibration: Calibration | null = null;
  readonly #description: ModelDescription;
  readonly #network: Network;
  #last: { weights: Float32Array; bias: Float32Array | undefined } | undefined;

  private constructor(description: ModelDescription, network: Network) {
    this.classes = description.classes;
    this.preparation = description.preparation;
    this.pixelType = description.pixelType;
    this.#description = description;
    this.#network = network;
  }

  /** Loads a model folder; throws `model-missing`, `model-newer`, `model-corrupt`, `option-invalid`. */
  static async load(folder: string, options: LoadOptions = {}): Promise<CnnClassifier> {
    const precision = checkPrecision(options.precision ?? 'float32');
    const { description, weights } = await readModel(folder);
    const classifier = CnnClassifier.#make(folder, description, weights, precision);
    try {
      const { channels } = description.network.input;
      const sizes = { classes: classifier.classes.length, dimensions: classifier.dimensions, channels };
      classifier.calibration = await maybeReadCalibration(folder, sizes);
      return classifier;
    } catch (error) {
      classifier.dispose();
      throw error;
    }
  }

  static #make(
    folder: string,
    description: ModelDescription,
    weights: NamedTensor[],
    precision: Precision,
  ): CnnClassifier {
    try {
      // The cheapest to draw: the weights take its place at once.
      const initialiser = { name: 'glorotUniform' } as const;
      const network = new Network(description.network, { seed: 0, initialiser, precision });
      network.load(weights);
      return new CnnClassifier(description, network);
    } catch (cause) {
      throw new BrightcellError(
        'model-corrupt',
        `The weights in ${folder} do not fit its network.json. ${(cause as Error).message} Copy the model again from its ` +
          'source, or train again.',
        { cause, fields: { path: folder } },
      );
    }
  }

  /** The network itself, for those who look into it; it stays the classifier's. */
  get network(): Network {
    return this.#network;
  }

  /** How stored images become the network's input. */
  get normalisation(): Normalisation {
    return this.#description.normalisation;
  }

  async predict(images: ImageSet, rows: Int32Array, job: Job = {}): Promise<Float32Array> {
    const K = this.classes.length;
    const { normalisation } = this.#description;
    const probabilities = new Float32Array(rows.length * K);
    for (let at = 0; at < rows.length; at += chunk) {
      throwIfCancelled(job);
      const part = rows.subarray(at, at + chunk);
      probabilities.set(await this.#network.predict({ images, rows: part, normalisation }), at * K);
    }
    applyTemperature(probabilities, K, this.calibration?.temperature ?? 1);
    return probabilities;
  }

  get usesSessions(): boolean {
    return this.normalisation === 'session';
  }

  get dimensions(): number {
    return this.#network.embeddingSize;
  }

  async embed(images: ImageSet, rows: Int32Array, job: Job = {}): Promise<Float32Array> {
    const { normalisation } = this.#description;
    const embeddings = new Float32Array(rows.length * this.dimensions);
    for (let at = 0; at < rows.length; at += chunk) {
      throwIfCancelled(job);
      const part = rows.subarray(at, at + chunk);
      embeddings.set(await this.#network.embed({ images, rows: part, normalisation }), at * this.dimensions);
    }
    return embeddings;
  }

  async look(images: ImageSet, rows: Int32Array, job: Job = {}): Promise<Look> {
    const [K, D] = [this.classes.length, this.dimensions];
    const { normalisation } = this.#description;
    const probabilities = new Float32Array(rows.length * K);
    const embeddings = new Float32Array(rows.length * D);
    for (let at = 0; at < rows.length; at += chunk) {
      throwIfCancelled(job);
      const part = rows.subarray(at, at + chunk);
      const seen = await this.#network.predictAndEmbed({ images, rows: part, normalisation });
      probabilities.set(seen.probabilities, at * K);
      embeddings.set(seen.embeddings, at * D);
    }
    applyTemperature(probabilities, K, this.calibration?.temperature ?? 1);
    return { probabilities, embeddings };
  }

  /** Logits N x K of N embeddings: what the last layer, a dense one, makes of them. */
  logits(embeddings: Float32Array): Float32Array {
    const [K, D] = [this.classes.length, this.dimensions];
    const { weights, bias } = (this.#last ??= lastLayer(this.#description, this.#network));
    const logits = new Float32Array((embeddings.length / D) * K);
    for (let i = 0; i < logits.length; i++) {
      const [row, k] = [Math.floor(i / K) * D, i % K];
      let sum = bias?.[k] ?? 0;
      for (let d = 0; d < D; d++) sum += weights[k * D + d]! * embeddings[row + d]!;
      logits[i] = sum;
    }
    return logits;
  }

  classify(
    image: Uint8Array | Uint16Array,
    probabilities = new Float32Array(this.classes.length),
  ): Float32Array {
    const wanted = this.pixelType === 'uint16' ? Uint16Array : Uint8Array;
    if (!(image instanceof wanted))
      throw new BrightcellError(
        'option-invalid',
        `image must be a ${wanted.name}: this model was trained on ${this.pixelType} images. ` +
          'Scale the pixels to that depth.',
      );
    this.#network.classify(image, this.#description.normalisation, probabilities);
    applyTemperature(probabilities, this.classes.length, this.calibration?.temperature ?? 1);
    return probabilities;
  }

  /**
   * The images as the network sees them, normalised, and what its decoder makes of them: both N x C x H x W. Throws
   * `option-invalid` where the network has no decoder.
   */
  async reconstruct(
    images: ImageSet,
    rows: Int32Array,
  ): Promise<{ normalised: Float32Array; reconstructed: Float32Array }> {
    const { normalisation } = this.#description;
    const reconstructed = await this.#network.reconstruct({ images, rows, normalisation });
    return { normalised: await images.load(rows, normalisation), reconstructed };
  }

  /** Throws `model-exists` where something else stands, `disk-full`. */
  async save(path: string): Promise<void> {
    await removeCalibration(path);
    await saveModel(path, this.#description, this.#network.weights());
    if (this.calibration) await writeCalibration(path, this.calibration);
  }

  dispose(): void {
    this.#network.dispose();
  }
}

function lastLayer({ network: { layers } }: ModelDescription, network: Network) {
  const prefix = `${layers.length - 1}.dense`;
  const tensors = network.weights();
  const find = (what: string) => tensors.find(({ name }) => name === `${prefix}.${what}`)?.data;
  return { weights: find('weights')!, bias: find('bias') };
}
