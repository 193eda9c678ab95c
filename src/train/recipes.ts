import type { Initialiser, Loss, Optimiser } from '../engine/networkSpec.ts';
import type { Augmentation, Normalisation } from '../engine/normalisation.ts';
import type { Precision } from '../engine/precision.ts';
import type { Schedule } from './schedule.ts';

/** Everything that decides what is learned, in full; `config.json` of a run. */
export interface TrainConfig {
  model: string;
  recipe: 'default' | 'paper';
  epochs: number;
  batchSize: number;
  learningRate: number;
  optimiser: Optimiser;
  schedule: Schedule;
  loss: Loss;
  initialiser: Initialiser;
  normalisation: Normalisation;
  balance: 'sampling' | 'none';
  /** null: none. */
  augmentation: Augmentation | null;
  patience: number;
  monitor: 'loss' | 'macroF1';
  clipNorm: number;
  /** Of the decoder's loss beside the loss of the classes; null: 1 where the network has a decoder. */
  reconstructionWeight: number | null;
  /** Of the network's products, in training and in validation. */
  precision: Precision;
  seed: number;
  fold: number | null;
}

/** The settings of a recipe for a training part of that many cells. */
export function recipeFor(recipe: TrainConfig['recipe'], trainingCells: number): TrainConfig {
  return recipe === 'paper' ? paper() : better(trainingCells);
}

/** Ours. Small sets are gone through more often: about 40,000 images are shown, each 12 to 40 times. */
function better(trainingCells: number): TrainConfig {
  const epochs = Math.min(40, Math.max(12, Math.round(40_000 / trainingCells)));
  return {
    model: 'cellnet',
    recipe: 'default',
    epochs,
    batchSize: 64,
    learningRate: 0.001,
    optimiser: { name: 'adamw', weightDecay: 0.05 },
    schedule: { name: 'cosine', warmup: 0.05, final: 0.01 },
    loss: { name: 'crossEntropy' },
    initialiser: { name: 'heNormal' },
    normalisation: 'standardise',
    balance: 'sampling',
    augmentation: {
      flipHorizontal: true,
      flipVertical: true,
      translate: 0.06,
      rotateDegrees: 20,
      scale: 0.1,
      blurSigma: 0.7,
      noise: 0.1,
      brightness: 0.1,
      contrast: 0.1,
    },
    patience: Math.max(8, Math.ceil(epochs / 3)),
    monitor: 'macroF1',
    clipNorm: 5,
    reconstructionWeight: null,
    precision: 'float32',
    seed: 0,
    fold: null,
  };
}

/**
 * Meng et al. 2019: Adam at the final learning rate of the text, divided by 10 every 50 epochs as in the published
 * log, batches of 1300, truncated normal weights, softmax applied twice as the log shows, equal mean intensity, and
 * classes balanced with affine transformations, blur and noise. Biases are "a random constant value" there, 0.1 here.
 */
function paper(): TrainConfig {
  return {
    model: 'cellnet',
    recipe: 'paper',
    epochs: 100,
    batchSize: 1300,
    learningRate: 1e-4,
    optimiser: { name: 'adam', beta1: 0.9, beta2: 0.999 },
    schedule: { name: 'step', every: 50, factor: 0.1 },
    loss: { name: 'doubleSoftmax' },
    initialiser: { name: 'truncatedNormal', deviation: 0.1, bias: 0.1 },
    normalisation: 'mean',
    balance: 'sampling',
    augmentation: {
      flipHorizontal: true,
      flipVertical: true,
      translate: 0.05,
      rotateDegrees: 10,
      blurSigma: 1,
      noise: 0.1,
    },
    patience: 0,
    monitor: 'loss',
    clipNorm: 0,
    reconstructionWeight: null,
    precision: 'float32',
    seed: 0,
    fold: null,
  };
}
