import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Job } from '../job.ts';
import type { TrainSettings } from '../train/config.ts';
import { type EpochRecord, readEpochs } from '../train/epochLog.ts';
import { train } from '../train/train.ts';

/** A training whose way is looked at. */
export interface CurveTask {
  dataset: string;
  settings: TrainSettings;
  /** The run is FOLDER/run. */
  folder: string;
}

export interface CurveFigures {
  epochs: EpochRecord[];
  stepsPerEpoch: number;
  trainingCells: number;
  /** Of the training, all sessions together. */
  seconds: number;
}

/** Trains a network into FOLDER/run and gives the table of its epochs; a training that was stopped there goes on. */
export async function trainCurve({ dataset, settings, folder }: CurveTask, job: Job): Promise<CurveFigures> {
  const run = join(folder, 'run');
  const begun = existsSync(join(run, 'checkpoints', 'last.safetensors'));
  if (!begun) await rm(run, { recursive: true, force: true });
  const report = await train(
    dataset,
    begun ? { resume: run } : { ...settings, out: folder, name: 'run' },
    job,
  );
  const epochs = await readEpochs(join(run, 'epochs.csv'));
  const { trainingCells, seconds } = report;
  return { epochs, stepsPerEpoch: Math.ceil(trainingCells / settings.batchSize!), trainingCells, seconds };
}
