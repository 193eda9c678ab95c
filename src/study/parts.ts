import { type CellTable, type SplitName, splitNames } from '../dataset/format.ts';
import { BrightcellError } from '../errors.ts';

/** Some cells of a table under a name. */
export interface Part {
  name: SplitName | 'all';
  /** Positions in the table, ascending. */
  positions: Int32Array;
}

/**
 * The parts of a data set that are to be evaluated. With a fold, its cells are the test part and the next fold's the
 * validation part. Throws `option-invalid` when a part that was asked for has no cells, or none has any.
 */
export function splitParts(table: CellTable, fold: number | null, splits?: readonly SplitName[]): Part[] {
  for (const name of splits ?? []) {
    if (!splitNames.includes(name)) {
      refuse(`Parts must be of ${splitNames.join(', ')}. Received ${name}.`);
    }
  }
  const sideOf = fold === null ? (i: number) => table.split[i]! : foldSides(table, fold);
  const wanted = splitNames.filter(name => (splits ?? ['validation', 'test']).includes(name));
  const parts = wanted.map(name => {
    const side = splitNames.indexOf(name);
    return { name, positions: table.id.map((_, i) => i).filter(i => sideOf(i) === side) };
  });
  const empty = parts.filter(part => part.positions.length === 0).map(part => part.name);
  if (splits !== undefined && empty.length > 0) {
    refuse(
      `The ${empty.join(' and ')} part has no labelled cell that is not rejected. Split the data set anew.`,
    );
  }
  const filled = parts.filter(part => part.positions.length > 0);
  if (filled.length === 0) {
    refuse(
      'The data set must have a validation or test part. It has neither: run "brightcell split" on it, then train.',
    );
  }
  return filled;
}

/** Every cell as one part. */
export function wholePart(table: CellTable): Part[] {
  if (table.count === 0) refuse('The data set must have a labelled cell that is not rejected. It has none.');
  return [{ name: 'all', positions: table.id.map((_, i) => i) }];
}

/** Index into splitNames of each cell when `fold` is the test part and the next one the validation part. */
function foldSides(table: CellTable, fold: number): (i: number) => number {
  const folds = table.fold.reduce((most, one) => Math.max(most, one), -1) + 1;
  if (fold >= folds)
    refuse(`The data set must have the fold ${fold} that was held out. It has ${folds} folds.`);
  const next = (fold + 1) % folds;
  return i => {
    const own = table.fold[i]!;
    if (own < 0) return -1;
    return splitNames.indexOf(own === fold ? 'test' : own === next ? 'validation' : 'train');
  };
}

function refuse(message: string): never {
  throw new BrightcellError('option-invalid', message);
}
