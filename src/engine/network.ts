import { BrightcellError } from '../errors.ts';
import { addon } from './addon.ts';
import type { Pixels } from './imageSet.ts';
import {
  checkClasses,
  checkImage,
  checkInput,
  type InputRows,
  resolveStep,
  type TrainStep,
  withLight,
} from './networkInput.ts';
import { type MapShape, resolveNetwork } from './networkShape.ts';
import type { Initialiser, NetworkSpec } from './networkSpec.ts';
import { checkTensors, momentsOf, type NamedTensor } from './networkState.ts';
import type { Normalisation } from './normalisation.ts';
import { checkPrecision, type Precision } from './precision.ts';
import { type NativeProfile, type NetworkProfile, readProfile } from './profile.ts';
import { checkInitialiser, checkSeed } from './trainSettings.ts';

export interface StepResult {
  /** Of the classes, mean over the batch. */
  loss: number;
  /** Mean over images and pixels of (reconstruction - input)^2, where the network has a decoder. */
  reconstructionLoss?: number;
  correct: number;
  /** Global L2 norm of the gradient before clipping. */
  gradientNorm: number;
}

export const scoreKinds = ['logit', 'probability'] as const;

export interface GradientOptions {
  /** Class whose score it is, one for each row. */
  targets: Int32Array;
  /** Index into spec.layers; absent: the network's input. */
  layer?: number;
  /** The score: what the last layer gives for the class, or its probability; 'logit' by default. */
  of?: (typeof scoreKinds)[number];
}

export interface LayerGradients {
  /** What the layer gives, or the network's input, N x C x H x W. */
  activations: Float32Array;
  /** Of the score with respect to it, N x C x H x W. */
  gradients: Float32Array;
  /** What the last layer gives, N x K. */
  logits: Float32Array;
}

export interface NetworkOptions {
  seed: number;
  initialiser: Initialiser;
  /** Of the products inside; 'float32' by default. */
  precision?: Precision;
}

/**
 * A network with its parameters and optimiser state, held by the native core. The same seed, spec and
 * batches give the same parameters bit for bit, on any number of threads.
 *
 * Weights are stored as conv [filters, channels, kernelHeight, kernelWidth], dense [units, inputs],
 * bias, batch norm gamma and beta [units].
 *
 * Asynchronous calls on one network are carried out one after another, in the order of the calls; the others
 * (`weights`, `state`, `load`) throw `network-busy` while one is under way. Every call throws `network-disposed`
 * after `dispose`. Optimiser moments start at zero when the kind of optimiser changes (adam and adamw share theirs).
 */
export class Network {
  readonly spec: NetworkSpec;
  /** K: length of the last layer's output. */
  readonly classes: number;
  /** Trained numbers, without running statistics. */
  readonly parameterCount: number;
  /** Output shape [C, H, W] of every layer, in order. */
  readonly outputShapes: MapShape[];
  /** D: numbers that `embed` gives for an image. */
  readonly embeddingSize: number;
  /** Index of the last layer with weights. */
  readonly #lastWeights: number;
  // biome-ignore lint/suspicious/noExplicitAny: the native class; undefined once disposed.
  #native: any;
  #queue: Promise<unknown> = Promise.resolve();
  #pending = 0;

  /**
   * Throws `network-invalid` for a spec that cannot be built, and `option-invalid` for a seed, an initialiser or a
   * precision that cannot be.
   */
  constructor(spec: NetworkSpec, options: NetworkOptions) {
    const { layers, outputShapes, decoder } = resolveNetwork(spec);
    const seed = checkSeed(options.seed);
    const { channels, height, width } = spec.input;
    const initialiser = checkInitialiser(options.initialiser);
    try {
      this.#native = new addon.NativeNetwork(
        Int32Array.of(channels, height, width),
        layers,
        seed,
        initialiser,
        checkPrecision(options.precision ?? 'float32'),
        decoder,
      );
    } catch (error) {
      memoryError(error);
    }
    this.spec = structuredClone(spec);
    this.outputShapes = outputShapes;
    this.classes = outputShapes.at(-1)![0];
    this.parameterCount = this.#native.parameterCount();
    this.#lastWeights = layers.findLastIndex(({ type }) => type === 'dense' || type === 'conv');
    const embedded = outputShapes[this.#lastWeights - 1] ?? [channels, height, width];
    this.embeddingSize = embedded[0] * embedded[1] * embedded[2];
  }

