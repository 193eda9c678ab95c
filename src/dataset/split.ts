import { z } from 'zod';
import { BrightcellError } from '../errors.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { assignGroups } from './assignGroups.ts';
import { Dataset } from './dataset.ts';
import { findDuplicates } from './duplicates.ts';
import { type CellTable, type SplitName, splitNames } from './format.ts';
import { createRandom } from './random.ts';
import { stratify, type Unit } from './stratify.ts';

export const splitWays = ['cell', 'group', 'imported'] as const;

export interface SplitOptions {
  /** Shares of train, validation and test; 0.65, 0.15, 0.20 by default. Not with `folds`. */
  fractions?: [train: number, validation: number, test: number];
  /**
   * 'cell': stratified random draw. 'group': every group (run, donor, day) on one side. 'imported': the split
   * that the source came with. By default 'imported' where there is one, else 'cell'.
   */
  by?: (typeof splitWays)[number];
  /** k-fold: parts of equal size, numbered from 0; 3 to 100 of them. */
  folds?: number;
  /** Which fold is the test side; the next one is the validation side, the others are the training side. */
  fold?: number;
  /** Whole number from 0; 0 by default. */
  seed?: number;
  /** Leave out classes with fewer cells instead of refusing them; at least 3. */
  minPerClass?: number;
}

export interface SplitReport {
  by: (typeof splitWays)[number];
  seed: number;
  folds: number | null;
  /** Train, validation, test. */
  splits: { split: SplitName; cells: number; groups: number; classes: { name: string; count: number }[] }[];
  /** Cells that stand on no side, and why. */
  leftOut: {
    rejected: number;
    unlabelled: number;
    smallClasses: number;
    duplicates: number;
    notListed: number;
  };
  duplicates: {
    /** Sets of cells with equal pixels, and cells in them. */
    sets: number;
    cells: number;
    /** Sets whose cells have different labels: at least one label is wrong. Up to ten examples. */
    conflicting: number;
    conflicts: { source: string; label: string }[][];
  };
  warnings: string[];
}

/**
 * Splits a data set's labelled, accepted cells into train, validation and test, and writes it into the catalogue
 * in place of the split before. Exact duplicates never stand on two sides: drawn by cell they go together; by
 * group or imported, copies are left out of train and validation in favour of test (and of train in favour of
 * validation). The same seed and data give the same split.
 *
 * @throws `option-invalid`, `split-impossible`, and what `Dataset.open` throws
 */
export async function split(path: string, options: SplitOptions = {}, job: Job = {}): Promise<SplitReport> {
  const checked = checkOptions(options);
  const dataset = await Dataset.open(path, 'write');
  try {
    throwIfCancelled(job);
    const plan = await makePlan(dataset, checked);
    throwIfCancelled(job);
    await dataset.writeSplit(
      { id: plan.table.id, split: plan.names, ...(plan.fold && { fold: plan.fold }) },
      plan.settings,
    );
    return plan.report;
  } finally {
    await dataset.close();
  }
}

const schema = z.strictObject({
  fractions: z.tuple([z.number(), z.number(), z.number()]).optional(),
  by: z.enum(splitWays).optional(),
  folds: z.int().min(3).max(100).optional(),
  fold: z.int().min(0).optional(),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .default(0),
  minPerClass: z.int().min(3).optional(),
});

type Checked = z.infer<typeof schema>;

function checkOptions(options: SplitOptions): Checked {
  const result = schema.safeParse(options);
  if (!result.success)
    throw invalid(`The options of a split must be valid.\n${z.prettifyError(result.error)}`);
  const { fractions, folds, fold, by } = result.data;
  if (fractions !== undefined) checkFractions(fractions);
  if (folds !== undefined && fractions !== undefined)
    throw invalid('A split must have folds or fractions, not both.');
  if (folds !== undefined && by === 'imported')
    throw invalid('Folds must be drawn by cell or group, not imported.');
  if (fold !== undefined && (folds === undefined || fold >= folds))
    throw invalid(`The fold must be from 0 to folds - 1. Received fold ${fold}, folds ${folds ?? 'none'}.`);
  return result.data;
}

