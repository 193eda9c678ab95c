import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { BrightcellError } from '../errors.ts';
import { asDiskFull } from '../wholeFile.ts';

/** A run's folder, held by this process alone until released. */
export interface RunFolder {
  path: string;
  release(): Promise<void>;
}

/**
 * Makes and locks the folder of a new run. Without `name` the first free one of `base`, `base-2`, ... is taken.
 * Throws `run-exists`, `run-locked`, `disk-full`.
 */
export async function createRun(out: string, name: string | undefined, base: string): Promise<RunFolder> {
  await mkdir(out, { recursive: true });
  for (let attempt = 1; ; attempt++) {
    const path = join(out, name ?? (attempt === 1 ? base : `${base}-${attempt}`));
    if (await claim(path)) {
      const run = await lockRun(path);
      await mkdir(join(path, 'checkpoints'), { recursive: true });
      return run;
    }
    if (name === undefined) continue;
    throw new BrightcellError(
      'run-exists',
      `A new run needs a free name, but ${path} is there already. Choose another --name, or go on with it: --resume ${path}`,
      { fields: { run: path } },
    );
  }
}

/** Locks the folder of an earlier run. Throws `run-missing`, `run-locked`. */
export async function openRun(path: string): Promise<RunFolder> {
  const names = await readdir(path).catch(() => [] as string[]);
  if (!names.includes('config.json')) {
    throw new BrightcellError(
      'run-missing',
      `There is no run at ${path}: no config.json in it. Give the folder of a run, such as runs/first.`,
      { fields: { run: path } },
    );
  }
  const run = await lockRun(path);
  await mkdir(join(path, 'checkpoints'), { recursive: true });
  await removeLeftovers(path);
  return run;
}

/** Whether the folder was free: absent, or left by a run that was killed before it wrote its configuration. */
async function claim(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw asDiskFull(error, path);
  }
  const names = await readdir(path).catch(() => ['a file']);
  if (!names.every(name => name === 'checkpoints' || name.startsWith('.'))) return false;
  const lock = await readLock(join(path, lockName));
  return names.length > 0 && (lock === undefined || !isAlive(lock));
}

const lockName = '.lock';

interface Lock {
  pid: number;
  host: string;
  /** Tells apart two processes that had the same number. */
  started: string;
}

/** Holds a folder alone; throws `run-locked` where another process that lives does. */
export async function lockRun(path: string): Promise<RunFolder> {
  const file = join(path, lockName);
  const own: Lock = { pid: process.pid, host: hostname(), started: await startOf(process.pid) };
  for (;;) {
    try {
      await writeFile(file, JSON.stringify(own), { flag: 'wx' });
      return { path, release: () => rm(file, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw asDiskFull(error, path);
    }
    await removeStaleLock(path, file);
  }
}

/** Takes away the lock of a process that is gone; throws `run-locked` when it lives. */
async function removeStaleLock(path: string, file: string): Promise<void> {
  const lock = await readLock(file);
  if (lock && (await isHeld(lock))) {
    throw new BrightcellError(
      'run-locked',
      `${path} is in use by process ${lock.pid} on ${lock.host}. Wait for it or stop it; if that computer is ` +
        `gone, remove ${file}.`,
      { fields: { run: path, pid: lock.pid } },
    );
  }
  // Renaming lets one of several waiting processes win; what it took must still be the lock that was stale.
  const aside = `${file}-${process.pid}-${Date.now()}`;
  await rename(file, aside).catch(() => {});
  const taken = await readLock(aside);
  if (taken && lock && JSON.stringify(taken) !== JSON.stringify(lock)) await rename(aside, file);
  else await rm(aside, { force: true });
}

async function readLock(file: string): Promise<Lock | undefined> {
  try {
    const lock = JSON.parse(await readFile(file, 'utf8'));
    return typeof lock?.pid === 'number' ? lock : undefined;
  } catch {
    return undefined;
  }
}

async function isHeld(lock: Lock): Promise<boolean> {
  if (lock.host !== hostname()) return true;
  return isAlive(lock) && (await startOf(lock.pid)) === lock.started;
}

function isAlive({ pid }: Lock): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** When a process started, in the kernel's ticks, where the system says (Linux); else empty. */
async function startOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

/** Temporary files of a process that was killed while it wrote. */
async function removeLeftovers(path: string): Promise<void> {
  for (const folder of [path, join(path, 'checkpoints')]) {
    for (const name of await readdir(folder)) {
      if (/^\.\d+-/.test(name)) await rm(join(folder, name), { recursive: true, force: true });
    }
  }
}
