import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { BrightcellError } from '../errors.ts';
import { type Job, type Progress, throwIfCancelled } from '../job.ts';
import { lossNames, resolveConfig, type TrainSettings } from '../train/config.ts';
import type { CurveFigures } from './curve.ts';
import { writeLossFiles } from './lossFiles.ts';
import type { LossCurve, LossName, LossReport } from './lossReport.ts';
import { asFailure, type Failure, maybeRead, writeJson } from './measureTask.ts';
import { RemainingTime } from './remainingTime.ts';
import { runInProcess } from './runInProcess.ts';
import { openStudy, readStudyCells, type StudyCells } from './studyFolder.ts';

export interface LossOptions {
  /** All by default. */
  losses?: LossName[];
  /** How many seeds: 3 by default. */
  seeds?: number;
  /** The first of them; 0 by default. */
  seed?: number;
  /** Every other setting of the trainings, network and epochs among them; all losses share them. */
  settings?: Omit<TrainSettings, 'loss' | 'seed'>;
  /** Folder of the study; 'losses' by default. The same call goes on with what is finished there. */
  out?: string;
}

/**
 * Trains one network with each loss and several seeds, all else equal and without an early stop, and compares how they
 * converge: accuracy of training and validation part and the losses themselves against steps, as Meng et al. 2019, Figs. 6
 * and 7. A training that fails is noted and ends nothing. What is finished is kept in the folder, and a training that was
 * stopped goes on from its last epoch.
 *
 * Throws `option-invalid`, `dataset-unsplit`, `run-exists`, `run-locked`, `disk-full`, `cancelled`, what opening the data
 * set throws, and `comparison-empty` where every training failed.
 */
export async function studyLoss(
  dataset: string,
  options: LossOptions = {},
  job: Job = {},
): Promise<LossReport> {
  const started = performance.now();
  const losses = checkLosses(options.losses ?? [...lossNames]);
  const seeds = Array.from({ length: options.seeds ?? 3 }, (_, i) => (options.seed ?? 0) + i);
  const { out = 'losses' } = options;
  const cells = await readStudyCells(dataset, options.settings?.fold ?? null);
  if (!cells.parts.includes('validation')) {
    throw new BrightcellError(
      'dataset-unsplit',
      `${dataset} must have a validation part: convergence is measured on it. Run: brightcell split ${dataset}`,
    );
  }
  const settings = await sharedSettings(options, cells);
  const folder = await openStudy(out, 'trainings');
  try {
    const plan = losses.flatMap(loss => seeds.map(seed => ({ loss, seed })));
    const { curves, kept } = await trainAll({ dataset, out, cells, settings, plan }, job);
    refuseEmpty(curves);
    const { loss: _loss, seed: _seed, ...shared } = settings;
    const report: LossReport = {
      ...{ dataset, fingerprint: cells.fingerprint, trainingCells: cells.trainingCells, losses, seeds },
      ...{ settings: shared, curves, kept, out, files: [] },
      seconds: (performance.now() - started) / 1000,
    };
    report.files = await writeLossFiles(report);
    return report;
  } finally {
    await folder.release();
  }
}

function checkLosses(losses: LossName[]): LossName[] {
  const wrong = losses.find(name => !lossNames.includes(name));
  if (losses.length > 0 && wrong === undefined) return [...new Set(losses)];
  throw new BrightcellError(
    'option-invalid',
    `Losses must be of ${lossNames.join(', ')}. Received ${wrong ?? 'none'}.`,
  );
}

/** Complete, so that every training has the same; without an early stop, so that all curves are as long. */
async function sharedSettings({ settings = {} }: LossOptions, { trainingCells }: StudyCells) {
  return resolveConfig({ patience: 0, ...settings }, trainingCells);
}

interface Plan {
  dataset: string;
  out: string;
  cells: StudyCells;
  settings: Awaited<ReturnType<typeof sharedSettings>>;
  plan: { loss: LossName; seed: number }[];
}

async function trainAll({ dataset, out, cells, settings, plan }: Plan, job: Job) {
  const curves: LossCurve[] = [];
  const time = new RemainingTime(plan.map(({ loss }) => ({ method: loss, size: 1 })));
  let kept = 0;
  for (const [i, { loss, seed }] of plan.entries()) {
    throwIfCancelled(job);
    const started = performance.now();
    const where = `${i + 1}/${plan.length} ${loss}`;
    const onProgress = (progress: Progress) => {
      const note = [time.describe(i), progress.note].filter(Boolean).join(', ');
      job.onProgress?.({ ...progress, stage: `${where} ${progress.stage}`, ...(note && { note }) });
    };
    const folder = join(out, 'trainings', loss, `seed-${seed}`);
    const task = { dataset, folder, settings: { ...settings, loss, seed } };
    const outcome = await trainOne(task, cells.fingerprint, { signal: job.signal, onProgress });
    if ('kept' in outcome) kept++;
    curves.push({ loss, seed, outcome: 'kept' in outcome ? outcome.kept : outcome });
    if (!('failure' in outcome)) {
      const seconds = (performance.now() - started) / 1000;
      time.note(i, 'kept' in outcome ? outcome.kept.seconds : seconds);
    }
  }
  return { curves, kept };
}

type Outcome = CurveFigures | { failure: Failure } | { kept: CurveFigures };

async function trainOne(
  task: { dataset: string; folder: string; settings: TrainSettings },
  fingerprint: string,
  job: Job,
): Promise<Outcome> {
  const path = (name: string) => join(task.folder, name);
  const key = JSON.parse(JSON.stringify({ settings: task.settings, fingerprint }));
  if (isDeepStrictEqual(await maybeRead(path('task.json')), key)) {
    const curve = await maybeRead<CurveFigures>(path('curve.json'));
    if (curve) return { kept: curve };
  } else {
    await rm(task.folder, { recursive: true, force: true });
    await mkdir(task.folder, { recursive: true });
    await writeJson(path('task.json'), key);
  }
  try {
    await rm(path('failure.json'), { force: true });
    const curve = await runInProcess('curve', task, job);
    await writeJson(path('curve.json'), curve);
    await rm(path('run'), { recursive: true, force: true }); // the curve is what is looked at
    return curve;
  } catch (error) {
    const failure = asFailure(error, 'fit');
    await writeJson(path('failure.json'), failure);
    return { failure };
  }
}

function refuseEmpty(curves: LossCurve[]): void {
  const failures = curves.flatMap(({ outcome }) => ('failure' in outcome ? [outcome.failure.message] : []));
  if (failures.length < curves.length) return;
  throw new BrightcellError(
    'comparison-empty',
    `At least one training must come to its end, but all ${curves.length} failed. ${[...new Set(failures)].join(' ')}`,
  );
}
