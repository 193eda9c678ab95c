import { freemem } from 'node:os';
import { BrightcellError } from '../errors.ts';
import type { Job } from '../job.ts';
import { addon } from './addon.ts';
import { checkRows, type ImageSet, type Pixels } from './imageSet.ts';
import { checkLabels, type LabelledRows } from './labels.ts';
import { asBrightcellError, watched } from './watch.ts';

// N vectors, D features, K classes, T trees.

export interface ForestOptions {
  trees: number;
  /** Vectors of a tree's sample that a leaf must hold at least, each counted once. */
  minimalLeaf: number;
  /** Features that a node looks at; 0: the square root of D, rounded down. */
  featuresPerNode: number;
  /** One for each class, finite and at least 0. */
  classWeights: Float64Array;
  seed: number;
}

/**
 * A forest as flat tables of all trees, one behind the other: nodes and rows of `shares` of each tree [T]; of each
 * node its feature (-1: leaf of class `next`; -2: leaf with row `next` of its tree's shares), cut, first child `next`
 * within its tree, and gain; shares [rows, K].
 */
export interface ForestTables {
  nodes: Float32Array;
  shareRows: Float32Array;
  feature: Float32Array;
  cut: Float32Array;
  next: Float32Array;
  gain: Float32Array;
  shares: Float32Array;
}

const mostVectors = 2 ** 23; // a node's number within its tree must be exact as a float

/** A random forest held by the native core. */
export class Forest {
  readonly features: number;
  readonly classes: number;
  readonly trees: number;
  /** Nodes of all trees together, leaves included. */
  readonly nodes: number;
  // biome-ignore lint/suspicious/noExplicitAny: the native class; undefined once disposed.
  #native: any;

  // biome-ignore lint/suspicious/noExplicitAny: as above.
  private constructor(native: any) {
    this.#native = native;
    const { features, classes, trees, nodes } = native.describe();
    [this.features, this.classes, this.trees, this.nodes] = [features, classes, trees, nodes];
  }

  /**
   * Grows a forest (Breiman 2001; Gini impurity, 256 ranges a feature). `outOfBag` is N x K: of each vector the mean
   * shares from the trees that were grown without it, zeros where there is none. The same bits on any number of
   * threads. Throws `option-invalid`, `vectors-invalid`, `memory-full` and `cancelled`.
   */
  static async grow(
    { set, rows, labels, classes }: LabelledRows,
    options: ForestOptions,
    job: Job = {},
  ): Promise<{ forest: Forest; outOfBag: Float32Array }> {
    if (rows.length < 1 || rows.length > mostVectors)
      throw invalid(
        `A forest learns from 1 to ${mostVectors} vectors. Received ${rows.length}. Take a subsample.`,
      );
    checkRows(rows, set.count);
    checkLabels(labels, rows.length, classes);
    checkMemory(rows.length, set, classes);
    const native = new addon.NativeForest();
    const about = { stage: 'growing trees', unit: 'trees' };
    const outOfBag = await watched(job, about, shared =>
      native.grow(set, rows, labels.slice(), classes, options, shared),
    );
    return { forest: new Forest(native), outOfBag: outOfBag as Float32Array };
  }

  /** A forest from tables that may come from anywhere; throws an Error that says what is wrong with them. */
  static from(features: number, classes: number, tables: ForestTables): Forest {
    const native = new addon.NativeForest();
    native.load(features, classes, tables);
    return new Forest(native);
  }

  /** Mean shares of the trees, N x K row major. */
  async predict(set: ImageSet, rows: Int32Array, job: Job = {}): Promise<Float32Array> {
    const native = this.#alive();
    const { channels, height, width } = set.shape;
    this.#checkSize(channels * height * width);
    checkRows(rows, set.count);
    const about = { stage: 'classifying', unit: 'cells' };
    return watched(job, about, shared => native.predict(set, rows, shared));
  }

  /** Mean shares (K) of one vector, the same numbers as `predict` gives, on the calling thread. */
  predictOne(vector: Pixels): Float32Array {
    const native = this.#alive();
    this.#checkSize(vector.length);
    try {
      return native.predictOne(vector);
    } catch (error) {
      throw asBrightcellError(error);
    }
  }

  /** Share of each feature in the decrease of impurity, mean over the trees; adds up to 1, or 0 without any cut. */
  importances(): Float64Array {
    return this.#alive().importances();
  }

  tables(): ForestTables {
    return this.#alive().tables();
  }

  /** Frees the trees as soon as no prediction runs. */
  dispose(): void {
    this.#native?.dispose();
    this.#native = undefined;
  }

  #alive() {
    if (this.#native === undefined) throw new Error('the forest is disposed of');
    return this.#native;
  }

  #checkSize(size: number): void {
    if (size !== this.features)
      throw invalid(`The forest takes vectors of ${this.features} numbers. Received ${size}.`);
  }
}

function checkMemory(count: number, { shape }: ImageSet, classes: number): void {
  const needed = addon.forestBytes(count, shape.channels * shape.height * shape.width, classes);
  const available = process.availableMemory?.() ?? freemem();
  if (needed <= available) return;
  const size = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  throw new BrightcellError(
    'memory-full',
    `A forest needs ${size(needed)} of memory to learn from ${count} vectors of this size. ${size(available)} are ` +
      'free. Use fewer training cells, smaller images or features.',
    { fields: { needed, available } },
  );
}

function invalid(message: string): BrightcellError {
  return new BrightcellError('option-invalid', message);
}
