// k folds, N cells.
import { basename, join, resolve } from 'node:path';
import { Dataset } from '../dataset/dataset.ts';
import { BrightcellError } from '../errors.ts';
import { type FigureIntervals, findIntervals } from '../evaluate/figureIntervals.ts';
import { type PredictionTable, readPredictionsParquet } from '../evaluate/predictions.ts';
import { type Scores, scorePredictions } from '../evaluate/score.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { isBegun } from '../methods/begunRun.ts';
import type { MethodTrainOptions } from '../methods/options.ts';
import { maybeSplit } from '../methods/splitFirst.ts';
import { train } from '../methods/train.ts';
import { predictionsOf } from './evaluateParts.ts';
import { evaluate } from './evaluateRun.ts';
import { writeJson } from './measureTask.ts';
import { poolTables } from './pooledFolds.ts';

export interface CrossValidationReport {
  kind: 'crossValidation';
  dataset: string;
  classes: string[];
  folds: number;
  /** A run for each fold that is held out, with the accuracy on that fold. */
  runs: { fold: number; run: string; testCells: number; accuracy: number; balancedAccuracy: number }[];
  /** Over the cells of all folds, each judged by the run that has not seen it. */
  scores: Scores;
  /** What intervals leave out at a time: whole groups where there are two or more, else cells. */
  intervalsBy: 'group' | 'cell';
  intervals: FigureIntervals | null;
  /** The file of this report. */
  file: string;
  seconds: number;
}

/**
 * Trains a method k times, each fold of a k-fold split held out in turn (the next one is the validation part), each a run of
 * its own, and scores the cells of all folds together. The data set must have a split of so many folds, which is not changed;
 * with `splitBy` one that is not split yet is split first.
 * The same call goes on after a stop: finished folds are kept, and the one that was stopped goes on where it was.
 *
 * Throws `dataset-unsplit` where it has none or another, `option-invalid` for a fold or a run to go on with, `run-exists`
 * where a fold's run was begun with other settings, and what `train` and `evaluate` throw.
 */
export async function crossValidate(
  dataset: string,
  k: number,
  options: MethodTrainOptions = {},
  job: Job = {},
): Promise<CrossValidationReport> {
  const started = performance.now();
  refuseOther(options);
  await maybeSplit(dataset, options, job, k);
  const classes = await requireFolds(dataset, k);
  const { splitBy: _by, replaceSplit: _replace, ...settings } = options;
  const out = options.out ?? 'runs';
  const model = (options.model ?? 'cellnet').replace(/[^\w.+-]+/g, '-');
  const base = options.name ?? `${basename(resolve(dataset))}-${model}-folds`;
  const runs: CrossValidationReport['runs'] = [];
  const tables: PredictionTable[] = [];
  for (let fold = 0; fold < k; fold++) {
    throwIfCancelled(job);
    const own = withStage(job, `fold ${fold + 1}/${k}`);
    const run = await trainFold(dataset, { ...settings, out, fold, name: `${base}-${fold}` }, own);
    const { parts } = await evaluate(run, { splits: ['test'] }, own);
    const { cells, accuracy, balancedAccuracy } = parts[0]!.scores;
    runs.push({ fold, run, testCells: cells, accuracy, balancedAccuracy });
    tables.push(await readPredictionsParquet(join(run, 'evaluation', 'predictions.parquet'), classes));
  }
  const pooled = predictionsOf(poolTables(tables, ['test']), 'test');
  const grouped = new Set(pooled.groups.filter(group => group !== null)).size > 1;
  const report: CrossValidationReport = {
    ...{ kind: 'crossValidation', dataset, classes, folds: k, runs },
    scores: scorePredictions(pooled),
    intervalsBy: grouped ? 'group' : 'cell',
    intervals: await findIntervals(pooled, grouped ? pooled.groups : null, job),
    ...{ file: join(out, `${base}.json`), seconds: (performance.now() - started) / 1000 },
  };
  await writeJson(report.file, report);
  return report;
}

/** The fold's run, new or gone on with. */
async function trainFold(
  dataset: string,
  options: MethodTrainOptions & { out: string; name: string },
  job: Job,
): Promise<string> {
  const path = join(options.out, options.name);
  const begun = await isBegun(dataset, path, options);
  const own = begun ? { resume: path, threads: options.threads } : options;
  return (await train(dataset, own, job)).run;
}

function refuseOther({ fold, resume }: MethodTrainOptions): void {
  const received =
    fold !== undefined ? `fold ${fold}` : resume !== undefined ? `resume ${resume}` : undefined;
  if (received === undefined) return;
  throw new BrightcellError(
    'option-invalid',
    `A cross-validation holds every fold out in turn, each in a new run. Received ${received} as well. Leave it away.`,
  );
}

/** The data set's classes; its split must have k folds. */
async function requireFolds(path: string, k: number): Promise<string[]> {
  const dataset = await Dataset.open(path, 'read');
  try {
    const folds = (await dataset.cells()).fold.reduce((most, one) => Math.max(most, one + 1), 0);
    if (folds === k) return [...dataset.header.classes];
    const has = folds === 0 ? 'no folds' : `${folds} folds`;
    throw new BrightcellError(
      'dataset-unsplit',
      `A cross-validation with ${k} folds needs a split of ${k} folds. ${path} has ${has}. ` +
        `Run: brightcell split ${path} --folds ${k} (with --by group to leave whole groups out)`,
      { fields: { path } },
    );
  } finally {
    await dataset.close();
  }
}

function withStage(job: Job, where: string): Job {
  if (!job.onProgress) return job;
  return {
    ...job,
    onProgress: progress => job.onProgress!({ ...progress, stage: `${where} ${progress.stage}` }),
  };
}
