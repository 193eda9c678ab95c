import { BrightcellError } from '../errors.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { assignGroups } from './assignGroups.ts';
import { Dataset } from './dataset.ts';
import { findDuplicates } from './duplicates.ts';
import { type CellTable, type SplitName, splitNames } from './format.ts';
import { createRandom } from './random.ts';
import { type CheckedSplit, checkSplitOptions, type SplitOptions } from './splitOptions.ts';
import { addWarnings, countLeftOut, countSides, describeCopies, type SplitReport } from './splitReport.ts';
import { stratify, type Unit } from './stratify.ts';
import { joinSets, readTogether } from './together.ts';

/**
 * Splits a data set's labelled, accepted cells into train, validation and test, and writes it into the catalogue
 * in place of the split before. Exact duplicates never stand on two sides: drawn by cell they go together; by
 * group or imported, copies are left out of train and validation in favour of test (and of train in favour of
 * validation). So do cells of the groups of `together`. The same seed and data give the same split.
 *
 * @throws `option-invalid`, `split-impossible`, and what `Dataset.open` throws
 */
export async function split(path: string, options: SplitOptions = {}, job: Job = {}): Promise<SplitReport> {
  const checked = checkSplitOptions(options);
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

interface Plan {
  table: CellTable;
  names: (SplitName | null)[];
  fold: Int16Array | undefined;
  settings: Record<string, unknown>;
  report: SplitReport;
}

async function makePlan(dataset: Dataset, options: CheckedSplit): Promise<Plan> {
  const imported = await readImported(dataset);
  const by = options.by ?? (imported.size > 0 && options.folds === undefined ? 'imported' : 'cell');
  const warnings: string[] = [];
  const { table, smallClasses } = await eligibleCells(dataset, options, warnings);
  const { sets: equal } = await findDuplicates(dataset);
  const sets = options.together === undefined ? equal : joinSets(equal, await readTogether(options.together));
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
    ...(options.together !== undefined && { together: options.together }),
  };
  return { table, names, fold, settings, report };
}

function fractionsOf({ fractions, folds }: CheckedSplit): number[] {
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
  options: CheckedSplit,
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

function impossible(message: string): BrightcellError {
  return new BrightcellError('split-impossible', message);
}

export { type SplitOptions, splitWays } from './splitOptions.ts';
export type { SplitReport } from './splitReport.ts';