function checkFractions(fractions: [number, number, number]): void {
  const received = fractions.map(fraction => fraction.toFixed(2)).join(', ');
  if (fractions.some(fraction => fraction < 0 || fraction > 1))
    throw invalid(`Split fractions must be from 0 to 1. Received ${received}.`);
  if (Math.abs(fractions[0] + fractions[1] + fractions[2] - 1) > 1e-6)
    throw invalid(`Split fractions must sum to 1. Received ${received}.`);
  if (fractions[0] === 0) throw invalid(`The training fraction must be above 0. Received ${received}.`);
}

interface Plan {
  table: CellTable;
  names: (SplitName | null)[];
  fold: Int16Array | undefined;
  settings: Record<string, unknown>;
  report: SplitReport;
}

async function makePlan(dataset: Dataset, options: Checked): Promise<Plan> {
  const imported = await readImported(dataset);
  const by = options.by ?? (imported.size > 0 && options.folds === undefined ? 'imported' : 'cell');
  const warnings: string[] = [];
  const { table, smallClasses } = await eligibleCells(dataset, options, warnings);
  const { sets } = await findDuplicates(dataset);
  const indexOf = new Map(sets.length > 0 ? Array.from(table.id, (id, i) => [id, i] as const) : []);
  const copies = sets.map(ids => ids.flatMap(id => indexOf.get(id) ?? [])).filter(set => set.length > 1);
  const fractions = fractionsOf(options);
  const random = createRandom(options.seed);
  const sides =
    by === 'group'
      ? drawGroups(table, dataset.header.classes.length, fractions, random, warnings)
      : by === 'imported'
        ? keepImported(table, imported, fractions, random, warnings)
        : drawCells(table, copies, fractions, random);
  const duplicates = by === 'cell' ? 0 : separateCopies(sides, copies);
  const fold = options.folds === undefined ? undefined : Int16Array.from(sides);
  if (options.folds !== undefined) turnFolds(sides, options.folds, options.fold ?? 0);
  const names = Array.from(sides, side => splitNames[side] ?? null);
  const leftOut = await countLeftOut(dataset, {
    smallClasses,
    duplicates,
    notListed: names.length - present(sides) - duplicates,
  });
  const report: SplitReport = {
    by,
    seed: options.seed,
    folds: options.folds ?? null,
    splits: countSides(table, sides, dataset.header.classes),
    leftOut,
    duplicates: await describeCopies(dataset, table, copies),
    warnings,
  };
  addWarnings(report, fractions, options.folds);
  const settings = {
    by,
    seed: options.seed,
    fractions: options.folds ? null : fractions,
    folds: report.folds,
    fold: options.folds ? (options.fold ?? 0) : null,
    minPerClass: options.minPerClass ?? null,
  };
  return { table, names, fold, settings, report };
}

function fractionsOf({ fractions, folds }: Checked): number[] {
  return folds === undefined ? (fractions ?? [0.65, 0.15, 0.2]) : new Array(folds).fill(1 / folds);
}

async function readImported(dataset: Dataset): Promise<Map<number, number>> {
  const imported = new Map<number, number>();
  await dataset.scan('SELECT id, imported_split FROM cells WHERE imported_split IS NOT NULL', chunk => {
    const ids = chunk.getColumnValues(0) as number[];
    const names = chunk.getColumnValues(1) as SplitName[];
    ids.forEach((id, i) => {
      imported.set(id, splitNames.indexOf(names[i]!));
    });
  });
  return imported;
}