  /**
   * One step of forward, backward and update. Throws `option-invalid` for a row outside the image set, a label
   * outside [0, K) or a setting out of its range, and `training-diverged` where the loss or the gradient is no
   * longer finite; the network is then as it was before the step.
   */
  async trainStep(step: TrainStep): Promise<StepResult> {
    const settings = this.#resolveStep(step);
    const { finite, ...result } = await this.#enqueue(settings, (native, lit) => native.trainStep(lit));
    if (!this.spec.decoder) delete result.reconstructionLoss;
    if (!finite)
      throw new BrightcellError(
        'training-diverged',
        `The loss and the gradient must stay finite. Received loss ${result.loss}, gradient norm ` +
          `${result.gradientNorm} at learning rate ${step.learningRate}. Lower the learning rate, or set a clipNorm.`,
        { fields: result },
      );
    return result;
  }

  /**
   * Carries out a step of training, then a prediction of the same images, and gives how long every block took in
   * each. For measuring: the step counts like any other. Throws as `trainStep` does, but for divergence.
   */
  async profile(step: TrainStep): Promise<NetworkProfile> {
    const settings = this.#resolveStep(step);
    const profile: NativeProfile = await this.#enqueue(settings, (native, lit) => native.profile(lit));
    return readProfile(profile);
  }

  /** Class probabilities, N x K row major. Uses running statistics and no dropout. */
  async predict(input: InputRows): Promise<Float32Array> {
    this.#checkInput(input);
    return this.#enqueue(input, (native, lit) => native.predict(lit));
  }

  /**
   * Class probabilities of one image [C, H, W], written to `probabilities` (K) before it returns: on the calling
   * thread alone, without memory of its own from the second call on. The same bits as `predict` gives. Throws
   * `option-invalid` for wrong lengths and `network-busy` while another call of this network is under way.
   */
  classify(image: Pixels, normalisation: Normalisation, probabilities: Float32Array): void {
    const native = this.#idle();
    checkImage(image, normalisation, this);
    if (!(probabilities instanceof Float32Array) || probabilities.length !== this.classes)
      invalid(`probabilities must be a Float32Array of ${this.classes}, one for each class.`);
    try {
      native.classify(image, normalisation, probabilities);
    } catch (error) {
      memoryError(error);
    }
  }

  /** Output of layer `layer` (index into spec.layers), N x C x H x W, as prediction sees it. */
  async activations(input: InputRows, layer: number): Promise<Float32Array> {
    this.#checkInput(input);
    this.#checkLayer(layer);
    return this.#enqueue(input, (native, lit) => native.activations(lit, layer));
  }

  /**
   * How a score of one class an image changes with what layer `layer` gives, or with the network's input where that is
   * absent; by evaluation, as prediction sees the network: running statistics, no unit dropped. Parameters and the
   * state of the optimiser stay as they are. Memory is the result and one part of at most 256 images. Throws
   * `option-invalid` for a layer that there is not, and for targets that are not one class of [0, K) a row.
   */
  async gradients(input: InputRows, options: GradientOptions): Promise<LayerGradients> {
    this.#checkInput(input);
    const { targets, layer = -1, of = 'logit' } = options;
    if (layer !== -1) this.#checkLayer(layer);
    if (!scoreKinds.includes(of))
      invalid(`of must be one of ${scoreKinds.join(', ')}. Received ${String(of)}.`);
    checkClasses('target', targets, input.rows, this);
    return this.#enqueue(input, (native, lit) => native.lookBack(lit, layer, targets, of));
  }

  /**
   * What the last layer with weights reads, as prediction sees it: the activations after the last hidden layer,
   * N x `embeddingSize` row major, each row in the order channels, rows, columns. A network with one layer of weights
   * gives its normalised input. Memory is the result and one part of at most 256 images; read a large set in pieces.
   */
  async embed(input: InputRows): Promise<Float32Array> {
    this.#checkInput(input);
    return this.#enqueue(input, (native, lit) => native.activations(lit, this.#lastWeights - 1));
  }

