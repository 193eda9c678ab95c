import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { BrightcellError } from '../errors.ts';
import type { Job } from '../job.ts';
import { writeWholeFile } from '../wholeFile.ts';
import type { FitFigures, ScoreFigures } from './measureMethod.ts';
import { isRunFolder, keyOf, type MethodTask } from './methodTask.ts';
import { runInProcess } from './runInProcess.ts';

/** A task that is done: measured, or failed for a reason that is kept. */
export type MethodOutcome = MeasuredMethod | { failure: Failure };

export interface MeasuredMethod {
  /** Whether an earlier run of the study had finished it. */
  kept: boolean;
  /** Null for a run that was there before. */
  fit: FitFigures | null;
  score: ScoreFigures;
}

export interface Failure {
  stage: 'fit' | 'score';
  code: string;
  message: string;
  /** Of an error that nobody expected: what the process printed. */
  printed?: string;
}

/** What is kept of an error; `cancelled` and `disk-full` end the study instead, and are thrown. */
export function asFailure(error: unknown, stage: Failure['stage']): Failure {
  if (!(error instanceof BrightcellError)) {
    const { message, cause } = error as Error;
    return { stage, code: 'unexpected', message, ...(typeof cause === 'string' && { printed: cause }) };
  }
  if (error.code === 'cancelled' || error.code === 'disk-full') throw error;
  return { stage, code: error.code, message: error.message };
}

/**
 * Fits and scores one method, or keeps what an earlier run of the study finished: its folder holds `task.json` (what decides
 * the outcome), `fit.json` and `score.json`, each written when its step was done. Another key begins anew. What fails is
 * noted in `failure.json`, given, and tried again next time; only a stop and a full disk are thrown.
 */
export async function measureTask(task: MethodTask, job: Job): Promise<MethodOutcome> {
  await claimFolder(task);
  const path = (name: string) => join(task.folder, name);
  const scored = await maybeRead<ScoreFigures>(path('score.json'));
  let fit = await maybeRead<FitFigures>(path('fit.json'));
  const ready = isRunFolder(task.method);
  if (scored && (fit || ready)) return { kept: true, fit: fit ?? null, score: scored };
  let stage: Failure['stage'] = 'fit';
  try {
    await rm(path('failure.json'), { force: true });
    if (!fit && !ready) await writeJson(path('fit.json'), (fit = await runInProcess('fit', task, job)));
    stage = 'score';
    const score = await runInProcess('score', task, job);
    await writeJson(path('score.json'), score);
    return { kept: false, fit: fit ?? null, score };
  } catch (error) {
    const failure = asFailure(error, stage);
    await writeJson(path('failure.json'), failure);
    return { failure };
  }
}

/** Frees what a volume study need not keep: the model, and the predictions as text. */
export async function dropModel(task: MethodTask): Promise<void> {
  await rm(join(task.folder, 'model'), { recursive: true, force: true });
  await rm(join(task.folder, 'evaluation', 'predictions.csv'), { force: true });
}

async function claimFolder(task: MethodTask): Promise<void> {
  const key = JSON.parse(JSON.stringify(await keyOf(task)));
  const before = await maybeRead(join(task.folder, 'task.json'));
  if (isDeepStrictEqual(before, key)) return;
  await rm(task.folder, { recursive: true, force: true });
  await mkdir(task.folder, { recursive: true });
  await writeJson(join(task.folder, 'task.json'), key);
}

/** The JSON of a file, or undefined where there is none or it is damaged: then its step is done again. */
export async function maybeRead<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch {
    return undefined;
  }
}

/** Writes readable JSON, whole. */
export async function writeJson(path: string, value: unknown): Promise<void> {
  await writeWholeFile(path, `${JSON.stringify(value, null, 2)}\n`);
}
