import type { Dataset } from './dataset.ts';
import { type CellTable, type SplitName, splitNames } from './format.ts';
import type { splitWays } from './splitOptions.ts';

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

/** Counts the cells that stand on no side, beside those that the draw itself left out. */
export async function countLeftOut(
  dataset: Dataset,
  known: { smallClasses: number; duplicates: number; notListed: number },
): Promise<SplitReport['leftOut']> {
  const [row] = await dataset.query(
    "SELECT count(*) FILTER (verdict = 'rejected') AS rejected, " +
      "count(*) FILTER (verdict IS DISTINCT FROM 'rejected' AND label < 0) AS unlabelled FROM cells",
  );
  return { rejected: Number(row?.rejected), unlabelled: Number(row?.unlabelled), ...known };
}

/** What stands on each side. */
export function countSides(table: CellTable, sides: Int8Array, classes: string[]): SplitReport['splits'] {
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

/** Sets of equal images (indices into `table`), and those whose labels contradict each other. */
export async function describeCopies(
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

/** Adds what a reader of the figures should know. */
export function addWarnings(report: SplitReport, fractions: number[], folds: number | undefined): void {
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
