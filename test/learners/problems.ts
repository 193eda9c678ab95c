// N vectors, D features, K classes.
import { readFileSync } from 'node:fs';
import { ImageSet, type Pixels } from '../../src/engine/imageSet.ts';
import type { LabelledVectors } from '../../src/learners/learner.ts';

export interface Regression {
  C: number;
  classWeights: 'none' | 'balanced';
  /** [K, D] and K, for standardised vectors. */
  coefficients: number[];
  intercepts: number[];
  /** Of the vectors that were not trained on; base64 of float32. */
  probabilities: string;
}

/** Mean and standard deviation over seeds. */
export interface ForestScores {
  classWeights: 'none' | 'balanced';
  minimalLeaf: number;
  accuracy: [number, number];
  loss: [number, number];
}

export interface Problem {
  name: string;
  training: LabelledVectors;
  test: LabelledVectors;
  regressions: Regression[];
  forests: ForestScores[];
}

interface Stored extends Omit<Problem, 'training' | 'test'> {
  type: 'uint8' | 'float32';
  features: number;
  classes: number;
  training: number;
  numbers: string;
  labels: string;
}

const stored: { trees: number; floor: number; cases: Stored[] } = JSON.parse(
  readFileSync(new URL('fixtures/scikit-learn.json', import.meta.url), 'utf8'),
);

/** Trees of scikit-learn's forests, and the least probability that their loss counts. */
export const { trees, floor } = stored;

/** Real and made-up problems with what scikit-learn makes of them. */
export const problems: Problem[] = stored.cases.map(one => {
  const bytes = decode(one.numbers);
  const numbers = one.type === 'uint8' ? bytes : new Float32Array(bytes.buffer);
  const all = vectorsOf(numbers, one.features, [...decode(one.labels)], one.classes);
  const part = (from: number, to?: number) => ({
    ...all,
    rows: all.rows.slice(from, to),
    labels: all.labels.slice(from, to),
  });
  return { ...one, training: part(0, one.training), test: part(one.training) };
});

/** Labelled vectors of one typed array, N x D. */
export function vectorsOf(numbers: Pixels, D: number, labels: number[], classes: number): LabelledVectors {
  const set = ImageSet.from(numbers, { channels: 1, height: 1, width: D });
  const rows = Int32Array.from({ length: set.count }, (_, i) => i);
  return { set, rows, labels: Int32Array.from(labels), classes };
}

export function floatsOf(base64: string): Float32Array {
  return new Float32Array(decode(base64).buffer);
}

/** Bytes in memory of their own. */
function decode(base64: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(base64, 'base64'));
}

/** Every probability in [0, 1], and each row adding up to 1. */
export function areProbabilities(probabilities: Float32Array, K: number): boolean {
  for (let i = 0; i < probabilities.length; i += K) {
    const own = probabilities.subarray(i, i + K);
    const sum = own.reduce((all, p) => all + p, 0);
    if (!own.every(p => p >= 0 && p <= 1) || Math.abs(sum - 1) > 1e-5) return false;
  }
  return probabilities.length % K === 0;
}
