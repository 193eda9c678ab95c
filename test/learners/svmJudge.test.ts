// Against LIBSVM inside scikit-learn, on real cells: bench/peers/libsvm.py made the reference.
import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { SvmPredictor, type TrainedSvm, trainSvms, usualGamma } from '../../src/engine/svm.ts';
import { type RealCells, readRealCells, realImages } from './realImages.ts';

interface Reference {
  side: number;
  classes: string[];
  crc32: number;
  cells: ReferenceCell[];
}

interface ReferenceCell {
  c: number;
  /** Of gamma 'scale'. */
  factor: number;
  gamma: number;
  classWeights: 'none' | 'balanced';
  /** Places among the training cells. */
  support: number[];
  /** A number each pair. */
  objectives: number[];
  intercepts: number[];
  predictions: number[];
  probabilities?: number[][];
}

const references: Record<string, Reference> = JSON.parse(
  readFileSync(new URL('fixtures/libsvm.json', import.meta.url), 'utf8'),
);

describe.skipIf(!realImages)('against LIBSVM', () => {
  let asked = 0;
  let same = 0;

  describe.each(Object.entries(references))('on %s', (name, { side, classes, crc32: checksum, cells }) => {
    const read = readRealCells(name, side, classes);

    test('both read the same pixels', async () => {
      const { pixels, training } = await read;
      expect(crc32(pixels)).toBe(checksum);
      expect(await usualGamma(training)).toBeCloseTo(cells[0]!.gamma / cells[0]!.factor, 8);
    });

    test.each(cells)(
      'C $c, gamma $factor x scale, weights $classWeights: the same machines',
      async reference => {
        const real = await read;
        const model = await trainAs(real, reference, reference.probabilities !== undefined);
        checkMachines(model, reference, real.training.rows.length);
        const predictor = new SvmPredictor({ ...model, probability: false }, supportOf(real, model));
        const votes = await predictor.predict(real.held);
        const named = argmax(votes, classes.length);
        asked += named.length;
        same += named.filter((label, i) => label === reference.predictions[i]).length;
        if (reference.probabilities) await checkProbabilities(model, real, reference.probabilities);
      },
    );
  });

  test('at least 99.9 % of all held-out predictions are the same', () => {
    expect(asked).toBeGreaterThan(7000);
    expect(same / asked).toBeGreaterThanOrEqual(0.999);
  });
});

async function trainAs(
  { training }: RealCells,
  reference: ReferenceCell,
  probability: boolean,
): Promise<TrainedSvm> {
  const { labels, classes } = training;
  const counts = new Float64Array(classes);
  for (const label of labels) counts[label]!++;
  const balanced = reference.classWeights === 'balanced';
  const weights = counts.map(count => (balanced ? labels.length / (classes * count) : 1));
  const { c, gamma } = reference;
  const settings = {
    c,
    gamma,
    weights,
    tolerance: 1e-3,
    iterations: 0,
    probability,
    seed: 1,
    cacheBytes: 2 ** 28,
  };
  const [model] = await trainSvms(training, labels, classes, [settings]);
  return model!;
}

function checkMachines(model: TrainedSvm, reference: ReferenceCell, points: number): void {
  model.pairs.forEach((pair, i) => {
    expect(Math.abs(pair.objective / reference.objectives[i]! - 1)).toBeLessThan(1e-4);
    expect(Math.abs(pair.rho + reference.intercepts[i]!)).toBeLessThan(2e-2);
  });
  const ours = new Set(model.support);
  const theirs = new Set(reference.support);
  const different =
    [...ours].filter(n => !theirs.has(n)).length + [...theirs].filter(n => !ours.has(n)).length;
  expect(different / points).toBeLessThan(0.005);
}

function supportOf({ training }: RealCells, { support }: TrainedSvm) {
  return { set: training.set, rows: support.map(place => training.rows[place]!) };
}

/** The folds are dealt by another generator, so probabilities agree in the mean only. */
async function checkProbabilities(model: TrainedSvm, real: RealCells, expected: number[][]): Promise<void> {
  const predictor = new SvmPredictor(model, supportOf(real, model));
  const probabilities = await predictor.predict(real.held);
  const K = model.classes;
  const means = Array.from({ length: K }, (_, k) => {
    const own = expected.map((row, i) => [probabilities[i * K + k]!, row[k]!] as const);
    return own.reduce((sum, [ours, theirs]) => [sum[0]! + ours, sum[1]! + theirs], [0, 0]);
  });
  const N = expected.length;
  for (const [ours, theirs] of means) expect(Math.abs(ours! - theirs!) / N).toBeLessThan(0.01);
  const apart = expected.flatMap((row, i) => row.map((p, k) => Math.abs(p - probabilities[i * K + k]!)));
  expect(apart.reduce((sum, p) => sum + p, 0) / apart.length).toBeLessThan(0.02);
}

function argmax(probabilities: Float32Array, K: number): number[] {
  return Array.from({ length: probabilities.length / K }, (_, i) => {
    const own = probabilities.subarray(i * K, (i + 1) * K);
    return own.indexOf(Math.max(...own));
  });
}
