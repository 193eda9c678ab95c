import { createRandom, shuffle } from '../dataset/random.ts';
import { Forest } from '../engine/forest.ts';
import { ImageSet } from '../engine/imageSet.ts';
import type { LabelledRows } from '../engine/labels.ts';
import type { Job } from '../job.ts';
import type { Finding } from './limits.ts';
import type { Measurements } from './measurements.ts';
import { standardiseFeatures } from './standardise.ts';

export interface LearnSettings {
  /** Share of the good images that may be lost. */
  goodLost: number;
  seed: number;
}

/** What is known of each row: 'good', a fault kind, or null. */
export type Labels = (string | null)[];

export interface Learned {
  findings: (Finding | null)[];
  /** Score above which an image is rejected. */
  threshold: number;
  /** Labelled images learnt from: each was judged only by trees that were grown without it. */
  learntFrom: number;
}

/** Labelled images that the trees grow on, at most; more make it slower and hardly better. */
const mostExamples = 6000;
const trees = 200;

/**
 * Learns from the labelled images what a bad one looks like, and judges every image by it. The threshold on the
 * probability of being bad is where `goodLost` of the labelled good ones are lost.
 */
export async function judgeByLabels(
  measured: Measurements,
  labels: Labels,
  settings: LearnSettings,
  job: Job = {},
): Promise<Learned> {
  const features = standardiseFeatures(measured);
  const kinds = ['good', ...new Set(labels.filter(label => label !== null && label !== 'good'))] as string[];
  const rows = drawExamples(labels, settings.seed);
  const examples = {
    set: vectorsOf(features),
    rows,
    labels: Int32Array.from(rows, row => kinds.indexOf(labels[row]!)),
    classes: kinds.length,
  };
  const scores = await scoreAll(examples, settings.seed, job);
  const goods = Float32Array.from(
    rows.filter(row => labels[row] === 'good'),
    row => scores.bad[row]!,
  );
  const threshold = thresholdFor(goods, settings.goodLost);
  const findings = Array.from(scores.bad, (bad, row) =>
    bad > threshold ? describe(kinds[scores.kind[row]!]!, bad, threshold) : null,
  );
  return { findings, threshold, learntFrom: rows.length };
}

/** Rows of labelled images: all, or a draw that keeps at most half the room for the good ones. */
function drawExamples(labels: Labels, seed: number): Int32Array {
  const random = createRandom(seed);
  const take = (wanted: (label: string) => boolean, most: number) => {
    const rows = Int32Array.from(labels.keys()).filter(row => labels[row] !== null && wanted(labels[row]!));
    shuffle(rows, random);
    return rows.subarray(0, most);
  };
  const bad = take(label => label !== 'good', mostExamples / 2);
  const good = take(label => label === 'good', mostExamples - bad.length);
  return Int32Array.from([...bad, ...good]).sort();
}

/** The features of every image as a vector. */
function vectorsOf(features: Float32Array[]): ImageSet {
  const [width, count] = [features.length, features[0]!.length];
  const vectors = new Float32Array(width * count);
  features.forEach((column, d) => {
    for (let row = 0; row < count; row++) vectors[row * width + d] = column[row]!;
  });
  return ImageSet.from(vectors, { channels: 1, height: 1, width });
}

/** Probability of being bad, and the most probable fault, of every row. */
async function scoreAll(
  examples: LabelledRows,
  seed: number,
  job: Job,
): Promise<{ bad: Float32Array; kind: Uint8Array }> {
  const { set, rows, classes: K } = examples;
  const options = {
    ...{ trees, minimalLeaf: 1, featuresPerNode: Math.ceil(set.shape.width / 3) },
    ...{ classWeights: new Float64Array(K).fill(1), seed },
  };
  const { forest, outOfBag } = await Forest.grow(examples, options, job);
  const votes = await forest.predict(
    set,
    Int32Array.from({ length: set.count }, (_, row) => row),
    job,
  );
  forest.dispose();
  // With dozens of trees every example is left out by some; one that was not is called unknown.
  const unseen = (i: number) => {
    const own = outOfBag.subarray(i * K, (i + 1) * K);
    return own.some(vote => vote > 0) ? own : own.fill(1 / K);
  };
  rows.forEach((row, i) => {
    votes.set(unseen(i), row * K);
  });
  const of = (row: number) => votes.subarray(row * K, (row + 1) * K);
  return {
    bad: Float32Array.from({ length: set.count }, (_, row) => 1 - of(row)[0]!),
    kind: Uint8Array.from({ length: set.count }, (_, row) => likeliestFault(of(row))),
  };
}

function likeliestFault(votes: Float32Array): number {
  let best = 1;
  for (let k = 2; k < votes.length; k++) if (votes[k]! > votes[best]!) best = k;
  return best;
}

/** The smallest threshold above which no more than the share of the good scores lies. */
function thresholdFor(goods: Float32Array, share: number): number {
  const sorted = goods.slice().sort();
  return sorted[sorted.length - 1 - Math.floor(share * sorted.length)]!;
}

function describe(kind: string, bad: number, threshold: number): Finding {
  return { kind, reason: `${kind}: bad with probability ${bad.toFixed(2)} > ${threshold.toFixed(2)}` };
}
