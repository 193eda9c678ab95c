import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadClassifier } from '../classifiers/loadClassifier.ts';
import type { Dataset } from '../dataset/dataset.ts';
import type { Job } from '../job.ts';
import { trainCells } from '../train/trainCells.ts';
import type { FittedMethod, MethodCells } from './fittedMethod.ts';

/** Trains a network; its checkpoints stand in a temporary folder, and the best weights are kept. */
export async function fitNetwork(
  dataset: Dataset,
  name: string,
  settings: Record<string, unknown>,
  cells: MethodCells,
  job: Job,
): Promise<FittedMethod> {
  const started = performance.now();
  const folder = await mkdtemp(join(tmpdir(), 'brightcell-'));
  try {
    const { report, config } = await trainCells(dataset, { ...settings, model: name }, cells, folder, job);
    const { parameters, epochs, bestEpoch, stopped, validation } = report;
    const { model: _model, fold: _fold, ...full } = config;
    return {
      ...{ method: name, settings: full, facts: { parameters, epochs, bestEpoch, stopped }, validation },
      seconds: (performance.now() - started) / 1000,
      classifier: await loadClassifier(report.model, { precision: config.precision }),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
