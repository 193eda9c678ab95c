import type { ImageSet } from './imageSet.ts';
import type { Initialiser, Loss, NetworkSpec, Optimiser } from './networkSpec.ts';
import type { Augmentation, Normalisation } from './normalisation.ts';

/** A named array of numbers: a parameter, a running statistic or an optimiser moment. */
export interface NamedTensor {
  /** `<layer index>.<layer type>.<what>`: "0.conv.weights", "2.batchNorm.runningMean", "0.conv.weights.adam.m". */
  name: string;
  shape: number[];
  data: Float32Array;
}

/** Which images to take and how they become the network's input. */
export interface InputRows {
  images: ImageSet;
  /** Rows of `images`, N of them. */
  rows: Int32Array;
  normalisation: Normalisation;
  /** Absent: none. */
  augmentation?: Augmentation;
  /** Seeds augmentation, together with the position in the batch. */
  seed?: number;
}

export interface TrainStep extends InputRows {
  /** Class of each row, N of [0, K). */
  labels: Int32Array;
  loss: Loss;
  optimiser: Optimiser;
  learningRate: number;
  /** Largest global L2 norm of the gradient; absent: no clipping. */
  clipNorm?: number;
}

export interface StepResult {
  /** Mean over the batch. */
  loss: number;
  correct: number;
  /** Global L2 norm of the gradient before clipping. */
  gradientNorm: number;
}

export interface NetworkOptions {
  seed: number;
  initialiser: Initialiser;
}

/**
 * A network with its parameters and optimiser state, held by the native core. The same seed, spec and
 * batches give the same parameters bit for bit, on any number of threads.
 *
 * Weights are stored as conv [filters, channels, kernelHeight, kernelWidth], dense [units, inputs],
 * bias, batch norm gamma and beta [units].
 */
export declare class Network {
  constructor(spec: NetworkSpec, options: NetworkOptions);
  readonly spec: NetworkSpec;
  /** K: length of the last layer's output. */
  readonly classes: number;
  /** Trained numbers, without running statistics. */
  readonly parameterCount: number;
  /** Output shape [C, H, W] of every layer, in order. */
  readonly outputShapes: [number, number, number][];
  /** One step of forward, backward and update. */
  trainStep(step: TrainStep): Promise<StepResult>;
  /** Class probabilities, N x K row major. Uses running statistics and no dropout. */
  predict(input: InputRows): Promise<Float32Array>;
  /** Output of layer `layer` (index into spec.layers), N x C x H x W. */
  activations(input: InputRows, layer: number): Promise<Float32Array>;
  /** Parameters and running statistics: what a model file holds. */
  weights(): NamedTensor[];
  /** `weights()` and the optimiser's moments and step count: what a checkpoint holds. */
  state(): NamedTensor[];
  /** Sets every tensor of `weights()` or of `state()`; throws `model-corrupt` on a missing name or a wrong shape. */
  load(tensors: NamedTensor[]): void;
  /** Frees native memory at once instead of at garbage collection. */
  dispose(): void;
}

/** Threads that the native core uses for everything; by default the number of processors. */
export declare function setThreads(threads: number): void;
export declare function getThreads(): number;
