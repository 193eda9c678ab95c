// N points, D numbers each, K classes, S support vectors.
import type { Job } from '../job.ts';
import { addon } from './addon.ts';
import { checkComparable, refuseComparison, type SetRows, vectorLength } from './distances.ts';
import { ImageSet, type Pixels } from './imageSet.ts';
import { watched } from './watch.ts';

export interface SvmTraining {
  c: number;
  /** Of squared distances between pixels as shares of their type's maximum, or between floats as they are. */
  gamma: number;
  /** K: C of class k is c times its weight. */
  weights: Float64Array;
  /** Largest violation of the optimality conditions that is left. */
  tolerance: number;
  /** Steps for each pair of classes, at most; 0: LIBSVM's limit, 10 million or 100 a point, whichever is more. */
  iterations: number;
  /** Whether a sigmoid is fitted to each pair by an internal cross-validation of five folds. */
  probability: boolean;
  /** Deals the folds. */
  seed: number;
  /** Memory for kept distances and kernel values. */
  cacheBytes: number;
}

/** One C-SVC of two classes; a positive decision value means the first. */
export interface SvmPair {
  first: number;
  second: number;
  /** Decision value: sum of coefficients times kernel values, less rho. */
  rho: number;
  /** Probability of the first class at decision value v: 1 / (1 + exp(slope v + offset)). */
  slope: number;
  offset: number;
  /** Value of the dual problem, as LIBSVM prints it. */
  objective: number;
  iterations: number;
  /** Support vectors at their bound C. */
  bounded: number;
  /** False: training stopped at the limit of iterations. */
  converged: boolean;
}

export interface SvmModel {
  classes: number;
  gamma: number;
  probability: boolean;
  /** K + 1: support vectors of class k are those of [starts[k], starts[k + 1]). */
  starts: Int32Array;
  /** (K - 1) x S: those of a support vector of class k against class j stand in row j, or j - 1 where j > k. */
  coefficients: Float32Array;
  pairs: SvmPair[];
}

export interface TrainedSvm extends SvmModel {
  /** Which of the given points are the support vectors, sorted by class. */
  support: Int32Array;
  /** Distances between two points that training worked out. */
  distances: number;
}

/** gamma 'scale': 1 / (D variance of all N x D numbers), or 1 where nothing varies. Throws as `trainSvms` does. */
export async function usualGamma(points: SetRows): Promise<number> {
  checkComparable(points, points);
  return addon.usualSvmGamma(points.set, points.rows).catch(refuseComparison);
}

/**
 * Trains C-SVCs with a Gaussian kernel, one for each pair of classes that have points, as LIBSVM defines them: a model for
 * each of `settings`, on the same points and with shared distances. The same bits on any number of threads and with any
 * `cacheBytes` (those of the first settings count). Throws `option-invalid` for numbers that are not finite,
 * `memory-full`, `cancelled`.
 */
export async function trainSvms(
  points: SetRows,
  labels: Int32Array,
  classes: number,
  settings: SvmTraining[],
  job: Job = {},
): Promise<TrainedSvm[]> {
  checkComparable(points, points);
  const { set, rows } = points;
  // biome-ignore lint/suspicious/noExplicitAny: as the addon gives it.
  const models: any[] = await watched(job, { stage: 'training', unit: 'problems' }, shared =>
    addon.trainSvm(set, rows, labels, classes, settings, shared).catch(refuseComparison),
  );
  return models.map(model => ({ ...model, pairs: readPairs(model.pairs) }));
}

/** A trained model with its support vectors, ready to predict. Whoever made the set closes it, after `dispose`. */
export class SvmPredictor {
  // biome-ignore lint/suspicious/noExplicitAny: the addon's own object.
  readonly #native: any;
  readonly #support: SetRows;

  /** Row i of `support` is support vector i. Throws `option-invalid` for numbers that are not finite. */
  constructor(model: SvmModel, support: SetRows) {
    checkComparable(support, support);
    this.#support = support;
    const plain = { ...model, pairs: flatten(model.pairs) };
    try {
      this.#native = new addon.Svm(plain, support.set, support.rows);
    } catch (error) {
      refuseComparison(error as Error);
    }
  }

  /** D. */
  get dimensions(): number {
    return vectorLength(this.#support.set);
  }

  /**
   * Probabilities N x K; those of a model without them are shares of the votes. Memory beyond the result is bounded.
   * Throws `option-invalid` for vectors of another type or length, `memory-full`, `cancelled`.
   */
  async predict(vectors: SetRows, job: Job = {}): Promise<Float32Array> {
    checkComparable(vectors, this.#support);
    return watched(job, { stage: 'comparing', unit: 'cells' }, shared =>
      this.#native.predict(vectors.set, vectors.rows, shared).catch(refuseComparison),
    );
  }

  /** Probabilities of one vector, at once and on the calling thread; the same numbers. */
  predictOne(vector: Pixels): Float32Array {
    const own = { set: ImageSet.from(vector, this.#support.set.shape), rows: Int32Array.of(0) };
    checkComparable(own, this.#support);
    try {
      return this.#native.predictOne(vector);
    } catch (error) {
      return refuseComparison(error as Error);
    }
  }

  /** Frees native memory; predicting afterwards throws. */
  dispose(): void {
    this.#native.dispose();
  }
}

const pairFields = 9;

function readPairs(values: Float64Array): SvmPair[] {
  return Array.from({ length: values.length / pairFields }, (_, i) => {
    const own = Array.from(values.subarray(i * pairFields, (i + 1) * pairFields));
    const [first, second, rho, slope, offset, objective, iterations, bounded, converged] = own as [...Nine];
    return { first, second, rho, slope, offset, objective, iterations, bounded, converged: converged === 1 };
  });
}

type Nine = [number, number, number, number, number, number, number, number, number];

function flatten(pairs: SvmPair[]): Float64Array {
  return Float64Array.from(
    pairs.flatMap(({ converged, ...own }) => [
      ...[own.first, own.second, own.rho, own.slope, own.offset, own.objective, own.iterations, own.bounded],
      converged ? 1 : 0,
    ]),
  );
}
