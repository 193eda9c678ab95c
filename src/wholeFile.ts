import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { BrightcellError } from './errors.ts';

/** What a file is made of: its text or bytes, or a function that writes to the open file. */
export type FileContent = string | Uint8Array | ((file: FileHandle) => Promise<void>);

/**
 * Writes a file whole or not at all: to a temporary name beside it, synced, then renamed over `path`.
 * Throws `disk-full` where no room is left; any other failure is thrown as it is. Either way nothing is left behind
 * and what stood at `path` stays.
 */
export async function writeWholeFile(path: string, content: FileContent): Promise<void> {
  await replaceWhole(path, async temporary => {
    const file = await open(temporary, 'wx');
    try {
      if (typeof content === 'function') await content(file);
      else await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
  });
}

/**
 * The same for a file that something else writes (a database's COPY): `write` gets the temporary path, which
 * keeps the ending of `path`, and must leave a complete file there.
 */
export async function replaceWhole(path: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = join(dirname(path), `.${process.pid}-${sequence++}-${basename(path)}`);
  try {
    await write(temporary);
    await syncPath(temporary);
    await rename(temporary, path);
    await syncPath(dirname(path)).catch(() => {}); // some systems cannot sync a folder
  } catch (error) {
    await rm(temporary, { force: true });
    throw asDiskFull(error, path);
  }
}

/**
 * The same for files that belong together: `write` leaves them, in folders as it likes, in a folder of their own inside
 * `folder`, and when all are there they are moved over what has the same names, which takes no room. What fails leaves
 * `folder` as it was, or not there if it was not. Gives the files' paths, in order.
 */
export async function writeTogether(
  folder: string,
  write: (stage: string) => Promise<unknown>,
): Promise<string[]> {
  const stage = join(folder, `.${process.pid}-${sequence++}`);
  let created: string | undefined;
  try {
    created = await mkdir(stage, { recursive: true });
    await write(stage);
    return await moveInto(folder, stage);
  } catch (error) {
    if (created !== undefined) await rm(created, { recursive: true, force: true });
    const reason = error instanceof BrightcellError && error.code === 'disk-full' ? error.cause : error;
    throw asDiskFull(reason, folder);
  }
}

async function moveInto(folder: string, stage: string): Promise<string[]> {
  const entries = await readdir(stage, { recursive: true, withFileTypes: true });
  const names = entries
    .filter(one => one.isFile())
    .map(one => relative(stage, join(one.parentPath, one.name)));
  for (const name of new Set(names.map(dirname))) await mkdir(join(folder, name), { recursive: true });
  const paths: string[] = [];
  for (const name of names.sort()) {
    paths.push(join(folder, name));
    await rename(join(stage, name), join(folder, name));
  }
  await rm(stage, { recursive: true });
  return paths;
}

let sequence = 0;

async function syncPath(path: string): Promise<void> {
  const file = await open(path, 'r');
  await file.sync().finally(() => file.close());
}

/** The `disk-full` error when `error` says that no room was left for `path`; otherwise `error` itself. */
export function asDiskFull(error: unknown, path: string): unknown {
  const code = (error as NodeJS.ErrnoException)?.code;
  const full =
    code === 'ENOSPC' ||
    code === 'EDQUOT' ||
    /no space left on device/i.test(String((error as Error)?.message));
  if (!full || error instanceof BrightcellError) return error;
  return new BrightcellError(
    'disk-full',
    `No room was left to write ${path}. Free space there and run again.`,
    {
      cause: error,
      fields: { path },
    },
  );
}
