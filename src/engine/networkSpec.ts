/** A network as data: a list of layers over an input of C x H x W. Loading one runs no code. */
export interface NetworkSpec {
  name: string;
  input: { channels: number; height: number; width: number };
  layers: LayerSpec[];
  /** Absent: the network classifies only. */
  decoder?: DecoderSpec;
}

/**
 * Layers that make the network's input (normalised, augmented in training) again of what layer `from` gives, beside
 * the layers that go on to the classes. Both are trained together: the loss of the classes and, times a weight, the
 * mean squared error of the reconstruction. Classifying does not use them.
 */
export interface DecoderSpec {
  /** Index in `layers` of the layer whose output is read; not the last. */
  from: number;
  /** The last one's output has the shape of the network's input. */
  layers: LayerSpec[];
}

/**
 * 'same' pads as TensorFlow does (the odd row and column at the bottom and right); numbers are
 * [top, bottom, left, right], each less than the window.
 */
export type Padding = 'same' | 'valid' | [number, number, number, number];
/** One number for both directions, or [rows, columns]. */
export type Extent = number | [number, number];

export type LayerSpec =
  | { type: 'conv'; filters: number; kernel: Extent; stride?: Extent; padding?: Padding; bias?: boolean }
  /** A max pool's window has at most 256 positions; an average pool leaves positions outside the map out. */
  | { type: 'maxPool' | 'averagePool'; size: Extent; stride?: Extent; padding?: Padding }
  /** `decay` of the running statistics (0.99): after t steps min(decay, (1 + t) / (10 + t)); `epsilon` 0.001. */
  | { type: 'batchNorm'; decay?: number; epsilon?: number }
  | { type: 'dense'; units: number; bias?: boolean }
  | { type: 'dropout'; rate: number }
  /** Each position becomes `size` equal ones, the nearest neighbour. */
  | { type: 'upsample'; size: Extent }
  /** The same numbers, in the order channels, rows, columns, under another shape: from a dense layer to a map. */
  | { type: 'reshape'; shape: [channels: number, height: number, width: number] }
  | { type: 'relu' | 'tanh' | 'scaledTanh' | 'sigmoid' };
// The last layer gives K logits; softmax belongs to the loss and to prediction, not to the list.
// A dense layer flattens what comes before it (C, H, W order).

export const initialisers = ['glorotUniform', 'heNormal', 'truncatedNormal'] as const;
/** `truncatedNormal` takes its standard deviation (0.1 in the paper), the others ignore none: they have no option. */
export type Initialiser =
  | { name: 'glorotUniform' }
  | { name: 'heNormal' }
  | { name: 'truncatedNormal'; deviation: number; bias?: number };

export type Loss =
  | { name: 'crossEntropy'; labelSmoothing?: number }
  /** Softmax applied twice, as the paper's log shows; bounded below by ln(1 + (K-1)/e). */
  | { name: 'doubleSoftmax' }
  /** Mean over classes of (softmax - one-hot)^2. */
  | { name: 'meanSquaredError' }
  | { name: 'focal'; gamma: number };

export type Optimiser =
  | { name: 'adam'; beta1?: number; beta2?: number; epsilon?: number }
  /** Decay is decoupled and leaves biases and batch-norm parameters alone. */
  | { name: 'adamw'; beta1?: number; beta2?: number; epsilon?: number; weightDecay?: number }
  | { name: 'sgd'; momentum?: number; nesterov?: boolean; weightDecay?: number };
