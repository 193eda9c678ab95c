// N vectors, D numbers each, K classes.
import { join } from 'node:path';
import { z } from 'zod';
import { checkRows } from '../engine/imageSet.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { corruptModel } from '../models/modelFiles.ts';
import { readSafetensors, writeSafetensors } from '../models/safetensors.ts';
import type { Fitted, LabelledVectors, Learner, Vectors } from './learner.ts';
import { isBetterScore, scoreVectors, type VectorScore } from './score.ts';
import { completeSettings, numberSetting, orAuto, type SettingsOf } from './settings.ts';

export interface CentroidSettings {
  sharpness: number | 'auto';
}

const rules: SettingsOf<CentroidSettings> = {
  sharpness: orAuto(
    numberSetting(
      { above: 0, high: 1e6 },
      1,
      'how fast probability falls with distance; does not move classes',
    ),
  ),
};

/**
 * The nearest class mean: the plainest method there is, and the least that any other must beat. A vector x has class
 * k with probability proportional to exp(-s d_k / w), where d_k is its squared distance to the mean of class k, w the
 * mean squared distance of training vectors to their own mean, and s the sharpness.
 */
export const centroid: Learner<CentroidSettings> = {
  name: 'centroid',
  about: 'the nearest class mean, a baseline',
  needsStandardised: true,
  rules,
  settings: given => completeSettings('centroid', rules, given),
  fit: fitCentroid,
  load: loadCentroid,
};

/** What a vector's sharpness is chosen from: all of them name the same classes. */
const sharpnesses = Array.from({ length: 17 }, (_, i) => 2 ** (i - 4));

async function fitCentroid(
  training: LabelledVectors,
  validation: LabelledVectors | null,
  { sharpness }: CentroidSettings,
  job: Job = {},
): Promise<Fitted> {
  const { means, counts, D } = await averageClasses(training, job);
  const spread = await measureSpread(training, means, job);
  const learnt = { means, counts, D, spread, sharpness: sharpness === 'auto' ? 1 : sharpness };
  if (sharpness !== 'auto' || validation === null || validation.rows.length === 0)
    return new Centroids(learnt);
  return new Centroids({ ...learnt, sharpness: await chooseSharpness(learnt, validation, job) });
}

async function averageClasses(training: LabelledVectors, job: Job) {
  const { set, classes: K, labels } = training;
  const D = set.shape.channels * set.shape.height * set.shape.width;
  const sums = Array.from({ length: K }, () => new Float64Array(D));
  const counts = new Array<number>(K).fill(0);
  await visit(training, job, (vector, i) => {
    const sum = sums[labels[i]!]!;
    counts[labels[i]!]!++;
    for (let d = 0; d < D; d++) sum[d]! += vector[d]!;
  });
  const means = new Float32Array(K * D);
  sums.forEach((sum, k) => {
    if (counts[k]! > 0) for (let d = 0; d < D; d++) means[k * D + d] = sum[d]! / counts[k]!;
  });
  return { means, counts, D };
}

/** Mean squared distance of vectors to the mean of their own class; 1 where all stand on it. */
async function measureSpread(training: LabelledVectors, means: Float32Array, job: Job): Promise<number> {
  let sum = 0;
  await visit(training, job, (vector, i) => {
    sum += squaredDistance(vector, means, training.labels[i]! * vector.length);
  });
  return sum > 0 ? sum / training.rows.length : 1;
}

/** Calls `work` with every vector in order, and lets others work now and then. */
async function visit(
  { set, rows }: Vectors,
  job: Job,
  work: (vector: Uint8Array | Uint16Array | Float32Array, i: number) => void,
): Promise<void> {
  checkRows(rows, set.count);
  for (let i = 0; i < rows.length; i++) {
    if (i % 256 === 255) await new Promise(setImmediate);
    throwIfCancelled(job);
    work(set.read(rows[i]!), i);
  }
}

function squaredDistance(vector: ArrayLike<number>, means: Float32Array, at: number): number {
  let sum = 0;
  for (let d = 0; d < vector.length; d++) {
    const difference = vector[d]! - means[at + d]!;
    sum += difference * difference;
  }
  return sum;
}

