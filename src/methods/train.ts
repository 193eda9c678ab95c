import type { Job } from '../job.ts';
import { checkRunOptions } from '../train/config.ts';
import { type Trained, trainAndKeep } from '../train/train.ts';
import { calibrateRun } from './calibrate.ts';
import { chooseMethod, type MethodTrainOptions, networkOptions } from './options.ts';
import type { CalibratedReport, MethodReport } from './report.ts';
import { maybeSplit } from './splitFirst.ts';
import { trainPlain } from './trainPlain.ts';

/**
 * Trains any method on a split data set and writes a run folder, from which `evaluate` and `classify` go on. Networks
 * learn as `src/train/` says. A plain method is fitted on the training part in one go, what its settings leave open
 * is chosen on the validation part, and its run holds `config.json`, `model/`, `report.json` and `provenance.json`. The same data, settings and seed give the same
 * model on any number of threads. With `resume`, a network goes on where it stopped, a plain method that was stopped
 * is fitted again from the start with its settings, and a run that is complete gives its report. With `splitBy` the data
 * set is split first, unless it is split so already.
 *
 * Throws `option-invalid`, `network-invalid`, `dataset-unsplit`, `classes-missing`, `run-exists`, `run-missing`,
 * `run-locked`, `split-exists`, `split-impossible`, `checkpoint-corrupt`, `checkpoint-mismatch`, `training-diverged`, `model-missing` and `model-mismatch`
 * for the network of an embedding, `disk-full`, `cancelled` (with the field `run`), and what opening the data set throws.
 */
export async function train(
  dataset: string,
  options: MethodTrainOptions = {},
  job: Job = {},
): Promise<CalibratedReport> {
  checkRunOptions(options);
  const { splitBy: _by, replaceSplit: _replace, ...own } = options;
  const split = await maybeSplit(dataset, options, job);
  const { report, ...kept } = await trainMethod(dataset, own, job);
  return { ...report, calibration: await calibrateRun(report.run, dataset, job, kept), split };
}

async function trainMethod(
  dataset: string,
  options: MethodTrainOptions,
  job: Job,
): Promise<{ report: MethodReport } & Partial<Omit<Trained, 'report'>>> {
  const method = await chooseMethod(options);
  if (method.kind === 'plain') return { report: await trainPlain(dataset, method, options, job) };
  return trainAndKeep(dataset, networkOptions(options), job);
}
