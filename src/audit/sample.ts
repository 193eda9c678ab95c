import type { CellTable } from '../dataset/format.ts';
import { apportion } from '../dataset/stratify.ts';
import { mixSeed, shuffle } from '../train/seed.ts';

/** Some cells of a table: what a part learns from. */
export interface Sample {
  count: number;
  id: Int32Array;
  label: Int32Array;
  group: (string | null)[];
}

/** The cells at these positions of a table, in their order. */
export function takeCells(table: CellTable, positions: ArrayLike<number>): Sample {
  const at = Int32Array.from(positions);
  return {
    count: at.length,
    id: at.map(i => table.id[i]!),
    label: at.map(i => table.label[i]!),
    group: Array.from(at, i => table.group[i]!),
  };
}

/**
 * At most `most` cells of a table, in order of id: of each class, and within it of each group, its share, and at least
 * one of each where there is room. The same seed draws the same cells.
 */
export function drawSample(table: CellTable, most: number, seed: number): Sample {
  if (table.count <= most)
    return takeCells(
      table,
      Array.from({ length: table.count }, (_, i) => i),
    );
  const strata = new Map<string, number[]>();
  for (let i = 0; i < table.count; i++) {
    const key = JSON.stringify([table.label[i], table.group[i]]);
    const same = strata.get(key);
    if (same) same.push(i);
    else strata.set(key, [i]);
  }
  const members = [...strata.keys()].sort().map(key => strata.get(key)!);
  const shares = apportion(
    most,
    members.map(one => one.length / table.count),
  );
  const drawn = members.flatMap((one, s) => [
    ...shuffle(Int32Array.from(one), mixSeed(seed, 6101, s)).subarray(0, shares[s]),
  ]);
  return takeCells(
    table,
    drawn.sort((a, b) => a - b),
  );
}