  /** What `predict` and `embed` give, the same bits, in one pass. */
  async predictAndEmbed(
    input: InputRows,
  ): Promise<{ probabilities: Float32Array; embeddings: Float32Array }> {
    this.#checkInput(input);
    const { probabilities, activations } = await this.#enqueue(input, (native, lit) =>
      native.predictWith(lit, this.#lastWeights - 1),
    );
    return { probabilities, embeddings: activations };
  }

  /**
   * The embedding of one image [C, H, W], at once and on the calling thread: the same bits as `embed` gives. Throws as
   * `classify` does.
   */
  embedOne(image: Pixels, normalisation: Normalisation): Float32Array {
    const native = this.#idle();
    checkImage(image, normalisation, this);
    const embedding = new Float32Array(this.embeddingSize);
    try {
      native.activationsOfOne(image, normalisation, this.#lastWeights - 1, embedding);
    } catch (error) {
      memoryError(error);
    }
    return embedding;
  }

  /**
   * What the decoder makes of each image: N x C x H x W, as the network sees images, that is normalised. Throws
   * `option-invalid` where the network has no decoder.
   */
  async reconstruct(input: InputRows): Promise<Float32Array> {
    this.#checkInput(input);
    if (!this.spec.decoder)
      invalid(`Only a network with a decoder can reconstruct images. ${this.spec.name} has none.`);
    return this.#enqueue(input, (native, lit) => native.reconstruct(lit));
  }

  /** Parameters and running statistics: what a model file holds. */
  weights(): NamedTensor[] {
    return this.#idle().tensors(false);
  }

  /** `weights()` and the optimiser's moments and step count: what a checkpoint holds. */
  state(): NamedTensor[] {
    return this.#idle().tensors(true);
  }

  /**
   * Sets every tensor of `weights()` or of `state()`; throws `model-corrupt` on a missing, unknown or doubled name,
   * a wrong shape or a number that is not finite, and then changes nothing. Without moments the optimiser starts anew.
   */
  load(tensors: NamedTensor[]): void {
    const native = this.#idle();
    const moments = momentsOf(tensors);
    checkTensors(tensors, this.weights(), moments);
    native.write(Object.fromEntries(tensors.map(tensor => [tensor.name, tensor.data])), moments);
  }

  /** Frees native memory at once instead of at garbage collection; work under way is finished first. */
  dispose(): void {
    this.#native?.dispose();
    this.#native = undefined;
  }

  /** Work on images, after what was asked for before; it is given the input with the light of the images' sessions. */
  // biome-ignore lint/suspicious/noExplicitAny: results are typed by the callers.
  #enqueue(input: InputRows, work: (native: any, lit: InputRows) => Promise<any>): Promise<any> {
    const native = this.#alive();
    this.#pending++;
    const carryOut = async () => work(native, await withLight(input));
    const result = this.#queue.then(() => {
      if (this.#native === undefined) disposed();
      return carryOut().catch(memoryError);
    });
    this.#queue = result.catch(() => {}).finally(() => this.#pending--);
    return result;
  }

  #alive() {
    return this.#native ?? disposed();
  }

  #idle() {
    const native = this.#alive();
    if (this.#pending > 0)
      throw new BrightcellError(
        'network-busy',
        'Weights can be read and set only between calls. A call of this network is under way; await it first.',
      );
    return native;
  }

  #checkInput(input: InputRows): void {
    this.#alive();
    checkInput(input, this);
  }

  #resolveStep(step: TrainStep): TrainStep {
    this.#alive();
    return resolveStep(step, this);
  }

  #checkLayer(layer: number): void {
    if (!Number.isInteger(layer) || layer < 0 || layer >= this.outputShapes.length)
      invalid(`layer must be a whole number from 0 to ${this.outputShapes.length - 1}. Received ${layer}.`);
  }
}

/** Gives the core's failure to get memory a name and a remedy; passes on any other error. */
function memoryError(error: unknown): never {
  if (!(error instanceof Error) || !error.message.includes('bad_alloc')) throw error;
  throw new BrightcellError(
    'memory-full',
    'There must be enough memory for the network and the batch. None was left. Use a smaller batch or network.',
    { cause: error },
  );
}

function invalid(message: string): never {
  throw new BrightcellError('option-invalid', message);
}

function disposed(): never {
  throw new BrightcellError(
    'network-disposed',
    'A network cannot be used after dispose(). Create a new one.',
  );
}
