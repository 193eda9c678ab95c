import { createRandom, shuffle } from '../dataset/random.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { type Examples, Forest } from './forest.ts';
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
  const examples: Examples = {
    features: features.map(column => Float32Array.from(rows, row => column[row]!)),
    classes: Int32Array.from(rows, row => kinds.indexOf(labels[row]!)),
    classCount: kinds.length,
  };
  const forest = await Forest.grow(examples, { trees, seed: settings.seed }, async done => {
    job.onProgress?.({ stage: 'learning', done, total: trees, unit: 'trees' });
    await new Promise(resolve => setImmediate(resolve));
    throwIfCancelled(job);
  });
  const scores = await scoreAll(forest, features, examples, rows, job);
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

/** Probability of being bad, and the most probable fault, of every row. */
async function scoreAll(
  forest: Forest,
  features: Float32Array[],
  examples: Examples,
  rows: Int32Array,
  job: Job,
): Promise<{ bad: Float32Array; kind: Uint8Array }> {
  const count = features[0]!.length;
  const bad = new Float32Array(count);
  const kind = new Uint8Array(count);
  const votes = new Float64Array(forest.classCount);
  const exampleOf = new Map(Array.from(rows, (row, i) => [row, i]));
  for (let row = 0; row < count; row++) {
    const example = exampleOf.get(row);
    if (example === undefined) forest.predict(features, row, votes);
    else forest.predictUnseen(examples, example, votes);
    bad[row] = 1 - votes[0]!;
    kind[row] = likeliestFault(votes);
    if (row % 2000 !== 1999) continue;
    job.onProgress?.({ stage: 'judging', done: row + 1, total: count, unit: 'images' });
    await new Promise(resolve => setImmediate(resolve));
    throwIfCancelled(job);
  }
  return { bad, kind };
}

function likeliestFault(votes: Float64Array): number {
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