/** Labelled, accepted cells of classes that are large enough to stand on every side. */
async function eligibleCells(
  dataset: Dataset,
  options: Checked,
  warnings: string[],
): Promise<{ table: CellTable; smallClasses: number }> {
  const table = await dataset.cells();
  if (table.count === 0)
    throw impossible(`${dataset.path} must hold labelled cells that are not rejected, but holds none.`);
  const counts = new Array<number>(dataset.header.classes.length).fill(0);
  for (const label of table.label) counts[label]!++;
  const least = options.minPerClass ?? 3;
  const small = counts.flatMap((count, label) => (count > 0 && count < least ? [label] : []));
  if (small.length === 0) return { table, smallClasses: 0 };
  const names = small.map(label => `${dataset.header.classes[label]} (${counts[label]})`).join(', ');
  if (options.minPerClass === undefined)
    throw impossible(
      'Every class must have at least 3 cells to stand in train, validation and test. ' +
        `Received ${names}. Add images of them, or leave such classes out with --min-per-class 3.`,
    );
  warnings.push(`Left out as too small: ${names}.`);
  const kept = Array.from(table.id.keys()).filter(i => !small.includes(table.label[i]!));
  if (kept.length === 0) throw impossible(`No class has ${least} cells. Received ${names}.`);
  return { table: pick(table, kept), smallClasses: table.count - kept.length };
}

function pick(table: CellTable, kept: number[]): CellTable {
  return {
    count: kept.length,
    id: Int32Array.from(kept, i => table.id[i]!),
    label: Int32Array.from(kept, i => table.label[i]!),
    group: kept.map(i => table.group[i]!),
    split: Int8Array.from(kept, i => table.split[i]!),
    fold: Int16Array.from(kept, i => table.fold[i]!),
  };
}

function drawCells(
  table: CellTable,
  copies: number[][],
  fractions: number[],
  random: () => number,
): Int8Array {
  const together = new Set(copies.flat());
  const units: Unit[] = copies.map(cells => ({ label: table.label[cells[0]!]!, cells }));
  for (let i = 0; i < table.count; i++)
    if (!together.has(i)) units.push({ label: table.label[i]!, cells: [i] });
  const drawn = stratify(units, fractions, random);
  const sides = new Int8Array(table.count);
  units.forEach((unit, u) => {
    for (const cell of unit.cells) sides[cell] = drawn[u]!;
  });
  return sides;
}

function drawGroups(
  table: CellTable,
  classes: number,
  fractions: number[],
  random: () => number,
  warnings: string[],
): Int8Array {
  const names = [...new Set(table.group)].sort((a, b) => (String(a) < String(b) ? -1 : 1));
  const needed = fractions.filter(fraction => fraction > 0).length;
  if (names.length === 1 && names[0] === null)
    throw impossible(
      "Splitting by group must know each cell's group, but none has one. Import with a group column or " +
        '--group-from, or split with --by cell.',
    );
  if (names.length < needed)
    throw impossible(
      `${needed} sides must have a group each. Received ${names.length} groups: ${names.join(', ')}. ` +
        'Split with --by cell, or set a fraction to 0.',
    );
  if (names.includes(null)) warnings.push('Cells without a group were kept together as one group.');
  const indexOf = new Map(names.map((name, group) => [name, group]));
  const counts = names.map(() => new Array<number>(classes).fill(0));
  const groups = table.group.map(name => indexOf.get(name)!);
  groups.forEach((group, i) => {
    counts[group]![table.label[i]!]!++;
  });
  const assigned = assignGroups(counts, fractions, random);
  return Int8Array.from(groups, group => assigned[group]!);
}

/** The imported sides; where the source has none for validation, it is drawn from train. */
function keepImported(
  table: CellTable,
  imported: Map<number, number>,
  fractions: number[],
  random: () => number,
  warnings: string[],
): Int8Array {
  const sides = Int8Array.from(table.id, id => imported.get(id) ?? -1);
  if (!sides.includes(0)) throw impossible('The imported split must have training cells, but has none.');
  if (sides.includes(1) || fractions[1] === 0) return sides;
  const share = fractions[1]! / (fractions[0]! + fractions[1]!);
  const train = Array.from(sides.keys()).filter(i => sides[i] === 0);
  const drawn = stratify(
    train.map(i => ({ label: table.label[i]!, cells: [i] })),
    [1 - share, share],
    random,
  );
  train.forEach((i, k) => {
    sides[i] = drawn[k]!;
  });
  warnings.push(
    `The source has no validation cells; ${Math.round(share * 100)} % of its training cells were drawn for it.`,
  );
  return sides;
}

