import { join } from 'node:path';
import { type Calibration, writeCalibration } from '../classifiers/calibration.ts';
import { fitCalibration } from '../classifiers/fitCalibration.ts';
import { loadClassifier } from '../classifiers/loadClassifier.ts';
import { Dataset } from '../dataset/dataset.ts';
import { BrightcellError } from '../errors.ts';
import type { Job } from '../job.ts';
import { selectCells } from '../train/cells.ts';
import type { Trained } from '../train/train.ts';
import { maybeReadFold } from './embeddingWarning.ts';
import type { CalibrationReport } from './report.ts';

/**
 * Calibrates the model of a run that is trained to the end, on the validation part that it was trained with, and keeps
 * that in its model folder; one that is calibrated already stays. Null without a validation part. What training kept is
 * used: nothing of it is found out again, and the calibration is the same bits. Throws `cancelled` (with the field `run`),
 * `disk-full`, and what opening the model and the data set throws.
 */
export async function calibrateRun(
  run: string,
  path: string,
  job: Job,
  { cells, seen }: Partial<Pick<Trained, 'cells' | 'seen'>> = {},
): Promise<CalibrationReport | null> {
  const classifier = await loadClassifier(run);
  try {
    if (classifier.calibration) return inShort(classifier.calibration);
    const dataset = await Dataset.open(path, 'read');
    try {
      const { training, validation } = cells ?? (await selectAgain(run, dataset));
      if (validation.rows.length === 0) return null;
      const labelled = { training, validation: { ...validation, probabilities: seen } };
      const calibration = await fitCalibration(classifier, dataset.images(), labelled, job);
      await writeCalibration(join(run, 'model'), calibration);
      return inShort(calibration);
    } finally {
      await dataset.close();
    }
  } catch (error) {
    if (!(error instanceof BrightcellError) || error.code !== 'cancelled') throw error;
    throw new BrightcellError(
      'cancelled',
      `Stopped before the model was calibrated; it is trained. Calibrate it with: brightcell train ${path} --resume ${run}`,
      { cause: error, fields: { run } },
    );
  } finally {
    classifier.dispose();
  }
}

async function selectAgain(run: string, dataset: Dataset): Promise<Trained['cells']> {
  const fold = (await maybeReadFold(run))?.fold ?? null;
  return {
    training: await selectCells(dataset, 'train', fold),
    validation: await selectCells(dataset, 'validation', fold),
  };
}

function inShort({ temperature, cells, logLoss, unknown }: Calibration): CalibrationReport {
  return { temperature, cells, logLoss, unknownScore: unknown.scorer.score };
}
