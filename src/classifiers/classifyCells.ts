import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { Dataset } from '../dataset/dataset.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { checkPrepared } from './checkPrepared.ts';
import type { Judge, Judgement } from './judge.ts';
import { type ClassifyStep, makePredictions } from './prediction.ts';

export function isDataset(path: string): Promise<boolean> {
  return access(join(path, 'dataset.json')).then(
    () => true,
    () => false,
  );
}

const chunk = 2048;

/** Classifies the cells of a data set that screening has not rejected; throws `model-mismatch`. */
export async function classifyCells(
  judge: Judge,
  path: string,
  job: Job,
): Promise<{ total: number; steps: AsyncGenerator<ClassifyStep> }> {
  const ids = await withDataset(path, async dataset => {
    checkPrepared(judge.classifier, dataset);
    return (await dataset.cells({ includeUnlabelled: true })).id;
  });
  return { total: ids.length, steps: classifyIds(judge, path, ids, job) };
}

async function* classifyIds(
  judge: Judge,
  path: string,
  ids: Int32Array,
  job: Job,
): AsyncGenerator<ClassifyStep> {
  const dataset = await Dataset.open(path, 'read');
  const predict = (at: number) => {
    const judgement = judge.judge(dataset.images(), ids.subarray(at, at + chunk), job);
    judgement.catch(() => {}); // when nobody asks for it any more; who awaits it still learns of it
    return judgement;
  };
  let next: Promise<Judgement> | undefined;
  try {
    next = predict(0);
    for (let at = 0; at < ids.length; at += chunk) {
      const judgement = await next;
      throwIfCancelled(job);
      // The engine goes on while the caller writes these down.
      if (at + chunk < ids.length) next = predict(at + chunk);
      const sources = Array.from(ids.subarray(at, at + chunk), id => ({ source: `${path}#${id}`, frame: 0 }));
      const predictions = makePredictions(sources, judge, judgement);
      yield { predictions, failures: [], rescaled: 0 };
    }
  } finally {
    await next?.catch(() => {});
    await dataset.close();
  }
}

async function withDataset<T>(path: string, work: (dataset: Dataset) => Promise<T>): Promise<T> {
  const dataset = await Dataset.open(path, 'read');
  try {
    return await work(dataset);
  } finally {
    await dataset.close();
  }
}