/** Turns fold numbers into sides: test, the next one validation, the others train. */
function turnFolds(sides: Int8Array, folds: number, test: number): void {
  const validation = (test + 1) % folds;
  for (let i = 0; i < sides.length; i++)
    if (sides[i]! >= 0) sides[i] = sides[i] === test ? 2 : sides[i] === validation ? 1 : 0;
}

/** Leaves out copies that stand on another side (or in another fold) than the highest one; returns how many. */
function separateCopies(sides: Int8Array, copies: number[][]): number {
  let leftOut = 0;
  for (const cells of copies) {
    const kept = Math.max(...cells.map(i => sides[i]!));
    for (const i of cells) {
      if (sides[i] === kept || sides[i] === -1) continue;
      sides[i] = -1;
      leftOut++;
    }
  }
  return leftOut;
}

function present(sides: Int8Array): number {
  let count = 0;
  for (const side of sides) if (side >= 0) count++;
  return count;
}

async function countLeftOut(
  dataset: Dataset,
  known: { smallClasses: number; duplicates: number; notListed: number },
): Promise<SplitReport['leftOut']> {
  const [row] = await dataset.query(
    "SELECT count(*) FILTER (verdict = 'rejected') AS rejected, " +
      "count(*) FILTER (verdict IS DISTINCT FROM 'rejected' AND label < 0) AS unlabelled FROM cells",
  );
  return { rejected: Number(row?.rejected), unlabelled: Number(row?.unlabelled), ...known };
}

function countSides(table: CellTable, sides: Int8Array, classes: string[]): SplitReport['splits'] {
  return splitNames.map((name, side) => {
    const counts = new Array<number>(classes.length).fill(0);
    const groups = new Set<string>();
    let cells = 0;
    for (let i = 0; i < table.count; i++) {
      if (sides[i] !== side) continue;
      cells++;
      counts[table.label[i]!]!++;
      if (table.group[i] !== null) groups.add(table.group[i]!);
    }
    const named = classes.map((className, label) => ({ name: className, count: counts[label]! }));
    return { split: name, cells, groups: groups.size, classes: named };
  });
}

async function describeCopies(
  dataset: Dataset,
  table: CellTable,
  copies: number[][],
): Promise<SplitReport['duplicates']> {
  const conflicting = copies.filter(cells => cells.some(i => table.label[i] !== table.label[cells[0]!]));
  const conflicts: { source: string; label: string }[][] = [];
  for (const cells of conflicting.slice(0, 10)) {
    const shown: { source: string; label: string }[] = [];
    for (const i of cells.slice(0, 10)) {
      const [row] = await dataset.query('SELECT source FROM cells WHERE id = $1', [table.id[i]!]);
      shown.push({ source: String(row?.source), label: dataset.header.classes[table.label[i]!]! });
    }
    conflicts.push(shown);
  }
  const cells = copies.reduce((sum, set) => sum + set.length, 0);
  return { sets: copies.length, cells, conflicting: conflicting.length, conflicts };
}

function addWarnings(report: SplitReport, fractions: number[], folds: number | undefined): void {
  const whole = report.splits.flatMap(side =>
    side.classes.filter(({ count }) => count > 0).map(({ name }) => name),
  );
  const names = new Set(whole);
  for (const [i, side] of report.splits.entries()) {
    const expected = folds !== undefined || fractions[i]! > 0 || side.cells > 0;
    if (!expected) continue;
    const missing = side.classes
      .filter(({ name, count }) => names.has(name) && count === 0)
      .map(({ name }) => name);
    if (side.cells === 0) report.warnings.push(`The ${side.split} side is empty.`);
    else if (missing.length > 0)
      report.warnings.push(`The ${side.split} side has no cell of ${missing.join(', ')}.`);
  }
  if (names.size === 1) report.warnings.push('All cells are of one class; training needs two or more.');
  const { conflicting } = report.duplicates;
  if (conflicting > 0)
    report.warnings.push(
      `${conflicting} sets of equal images have different labels; at least one label of each is wrong.`,
    );
}

function invalid(message: string): BrightcellError {
  return new BrightcellError('option-invalid', message);
}

function impossible(message: string): BrightcellError {
  return new BrightcellError('split-impossible', message);
}
