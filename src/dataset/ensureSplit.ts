import { BrightcellError } from '../errors.ts';
import type { Job } from '../job.ts';
import { Dataset } from './dataset.ts';
import type { CellTable } from './format.ts';
import { requireSpreadClasses } from './groupSpread.ts';
import { split } from './split.ts';

export const ensuredWays = ['cell', 'group'] as const;

export interface EnsureSplitOptions {
  /** 'group': no group (run, donor, day) on two sides. 'cell': a stratified random draw. */
  by: (typeof ensuredWays)[number];
  /** Whole number from 0; of the draw, where one is made. */
  seed: number;
  /** k parts of equal size instead of training, validation and test. */
  folds?: number;
  /** Draw anew in place of a split of another kind instead of refusing it. */
  replace?: boolean;
}

/** The split that a training goes by. */
export interface EnsuredSplit {
  by: EnsureSplitOptions['by'];
  /** Whether it was drawn now; otherwise it stood already. */
  made: boolean;
  /** Of the draw; null where a split that stood does not say. */
  seed: number | null;
  folds: number | null;
  warnings: string[];
}

/**
 * Makes sure that a data set is split in this way: one that is not split is, as `split` does it; a split that is of this kind
 * already is left as it is, whatever its seed, so that trainings with several seeds are judged on the same cells. By group
 * any split counts that has no group on two sides.
 *
 * Throws `split-exists` for a split of another kind unless it may be replaced (runs trained on it could no longer be
 * evaluated), and `split-impossible` where by group some class could not be both learnt and tested.
 */
export async function ensureSplit(
  path: string,
  options: EnsureSplitOptions,
  job: Job = {},
): Promise<EnsuredSplit> {
  const { by, folds, replace = false } = options;
  const found = await readSplit(path);
  if (by === 'group') requireSpreadClasses(found.table, found.classes, folds ?? 3);
  const stands = found.table.split.some(side => side >= 0);
  if (stands && isOfKind(found, options)) {
    const { seed } = found.settings;
    const own = typeof seed === 'number' ? seed : null;
    return { by, made: false, seed: own, folds: folds ?? null, warnings: [] };
  }
  if (stands && !replace) throw otherSplit(path, found, options);
  // The seeds of a split have 32 bits.
  const seed = options.seed % 2 ** 32;
  const { warnings } = await split(path, { by, seed, folds }, job);
  return { by, made: true, seed, folds: folds ?? null, warnings };
}

interface StoredSplit {
  table: CellTable;
  classes: string[];
  settings: Record<string, unknown>;
}

async function readSplit(path: string): Promise<StoredSplit> {
  const dataset = await Dataset.open(path, 'read');
  try {
    const settings = (await dataset.settings('split')) ?? {};
    return { table: await dataset.cells(), classes: dataset.header.classes, settings };
  } finally {
    await dataset.close();
  }
}

function isOfKind({ table, settings }: StoredSplit, { by, folds }: EnsureSplitOptions): boolean {
  if (folds !== undefined && countFolds(table) !== folds) return false;
  return by === 'group' ? keepsGroupsApart(table, folds !== undefined) : settings.by === 'cell';
}

function countFolds({ fold }: CellTable): number {
  return fold.reduce((most, one) => Math.max(most, one + 1), 0);
}

function keepsGroupsApart(table: CellTable, byFold: boolean): boolean {
  const sides = byFold ? table.fold : table.split;
  const sideOf = new Map<string | null, number>();
  return table.group.every((group, i) => {
    const own = sides[i]!;
    if (own < 0) return true; // stands on no side
    if (!sideOf.has(group)) sideOf.set(group, own);
    return sideOf.get(group) === own;
  });
}

function otherSplit(path: string, { table, settings }: StoredSplit, { by, folds }: EnsureSplitOptions) {
  const has = countFolds(table);
  const made = typeof settings.by === 'string' ? ` made by ${settings.by}` : '';
  const received = has > 0 ? `${has} folds${made}` : `a split${made}`;
  const wanted = by === 'group' ? 'that keeps every group on one side' : 'drawn by cell';
  return new BrightcellError(
    'split-exists',
    `${path} must have a split ${wanted}${folds === undefined ? '' : ` in ${folds} folds`}, or none yet. It has ${received}. ` +
      'Replace it with --replace-split (runs that were trained on it can then no longer be evaluated or resumed), or ' +
      'train on a data set of its own.',
    { fields: { path } },
  );
}
