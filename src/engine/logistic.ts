import { BrightcellError } from '../errors.ts';
import type { Job } from '../job.ts';
import { addon } from './addon.ts';
import { checkRows, type ImageSet, type Pixels } from './imageSet.ts';
import { checkLabels, type LabelledRows } from './labels.ts';
import { asBrightcellError, watched } from './watch.ts';

// N vectors, D features, K classes.

/** Parameters of a multinomial logistic regression on standardised vectors (x - mean) * scale. */
export interface LogisticTables {
  /** D each; scale is 0 for a feature that does not vary. */
  mean: Float32Array;
  scale: Float32Array;
  /** [K, D]: one row a class, for standardised vectors. */
  coefficients: Float32Array;
  /** K. */
  intercepts: Float32Array;
}

/** Where a fit ended. */
export interface LogisticFit {
  /** Weighted mean loss and the penalty. */
  loss: number;
  /** Largest component of its gradient. */
  gradient: number;
  iterations: number;
  evaluations: number;
  /** Whether the gradient is within the tolerance. */
  converged: boolean;
}

const about = { stage: 'fitting', unit: 'steps' };

/** A multinomial logistic regression with an L2 penalty, held by the native core. */
export class Logistic {
  readonly features: number;
  readonly classes: number;
  // biome-ignore lint/suspicious/noExplicitAny: the native class; undefined once disposed.
  #native: any;

  // biome-ignore lint/suspicious/noExplicitAny: as above.
  private constructor(native: any, features: number, classes: number) {
    [this.#native, this.features, this.classes] = [native, features, classes];
  }

  /**
   * Measures the mean and the deviation of the training vectors; `fit` then learns, and may be called with one C
   * after another. The set must stay open meanwhile. `classWeights`: one for each class, at least 0; those of the
   * labels above 0. Throws `option-invalid`, `vectors-invalid`, `memory-full` and `cancelled`.
   */
  static async open(sample: LabelledRows, classWeights: Float64Array, job: Job = {}): Promise<Logistic> {
    const { set, rows, labels, classes } = sample;
    if (rows.length < 1) throw invalid('Logistic regression learns from at least one vector. Received none.');
    checkRows(rows, set.count);
    checkLabels(labels, rows.length, classes);
    const native = new addon.NativeLogistic();
    await watched(job, about, shared => native.open(set, rows, labels.slice(), classWeights, shared));
    const { channels, height, width } = set.shape;
    return new Logistic(native, channels * height * width, classes);
  }

  /**
   * Minimises the weighted mean of -log(probability of the right class) + sum of squared coefficients / (2 C S), S
   * the sum of all vectors' weights, by L-BFGS from where the last fit ended, until no component of the gradient is
   * larger than `tolerance` or after so many iterations. The same bits on any number of threads. Throws `cancelled`.
   */
  async fit(
    { C, tolerance, iterations }: { C: number; tolerance: number; iterations: number },
    job: Job = {},
  ): Promise<LogisticFit> {
    const native = this.#alive();
    return watched(job, about, shared => native.fit(C, tolerance, iterations, shared));
  }

  /** A model from tables that may come from anywhere; throws an Error that says what is wrong with them. */
  static from(features: number, classes: number, tables: LogisticTables): Logistic {
    const native = new addon.NativeLogistic();
    native.load(features, classes, tables);
    return new Logistic(native, features, classes);
  }

  /** Probabilities N x K row major by the last fit. */
  async predict(set: ImageSet, rows: Int32Array, job: Job = {}): Promise<Float32Array> {
    const native = this.#alive();
    const { channels, height, width } = set.shape;
    this.#checkSize(channels * height * width);
    checkRows(rows, set.count);
    return watched(job, { stage: 'classifying', unit: 'cells' }, shared => native.predict(set, rows, shared));
  }

  /** Probabilities (K) of one vector, the same numbers as `predict` gives, on the calling thread. */
  predictOne(vector: Pixels): Float32Array {
    const native = this.#alive();
    this.#checkSize(vector.length);
    try {
      return native.predictOne(vector);
    } catch (error) {
      throw asBrightcellError(error);
    }
  }

  /** The parameters of the last fit. */
  tables(): LogisticTables {
    return this.#alive().tables();
  }

  dispose(): void {
    this.#native?.dispose();
    this.#native = undefined;
  }

  #alive() {
    if (this.#native === undefined) throw new Error('the logistic regression is disposed of');
    return this.#native;
  }

  #checkSize(size: number): void {
    if (size !== this.features)
      throw invalid(`Vectors of ${this.features} numbers are expected. Received ${size}.`);
  }
}

function invalid(message: string): BrightcellError {
  return new BrightcellError('option-invalid', message);
}
