import type { Initialiser, Loss, Optimiser } from '../engine/networkSpec.ts';
import type { Augmentation, Normalisation } from '../engine/normalisation.ts';
import type { Schedule } from './schedule.ts';

export const recipeNames = ['default', 'paper'] as const;
export const lossNames = [
  'crossEntropy',
  'labelSmoothing',
  'doubleSoftmax',
  'meanSquaredError',
  'focal',
] as const;
export const optimiserNames = ['adam', 'adamw', 'sgd'] as const;
export const scheduleNames = ['constant', 'step', 'cosine'] as const;
export const initialiserNames = ['glorotUniform', 'heNormal', 'truncatedNormal'] as const;
export const balanceNames = ['sampling', 'none'] as const;
export const monitorNames = ['loss', 'macroF1'] as const;

/** Settings of a training; where one takes an object, its name alone stands for the usual values. */
export interface TrainSettings {
  /** 'cellnet', 'cellnet-table1', 'gao2017', or the path of a network in a JSON file. */
  model?: string;
  recipe?: (typeof recipeNames)[number];
  epochs?: number;
  batchSize?: number;
  learningRate?: number;
  optimiser?: (typeof optimiserNames)[number] | Optimiser;
  schedule?: (typeof scheduleNames)[number] | Schedule;
  loss?: (typeof lossNames)[number] | Loss;
  initialiser?: (typeof initialiserNames)[number] | Initialiser;
  normalisation?: Normalisation;
  balance?: (typeof balanceNames)[number];
  /** false: none; an object replaces the recipe's ranges one by one. */
  augmentation?: boolean | Augmentation;
  /** Epochs without a better `monitor` before stopping; 0 never stops early. */
  patience?: number;
  /** What says that an epoch is better, measured on the validation part. */
  monitor?: (typeof monitorNames)[number];
  /** Largest global norm of the gradient; 0 does not clip. */
  clipNorm?: number;
  seed?: number;
  /** Fold of a k-fold split to hold out as the test part. */
  fold?: number;
}

export interface TrainOptions extends TrainSettings {
  /** A JSON file of settings; the other options go before it. */
  config?: string;
  /** Folder of all runs; 'runs' by default. */
  out?: string;
  /** Name of the run; by default made of data set and network. */
  name?: string;
  /** Folder of a run to go on with; excludes every setting. */
  resume?: string;
  /** Threads of the native core; all processors by default. Does not change results. */
  threads?: number;
}
