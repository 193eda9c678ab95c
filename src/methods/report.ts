import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { EnsuredSplit } from '../dataset/ensureSplit.ts';
import { BrightcellError } from '../errors.ts';
import type { Facts } from '../learners/learner.ts';
import type { PartScore, TrainReport } from '../train/report.ts';
import { writeWholeFile } from '../wholeFile.ts';

/** What training a plain method gave; `report.json` of its run. */
export interface PlainReport {
  kind: 'plain';
  /** The run's folder. */
  run: string;
  /** The model folder. */
  model: string;
  /** As training called it: 'features+knn'. */
  method: string;
  classes: string[];
  /** In full, defaults included. */
  settings: Record<string, unknown>;
  /** What fitting chose and found. */
  facts: Facts;
  trainingCells: number;
  /** null when the split has no validation part. */
  validation: PartScore | null;
  /** Of fitting, with what it chose. */
  seconds: number;
  /** What the user must know before believing the figures. */
  warnings: string[];
}

/** What training any method gave. */
export type MethodReport = TrainReport | PlainReport;

/** How the model was calibrated on the validation part after its training. */
export interface CalibrationReport {
  /** What its probabilities are scaled by. */
  temperature: number;
  /** Validation cells it was learnt on. */
  cells: number;
  /** Of those cells, before scaling and after. */
  logLoss: { before: number; after: number };
  /** How unlike any known class a cell is, is measured by this. */
  unknownScore: string;
}

/** A training, what went before and what followed it. */
export type CalibratedReport = MethodReport & {
  /** null without a validation part. */
  calibration: CalibrationReport | null;
  /** null where `splitBy` was not asked for. */
  split: EnsuredSplit | null;
};

/** Writes a run's `report.json`. */
export async function writeReport(report: PlainReport): Promise<void> {
  const { run: _run, model: _model, ...rest } = report;
  await writeWholeFile(join(report.run, 'report.json'), `${JSON.stringify(rest, null, 2)}\n`);
}

const single = z.union([z.number(), z.string(), z.boolean(), z.null()]);
const schema = z.object({
  kind: z.literal('plain'),
  method: z.string(),
  classes: z.array(z.string()),
  settings: z.record(z.string(), z.unknown()),
  facts: z.record(z.string(), single),
  trainingCells: z.number(),
  validation: z
    .object({ cells: z.number(), loss: z.number(), accuracy: z.number(), macroF1: z.number() })
    .nullable(),
  seconds: z.number(),
  warnings: z.array(z.string()),
});

/** The report of a run that is complete; undefined where there is none yet. Throws `model-corrupt`. */
export async function maybeReadReport(run: string): Promise<PlainReport | undefined> {
  const path = join(run, 'report.json');
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return { ...schema.parse(JSON.parse(text)), run, model: join(run, 'model') };
  } catch (cause) {
    throw new BrightcellError(
      'model-corrupt',
      `${path} must say how the run was trained, and does not. Restore it from a copy, or train again.`,
      { cause, fields: { path } },
    );
  }
}
