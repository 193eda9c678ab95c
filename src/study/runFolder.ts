import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { BrightcellError } from '../errors.ts';

/** What an evaluation needs to know of a run. */
export interface RunFolder {
  /** Where the data set was that the run was trained on. */
  dataset: string;
  /** `Dataset.fingerprint()` when it was trained. */
  fingerprint: string;
  /** Name of the method. */
  network: string;
  /** Whether it is one: a plain method has no precision. */
  isNetwork: boolean;
  /** Fold held out as the test part; null where the data set's own split was used. */
  fold: number | null;
  /** Whether the training is complete. */
  finished: boolean;
}

const provenance = z.object({
  dataset: z.object({ path: z.string(), fingerprint: z.string() }),
  finishedAt: z.string().nullable(),
});
const config = z.object({
  model: z.string(),
  fold: z.int().min(0).nullable(),
  settings: z.unknown().optional(),
});

/**
 * Reads `provenance.json` and `config.json` of a run folder; throws `run-missing` where there are none,
 * `model-corrupt` where they are damaged.
 */
export async function readRun(run: string): Promise<RunFolder> {
  const { dataset, finishedAt } = await readJson(run, 'provenance.json', provenance);
  const { model, fold, settings } = await readJson(run, 'config.json', config);
  return {
    dataset: dataset.path,
    fingerprint: dataset.fingerprint,
    network: model.endsWith('.json') ? basename(model, '.json') : model,
    isNetwork: settings === undefined,
    fold,
    finished: finishedAt !== null,
  };
}

async function readJson<T>(run: string, name: string, schema: z.ZodType<T>): Promise<T> {
  const path = join(run, name);
  const text = await readFile(path, 'utf8').catch(cause => {
    throw new BrightcellError(
      'run-missing',
      `There is no run at ${run}: no ${name}. Give the folder that training wrote, such as runs/NAME.`,
      { cause, fields: { path: run } },
    );
  });
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new BrightcellError(
      'model-corrupt',
      `${path} must say how the run was trained, and does not. Restore it from a copy, or train again.`,
      { cause, fields: { path } },
    );
  }
}
