import { createHash } from 'node:crypto';
import { mkdir, readdir } from 'node:fs/promises';
import { Dataset } from '../dataset/dataset.ts';
import type { CellTable, SplitName } from '../dataset/format.ts';
import { BrightcellError } from '../errors.ts';
import { lockRun, type RunFolder } from '../train/runFolder.ts';
import { splitParts } from './parts.ts';

/** What a study needs to know of its data set before it begins. */
export interface StudyCells {
  fingerprint: string;
  classes: string[];
  /** Cells of the training part. */
  trainingCells: number;
  /** Parts to score: of validation and test those that have cells. */
  parts: ('validation' | 'test')[];
  /** The largest number of groups that a part has; 1 or 0 where there are none to tell apart. */
  groups: number;
  /** Folds of a k-fold split; 0 where there are none. */
  folds: number;
}

/**
 * Reads a split data set for a study; throws `dataset-unsplit` without a training part, `option-invalid` without a
 * validation and test part or without that fold, and what opening it throws.
 */
export async function readStudyCells(path: string, fold: number | null): Promise<StudyCells> {
  const dataset = await Dataset.open(path, 'read');
  try {
    const table = await dataset.cells();
    const training = partsOf(table, fold, ['train']);
    if (training.length === 0) {
      throw new BrightcellError(
        'dataset-unsplit',
        `${path} must have a training part. Run: brightcell split ${path}`,
        { fields: { path } },
      );
    }
    const scored = splitParts(table, fold);
    return {
      fingerprint: await dataset.fingerprint(),
      classes: dataset.header.classes,
      trainingCells: training[0]!.positions.length,
      parts: scored.map(part => part.name as 'validation' | 'test'),
      folds: table.fold.reduce((most, one) => Math.max(most, one + 1), 0),
      groups: Math.max(...scored.map(part => new Set([...part.positions].map(i => table.group[i])).size)),
    };
  } finally {
    await dataset.close();
  }
}

function partsOf(table: CellTable, fold: number | null, names: SplitName[]) {
  try {
    return splitParts(table, fold, names);
  } catch {
    return [];
  }
}

/**
 * Makes or opens the folder of a study and holds it alone until released. A folder with anything but a study of that kind
 * is refused with `run-exists`; another process at work in it gives `run-locked`.
 */
export async function openStudy(path: string, marker: string): Promise<RunFolder> {
  await mkdir(path, { recursive: true });
  const names = (await readdir(path)).filter(name => !name.startsWith('.'));
  if (names.length > 0 && !names.includes(marker)) {
    throw new BrightcellError(
      'run-exists',
      `${path} must be free, or hold a study of this kind to go on with: something else stands there. Choose another --out.`,
      { fields: { path } },
    );
  }
  await mkdir(`${path}/${marker}`, { recursive: true });
  return lockRun(path);
}

/** A name as a folder: what is unusual in it becomes a dash, with a few letters of its hash so that names stay apart. */
export function folderName(name: string): string {
  const plain = name.replaceAll(/[^\w.+=-]+/g, '-').replace(/^\.+/, '-');
  if (plain === name && name.length < 100) return name;
  return `${plain.slice(0, 80)}-${createHash('sha256').update(name).digest('hex').slice(0, 6)}`;
}
