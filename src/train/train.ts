import { basename, join, resolve } from 'node:path';
import { Dataset } from '../dataset/dataset.ts';
import { Network } from '../engine/network.ts';
import type { NetworkSpec } from '../engine/networkSpec.ts';
import { getThreads, setThreads } from '../engine/threads.ts';
import { BrightcellError } from '../errors.ts';
import type { Job } from '../job.ts';
import { buildNetwork } from '../models/registry.ts';
import { writeWholeFile } from '../wholeFile.ts';
import type { LabelledRows } from './batches.ts';
import { selectTrainingCells } from './cells.ts';
import { maybeReadCheckpoint } from './checkpoint.ts';
import { checkDecoder, checkRunOptions, resolveConfig, type TrainOptions } from './config.ts';
import { noteFinish, noteStart } from './provenance.ts';
import type { TrainConfig } from './recipes.ts';
import type { TrainReport } from './report.ts';
import { createRun, openRun, type RunFolder } from './runFolder.ts';
import { Training } from './training.ts';

export type { PartScore, TrainReport } from './report.ts';

/** A training, and what whoever goes on with its model need not find out again. */
export interface Trained {
  report: TrainReport;
  cells: { training: LabelledRows; validation: LabelledRows };
  /** See `Training.bestSeen`. */
  seen: Float32Array | null;
}

/**
 * Trains a network on a split data set and writes a run folder: `config.json`, `model/` with the best weights,
 * `checkpoints/`, `epochs.csv`, `provenance.json`. The same data, settings and seed give the same weights on any
 * number of threads. Cancelling finishes the step and saves; with `resume` a run that was stopped or killed goes on
 * to the same weights as if it had never stopped.
 *
 * Throws `option-invalid`, `network-invalid`, `dataset-unsplit`, `classes-missing`, `run-exists`, `run-missing`,
 * `run-locked`, `checkpoint-corrupt`, `checkpoint-mismatch`, `training-diverged`, `disk-full`, `cancelled` (with the
 * field `run`), and what opening the data set throws.
 */
export async function train(
  dataset: string,
  options: TrainOptions = {},
  job: Job = {},
): Promise<TrainReport> {
  return (await trainAndKeep(dataset, options, job)).report;
}

/** Trains as `train` does. */
export async function trainAndKeep(dataset: string, options: TrainOptions, job: Job): Promise<Trained> {
  checkRunOptions(options);
  const data = await Dataset.open(dataset, 'read');
  const threadsBefore = getThreads();
  try {
    if (options.threads !== undefined) setThreads(options.threads);
    return await (options.resume === undefined
      ? startRun(data, options, job)
      : resumeRun(data, options.resume, job));
  } finally {
    setThreads(threadsBefore);
    await data.close();
  }
}

async function startRun(dataset: Dataset, options: TrainOptions, job: Job): Promise<Trained> {
  const { fold } = await resolveConfig(options, 1); // a wrong setting is said before a missing split
  const cells = await selectTrainingCells(dataset, fold);
  const config = await resolveConfig(options, cells.training.rows.length);
  const spec = await buildNetwork(config.model, dataset.header, dataset.header.classes.length);
  checkDecoder(config, spec);
  const base = `${basename(resolve(dataset.path))}-${spec.name.replace(/[^\w.-]+/g, '-')}`;
  await dataset.requireIntact(job);
  const run = await createRun(options.out ?? 'runs', options.name, base);
  return withRun(run, async () => {
    await writeWholeFile(join(run.path, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
    const network = createNetwork(spec, config);
    return finish(new Training({ run: run.path, config, dataset, cells, network }), cells, job);
  });
}

async function resumeRun(dataset: Dataset, path: string, job: Job): Promise<Trained> {
  const run = await openRun(path);
  return withRun(run, async () => {
    const config = await readConfig(path);
    const cells = await selectTrainingCells(dataset, config.fold);
    const checkpoint = await maybeReadCheckpoint(path, 'last');
    if (checkpoint && checkpoint.cells !== cells.digest) throw otherCells(path, dataset.path);
    await dataset.requireIntact(job);
    const spec =
      checkpoint?.network ??
      (await buildNetwork(config.model, dataset.header, dataset.header.classes.length));
    const network = createNetwork(spec, config);
    if (checkpoint) network.load(checkpoint.tensors);
    return finish(
      new Training({ run: path, config, dataset, cells, network, state: checkpoint?.state }),
      cells,
      job,
    );
  });
}

function createNetwork(spec: NetworkSpec, { seed, initialiser, precision }: TrainConfig): Network {
  return new Network(spec, { seed, initialiser, precision });
}

async function withRun<T>(run: RunFolder, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    await run.release();
  }
}

async function finish(training: Training, cells: Trained['cells'], job: Job): Promise<Trained> {
  const { run, config, dataset, state } = training;
  try {
    await noteStart(run, dataset, config, state);
    const report = await training.toTheEnd(job);
    await noteFinish(run);
    return { report, cells, seen: training.bestSeen };
  } finally {
    training.network.dispose();
  }
}

async function readConfig(run: string): Promise<TrainConfig> {
  // Complete settings: nothing is left to the recipe, so the number of cells does not matter.
  return resolveConfig({ config: join(run, 'config.json') }, 1);
}

function otherCells(run: string, dataset: string): BrightcellError {
  return new BrightcellError(
    'checkpoint-mismatch',
    `${run} can only go on with the cells it started with, but those of ${dataset} are others: it was screened, split or ` +
      'imported again, or is another data set. Give the data set as it was, or start a new run.',
    { fields: { run, dataset } },
  );
}
