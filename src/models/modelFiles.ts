// What every saved model has in common, whatever is in its folder.
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { BrightcellError } from '../errors.ts';
import { asDiskFull } from '../wholeFile.ts';

/**
 * Makes a model's folder: `write` fills the empty one that it gets, which then takes its name. A reader never sees half
 * of it. Throws `model-exists` where something stands already, and `disk-full`.
 */
export async function placeModel(folder: string, write: (folder: string) => Promise<void>): Promise<void> {
  const temporary = join(dirname(folder), `.${process.pid}-${basename(folder)}`);
  try {
    await mkdir(dirname(folder), { recursive: true });
    await rm(temporary, { recursive: true, force: true });
    await mkdir(temporary);
    await write(temporary);
    await rename(temporary, folder);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    if (!['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) {
      throw asDiskFull(error, folder);
    }
    throw new BrightcellError(
      'model-exists',
      `${folder} must be free for a new model, but something else stands there. Choose another folder.`,
      { cause: error, fields: { path: folder } },
    );
  }
}

/** The JSON of a model's description; throws `model-corrupt`, and `model-newer` for a format past `newest`. */
export function parseDescription(text: string, path: string, newest: number): unknown {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw corruptModel(path, 'it is not JSON');
  }
  const version = (parsed as { formatVersion?: unknown } | null)?.formatVersion;
  if (typeof version !== 'number' || version <= newest) return parsed;
  throw new BrightcellError(
    'model-newer',
    `${path} has format ${version}; this brightcell reads up to ${newest}. Update brightcell.`,
    { fields: { path, version } },
  );
}

/** The error for a file that is not part of a valid model, and why. */
export function corruptModel(path: string, what: string, cause?: unknown): BrightcellError {
  return new BrightcellError(
    'model-corrupt',
    `${path} is not part of a valid model: ${what}. Copy the model again from its source, or train again.`,
    { cause, fields: { path } },
  );
}
