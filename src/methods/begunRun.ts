import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Dataset } from '../dataset/dataset.ts';
import { BrightcellError } from '../errors.ts';
import { selectTrainingCells } from '../train/cells.ts';
import { resolveConfig } from '../train/config.ts';
import { chooseMethod, type MethodTrainOptions, networkOptions, readPlain, resolvePlain } from './options.ts';

/**
 * Whether a run with these very settings was begun at this path, so that it can be gone on with. Throws `run-exists` for one
 * with other settings, and what resolving them throws.
 */
export async function isBegun(
  dataset: string,
  run: string,
  { out: _out, name: _name, threads: _threads, ...options }: MethodTrainOptions,
): Promise<boolean> {
  const config = join(run, 'config.json');
  if (!existsSync(config)) return false;
  const method = await chooseMethod(options);
  const [wanted, begun] =
    method.kind === 'plain'
      ? [await resolvePlain(method, options), await maybeRead(readPlain(config))]
      : [await resolveNetwork(dataset, options), await maybeRead(resolveConfig({ config }, 1))];
  if (isDeepStrictEqual(wanted, begun)) return true;
  throw new BrightcellError(
    'run-exists',
    `${run} must be free or a run with the same settings, to go on with. It was trained with others. Choose another --name, ` +
      'or remove it.',
    { fields: { run } },
  );
}

async function resolveNetwork(path: string, options: MethodTrainOptions) {
  const dataset = await Dataset.open(path, 'read');
  try {
    const { training } = await selectTrainingCells(dataset, options.fold ?? null);
    return await resolveConfig(networkOptions(options), training.rows.length);
  } finally {
    await dataset.close();
  }
}

/** Settings of another kind of method cannot be read, and are others. */
async function maybeRead<T>(reading: Promise<T>): Promise<T | undefined> {
  return reading.catch(error => {
    if (error instanceof BrightcellError && error.code === 'option-invalid') return undefined;
    throw error;
  });
}