/** The sharpness with the least loss on the validation vectors. */
async function chooseSharpness(learnt: Learnt, validation: LabelledVectors, job: Job): Promise<number> {
  const distances = await new Centroids(learnt).distances(validation, job);
  const K = learnt.counts.length;
  let best: { score: VectorScore; sharpness: number } | undefined;
  for (const sharpness of sharpnesses) {
    const probabilities = new Float32Array(validation.rows.length * K);
    for (let i = 0; i < validation.rows.length; i++) {
      const own = distances.subarray(i * K, (i + 1) * K);
      probabilities.set(weigh(own, { ...learnt, sharpness }), i * K);
    }
    const score = scoreVectors(probabilities, validation.labels, K);
    if (isBetterScore(score, best?.score)) best = { score, sharpness };
  }
  return best!.sharpness;
}

interface Learnt {
  /** K x D. */
  means: Float32Array;
  /** Training vectors of each class. */
  counts: number[];
  D: number;
  spread: number;
  sharpness: number;
}

class Centroids implements Fitted {
  readonly #learnt: Learnt;

  constructor(learnt: Learnt) {
    this.#learnt = learnt;
  }

  get dimensions(): number {
    return this.#learnt.D;
  }

  get classes(): number {
    return this.#learnt.counts.length;
  }

  get facts() {
    const { sharpness, spread } = this.#learnt;
    return { sharpness, spread };
  }

  /** Squared distances N x K; infinite to a class without a mean. */
  async distances(vectors: Vectors, job: Job = {}): Promise<Float64Array> {
    const K = this.classes;
    const distances = new Float64Array(vectors.rows.length * K);
    await visit(vectors, job, (vector, i) => distances.set(this.#distancesOf(vector), i * K));
    return distances;
  }

  async predict(vectors: Vectors, job: Job = {}): Promise<Float32Array> {
    const K = this.classes;
    const probabilities = new Float32Array(vectors.rows.length * K);
    await visit(vectors, job, (vector, i) => probabilities.set(this.predictOne(vector), i * K));
    return probabilities;
  }

  predictOne(vector: Uint8Array | Uint16Array | Float32Array): Float32Array {
    return weigh(this.#distancesOf(vector), this.#learnt);
  }

  #distancesOf(vector: ArrayLike<number>): Float64Array {
    const { means, counts, D } = this.#learnt;
    return Float64Array.from(counts, (count, k) =>
      count > 0 ? squaredDistance(vector, means, k * D) : Number.POSITIVE_INFINITY,
    );
  }

  async save(folder: string): Promise<unknown> {
    const { means, counts, D, spread, sharpness } = this.#learnt;
    const shape = [counts.length, D];
    await writeSafetensors(join(folder, 'means.safetensors'), [{ name: 'means', shape, data: means }]);
    return { counts, dimensions: D, spread, sharpness };
  }

  dispose(): void {}
}

/** Probabilities of K classes from squared distances. */
function weigh(distances: Float64Array, { spread, sharpness }: Learnt): Float32Array {
  const least = distances.reduce((low, d) => Math.min(low, d), Number.POSITIVE_INFINITY);
  const weights = distances.map(d => Math.exp((-sharpness * (d - least)) / spread));
  const sum = weights.reduce((all, weight) => all + weight, 0);
  return Float32Array.from(weights, weight => weight / sum);
}

const schema = z.object({
  counts: z.array(z.int().min(0)).min(2),
  dimensions: z.int().min(1),
  spread: z.number().positive(),
  sharpness: z.number().positive(),
});

async function loadCentroid(folder: string, description: unknown): Promise<Fitted> {
  const path = join(folder, 'means.safetensors');
  const parsed = schema.safeParse(description);
  if (!parsed.success) throw corruptModel(path, 'its description lacks what is needed');
  const { counts, dimensions: D, spread, sharpness } = parsed.data;
  if (!counts.some(count => count > 0)) throw corruptModel(path, 'no class has a mean');
  const { tensors } = await readSafetensors(path);
  const [means] = tensors;
  if (tensors.length !== 1 || means!.shape.join() !== `${counts.length},${D}`) {
    throw corruptModel(path, `it must hold ${counts.length} means of ${D} numbers`);
  }
  if (!means!.data.every(Number.isFinite)) throw corruptModel(path, 'a mean is no number');
  return new Centroids({ means: means!.data, counts, D, spread, sharpness });
}
