import { rm, rmdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { VectorSource } from '../classifiers/source.ts';
import { Dataset } from '../dataset/dataset.ts';
import { getThreads, setThreads } from '../engine/threads.ts';
import { BrightcellError } from '../errors.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { countLabels, selectTrainingCells, type TrainingCells } from '../train/cells.ts';
import { maybeReadProvenance, noteFinish, noteStart } from '../train/provenance.ts';
import type { PartScore } from '../train/report.ts';
import { createRun, openRun, type RunFolder } from '../train/runFolder.ts';
import { writeWholeFile } from '../wholeFile.ts';
import { warnOfEmbedding } from './embeddingWarning.ts';
import { fitPlain, openSource } from './fitPlain.ts';
import { loadLearner, type Method } from './method.ts';
import { type MethodTrainOptions, type PlainConfig, readPlain, resolvePlain } from './options.ts';
import { maybeReadReport, type PlainReport, writeReport } from './report.ts';

type PlainMethod = Extract<Method, { kind: 'plain' }>;

/** Trains a plain method; see `train`. */
export async function trainPlain(
  path: string,
  method: PlainMethod,
  options: MethodTrainOptions,
  job: Job,
): Promise<PlainReport> {
  const config = await (options.resume === undefined
    ? resolvePlain(method, options)
    : readPlain(join(options.resume, 'config.json')));
  const dataset = await Dataset.open(path, 'read');
  const threadsBefore = getThreads();
  try {
    if (options.threads !== undefined) setThreads(options.threads);
    return await trainOn(dataset, method, config, options, job);
  } finally {
    setThreads(threadsBefore);
    await dataset.close();
  }
}

async function trainOn(
  dataset: Dataset,
  method: PlainMethod,
  config: PlainConfig,
  { out = 'runs', name, resume }: MethodTrainOptions,
  job: Job,
): Promise<PlainReport> {
  if (resume !== undefined) {
    return withRun(await openRun(resume), async run => {
      const before = await maybeReadComplete(run, dataset);
      return (
        before ??
        fitRun({ run, dataset, method, config, ...(await prepare(dataset, method, config, job)) }, job)
      );
    });
  }
  // Before a run is made: cells may be missing, and so may an embedding's network.
  const prepared = await prepare(dataset, method, config, job);
  const base = `${basename(resolve(dataset.path))}-${method.name.replace(/[^\w.+-]+/g, '-')}`;
  const made = await createRun(out, name, base).catch(error => {
    prepared.source.dispose();
    throw error;
  });
  return withRun(made, run => fitRun({ run, dataset, method, config, ...prepared }, job)).catch(
    async error => {
      // Impossible settings, such as a k above the references, may show only now; the name is free again.
      if (error instanceof BrightcellError && error.code === 'option-invalid') {
        await rm(made.path, { recursive: true, force: true });
      }
      throw error;
    },
  );
}

async function prepare(dataset: Dataset, method: PlainMethod, { fold }: PlainConfig, job: Job) {
  const cells = await selectTrainingCells(dataset, fold);
  await dataset.requireIntact(job);
  return { cells, source: await openSource(method, dataset) };
}

async function withRun<T>({ path, release }: RunFolder, work: (run: string) => Promise<T>): Promise<T> {
  try {
    return await work(path);
  } finally {
    await rmdir(join(path, 'checkpoints')).catch(() => {}); // of networks; goes only where it is empty
    await release();
  }
}

/** The report of a run that is complete; throws `checkpoint-mismatch` where the data set is another than it began with. */
async function maybeReadComplete(run: string, dataset: Dataset): Promise<PlainReport | undefined> {
  const provenance = await maybeReadProvenance(run);
  if (provenance && provenance.dataset.fingerprint !== (await dataset.fingerprint())) {
    throw new BrightcellError(
      'checkpoint-mismatch',
      `${run} can only go on with the cells it started with, but those of ${dataset.path} are others: it was screened, ` +
        'split or imported again, or is another data set. Give the data set as it was, or start a new run.',
      { fields: { run, dataset: dataset.path } },
    );
  }
  return maybeReadReport(run);
}

interface PlainRun {
  run: string;
  dataset: Dataset;
  method: PlainMethod;
  config: PlainConfig;
  cells: TrainingCells;
  source: VectorSource;
}

async function fitRun(plain: PlainRun, job: Job): Promise<PlainReport> {
  const { run, dataset, config } = plain;
  try {
    await writeWholeFile(join(run, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
    const seed = typeof config.settings.seed === 'number' ? config.settings.seed : null;
    await noteStart(run, dataset, { seed, precision: null }, { epoch: 0, step: 0 });
    const report = await fitAndSave(plain, job);
    await writeReport(report);
    await noteFinish(run);
    return report;
  } catch (error) {
    if (!(error instanceof BrightcellError) || error.code !== 'cancelled') throw error;
    throw new BrightcellError(
      'cancelled',
      `Stopped before ${config.model} was fitted, which is done in one go. Fit it again with: ` +
        `brightcell train ${dataset.path} --resume ${run}`,
      { cause: error, fields: { run, again: true } },
    );
  }
}

async function fitAndSave(
  { run, dataset, method, config, cells, source }: PlainRun,
  job: Job,
): Promise<PlainReport> {
  const { learner, settings } = await loadLearner(method, config.settings);
  const fitted = await fitPlain(dataset, method, { learner, settings }, cells, job, source);
  try {
    throwIfCancelled(job);
    const model = join(run, 'model');
    await rm(model, { recursive: true, force: true }); // of a run that was killed before its report
    await fitted.classifier.save(model);
    const { classes } = dataset.header;
    return {
      ...{ kind: 'plain', run, model, method: method.name, classes, settings: fitted.settings },
      ...{ facts: fitted.facts, trainingCells: cells.training.rows.length },
      ...{ validation: fitted.validation, seconds: fitted.seconds },
      warnings: [
        ...cells.warnings,
        ...(await warnOfEmbedding(method.source, dataset, config.fold)),
        ...findWarnings(cells, fitted.validation, classes.length),
      ],
    };
  } finally {
    fitted.classifier.dispose();
  }
}

function findWarnings({ validation }: TrainingCells, score: PartScore | null, K: number): string[] {
  if (score === null) {
    return [
      'The split has no validation part: what the settings leave open took its usual value, and nothing was scored.',
    ];
  }
  const commonest = Math.max(...countLabels(validation.labels, K)) / score.cells;
  if (score.accuracy > commonest || score.macroF1 > 1.2 / K) return [];
  return [
    `The method has learnt nothing: its accuracy of ${(100 * score.accuracy).toFixed(1)} % on the validation part is no ` +
      `better than always naming the commonest class (${(100 * commonest).toFixed(1)} %). Try other settings, and look at the labels.`,
  ];
}
