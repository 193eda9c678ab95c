import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { BrightcellError } from '../errors.ts';

/** What an evaluation needs to know of a run. */
export interface RunFolder {
  /** Where the data set was that the run was trained on. */
  dataset: string;
  /** `Dataset.fingerprint()` when it was trained. */
  fingerprint: string;
  /** Name of the network. */
  network: string;
  /** Fold held out as the test part; null where the data set's own split was used. */
  fold: number | null;
}

const provenance = z.object({
  dataset: z.object({ path: z.string(), fingerprint: z.string() }),
  network: z.string(),
  fold: z.int().min(0).nullish(),
});

/** Reads `provenance.json` of a run folder; throws `run-missing` where there is none, `model-corrupt` where it is damaged. */
export async function readRun(run: string): Promise<RunFolder> {
  const path = join(run, 'provenance.json');
  const text = await readFile(path, 'utf8').catch(cause => {
    throw new BrightcellError(
      'run-missing',
      `There is no run at ${run}: no provenance.json. Give the folder that training wrote, such as runs/NAME.`,
      { cause, fields: { path: run } },
    );
  });
  try {
    const { dataset, network, fold } = provenance.parse(JSON.parse(text));
    return { dataset: dataset.path, fingerprint: dataset.fingerprint, network, fold: fold ?? null };
  } catch (cause) {
    throw new BrightcellError(
      'model-corrupt',
      `${path} must say which data set the run was trained on, and does not. Restore it from a copy, or train again.`,
      { cause, fields: { path } },
    );
  }
}
