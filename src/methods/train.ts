import type { Job } from '../job.ts';
import { checkRunOptions, type TrainOptions } from '../train/config.ts';
import { train as trainNetwork } from '../train/train.ts';
import { calibrateRun } from './calibrate.ts';
import { chooseMethod, type MethodTrainOptions } from './options.ts';
import type { CalibratedReport, MethodReport } from './report.ts';
import { trainPlain } from './trainPlain.ts';

/**
 * Trains any method on a split data set and writes a run folder, from which `evaluate` and `classify` go on. Networks
 * learn as `src/train/` says. A plain method is fitted on the training part in one go, what its settings leave open
 * is chosen on the validation part, and its run holds `config.json`, `model/`, `report.json` and `provenance.json`. The same data, settings and seed give the same
 * model on any number of threads. With `resume`, a network goes on where it stopped, a plain method that was stopped
 * is fitted again from the start with its settings, and a run that is complete gives its report.
 *
 * Throws `option-invalid`, `network-invalid`, `dataset-unsplit`, `classes-missing`, `run-exists`, `run-missing`,
 * `run-locked`, `checkpoint-corrupt`, `checkpoint-mismatch`, `training-diverged`, `model-missing` and `model-mismatch`
 * for the network of an embedding, `disk-full`, `cancelled` (with the field `run`), and what opening the data set throws.
 */
export async function train(
  dataset: string,
  options: MethodTrainOptions = {},
  job: Job = {},
): Promise<CalibratedReport> {
  checkRunOptions(options);
  const report = await trainMethod(dataset, options, job);
  return { ...report, calibration: await calibrateRun(report.run, dataset, job) };
}

async function trainMethod(dataset: string, options: MethodTrainOptions, job: Job): Promise<MethodReport> {
  const method = await chooseMethod(options);
  if (method.kind === 'plain') return trainPlain(dataset, method, options, job);
  // An option of its own goes before a setting of that name, as it goes before a config file.
  const { settings, ...own } = options;
  return trainNetwork(dataset, { ...settings, ...withoutUndefined(own) } as TrainOptions, job);
}

function withoutUndefined(options: object): object {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
