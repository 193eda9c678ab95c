import type { Preparation } from '../engine/prepare.ts';
import type { Classifier } from './classifier.ts';

/** A classifier that knows how raw images become what it takes. */
export interface LoadedClassifier extends Classifier {
  readonly preparation: Preparation;
}

/** Loads a model from a run folder or a model folder; throws `model-missing`, `model-newer`, `model-corrupt`. */
export declare function loadClassifier(path: string): Promise<LoadedClassifier>;
