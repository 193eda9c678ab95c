// N cells, D numbers each, K classes, R repeats.
import { vectorShape } from '../classifiers/makeVectors.ts';
import { rememberVectors } from '../classifiers/rememberedVectors.ts';
import type { Dataset } from '../dataset/dataset.ts';
import { measureFeatures } from '../engine/features.ts';
import { ImageSet } from '../engine/imageSet.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { maybeLoadLearner } from '../learners/registry.ts';
import { fitMethod } from '../methods/fitMethod.ts';
import { openSource } from '../methods/fitPlain.ts';
import { parseMethod, withSeed } from '../methods/method.ts';
import { mixSeed } from '../train/seed.ts';
import { drawFolds } from './crossValidate.ts';
import type { Sample } from './sample.ts';

/** What learns from all folds but one and judges that one: rows of the sample in, N' x K probabilities out. */
export type Judge = (training: Int32Array, held: Int32Array, seed: number, job: Job) => Promise<Float32Array>;

export const judgeFolds = 5;

/**
 * Probabilities of every class for each cell, N x K, from classifiers that have not seen it: the mean over `repeats`
 * draws of 5 folds, each with its share of every class.
 */
export async function judgeOutOfFold(
  { labels, K, judge }: { labels: Int32Array; K: number; judge: Judge },
  { seed, repeats }: { seed: number; repeats: number },
  job: Job,
): Promise<Float32Array> {
  const mean = new Float32Array(labels.length * K);
  for (let repeat = 0; repeat < repeats; repeat++) {
    const folds = drawFolds(labels, judgeFolds, mixSeed(seed, 6401, repeat) % 2 ** 31);
    for (let fold = 0; fold < judgeFolds; fold++) {
      throwIfCancelled(job);
      const done = repeat * judgeFolds + fold;
      job.onProgress?.({ stage: 'judging', done, total: repeats * judgeFolds, unit: 'folds' });
      const rows = (is: boolean) =>
        Int32Array.from(labels.keys()).filter(row => (folds[row] === fold) === is);
      const [held, training] = [rows(true), rows(false)];
      if (held.length === 0 || training.length === 0) continue;
      const own = await judge(training, held, mixSeed(seed, 6402, repeat, fold), { signal: job.signal });
      for (const [i, row] of held.entries())
        for (let k = 0; k < K; k++) mean[row * K + k]! += own[i * K + k]! / repeats;
    }
  }
  return mean;
}

/** A random forest on hand-made features, which are measured once. `close` lets go of them. */
export async function createForestJudge(
  dataset: Dataset,
  sample: Sample,
  labels: Int32Array,
  job: Job,
): Promise<{ judge: Judge; close: () => void }> {
  const values = await measureFeatures(dataset.images(), sample.id, job);
  const K = dataset.header.classes.length;
  const set = ImageSet.from(values, vectorShape(values.length / sample.count));
  const learner = (await maybeLoadLearner('forest'))!;
  const judge: Judge = async (training, held, seed, own) => {
    const settings = learner.settings({ trees: 200, minimalLeaf: 2, seed: seed % 2 ** 31 });
    const known = { set, rows: training, labels: training.map(row => labels[row]!), classes: K };
    const fitted = await learner.fit(known, null, settings, own);
    try {
      return await fitted.predict({ set, rows: held }, own);
    } finally {
      fitted.dispose();
    }
  };
  return { judge, close: () => set.close() };
}

/** Any method that `train` knows, with its own settings; vectors of plain methods are made once. */
export async function createMethodJudge(
  dataset: Dataset,
  sample: Sample,
  labels: Int32Array,
  name: string,
): Promise<{ judge: Judge; close: () => void }> {
  const method = parseMethod(name);
  const source = method.kind === 'plain' ? rememberVectors(await openSource(method, dataset)) : undefined;
  const judge: Judge = async (training, held, seed, job) => {
    const rows = (of: Int32Array) => of.map(row => sample.id[row]!);
    const cells = {
      training: { rows: rows(training), labels: training.map(row => labels[row]!) },
      validation: { rows: new Int32Array(0), labels: new Int32Array(0) },
    };
    const settings = await withSeed(name, {}, seed % 2 ** 31);
    const { classifier } = await fitMethod(dataset, name, settings, cells, job, source);
    try {
      return await classifier.predict(dataset.images(), rows(held), job);
    } finally {
      classifier.dispose();
    }
  };
  return { judge, close: () => source?.forget() };
}
