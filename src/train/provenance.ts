import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, platform, release, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import type { Dataset } from '../dataset/dataset.ts';
import type { Precision } from '../engine/precision.ts';
import { getThreads } from '../engine/threads.ts';
import { version } from '../version.ts';
import { writeWholeFile } from '../wholeFile.ts';

/** `provenance.json`: what a reader needs to know where a model comes from. */
export interface Provenance {
  dataset: {
    path: string;
    fingerprint: string;
    cells: number;
    classes: string[];
    /** What made its split: by cell or group, seed, fractions or folds. */
    split: Record<string, unknown> | null;
  };
  /** null where chance plays no part in the method. */
  seed: number | null;
  /** Of the products of a network's training; the weights are float32. null for a plain method. */
  precision: Precision | null;
  versions: { brightcell: string; node: string };
  machine: { system: string; processor: string; processors: number; threads: number; memoryBytes: number };
  startedAt: string;
  /** null until the training is complete. */
  finishedAt: string | null;
  /** One for each start: a resumed run has several. */
  sessions: { startedAt: string; fromEpoch: number; fromStep: number }[];
}

/** Notes a start in the run's `provenance.json`. */
export async function noteStart(
  run: string,
  dataset: Dataset,
  { seed, precision }: Pick<Provenance, 'seed' | 'precision'>,
  from: { epoch: number; step: number },
): Promise<void> {
  const startedAt = new Date().toISOString();
  const before = await maybeReadProvenance(run);
  await write(run, {
    dataset: {
      path: resolve(dataset.path),
      fingerprint: await dataset.fingerprint(),
      cells: dataset.count,
      classes: dataset.header.classes,
      split: (await dataset.settings('split')) ?? null,
    },
    seed,
    precision,
    versions: { brightcell: version(), node: process.versions.node },
    machine: {
      system: `${platform()} ${release()} ${process.arch}`,
      processor: cpus()[0]?.model.trim() ?? 'unknown',
      processors: availableParallelism(),
      threads: getThreads(),
      memoryBytes: totalmem(),
    },
    startedAt: before?.startedAt ?? startedAt,
    finishedAt: null,
    sessions: [...(before?.sessions ?? []), { startedAt, fromEpoch: from.epoch, fromStep: from.step }],
  });
}

/** Notes that the training is complete. */
export async function noteFinish(run: string): Promise<void> {
  const before = await maybeReadProvenance(run);
  if (before) await write(run, { ...before, finishedAt: new Date().toISOString() });
}

/** A run's provenance; undefined where there is none yet. */
export async function maybeReadProvenance(run: string): Promise<Provenance | undefined> {
  try {
    return JSON.parse(await readFile(join(run, 'provenance.json'), 'utf8'));
  } catch {
    return undefined;
  }
}

async function write(run: string, provenance: Provenance): Promise<void> {
  await writeWholeFile(join(run, 'provenance.json'), `${JSON.stringify(provenance, null, 2)}\n`);
}
