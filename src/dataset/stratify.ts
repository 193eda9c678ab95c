import { shuffle } from './random.ts';

/** Cells that must stay together, and their class. */
export interface Unit {
  label: number;
  /** Indices of the cells. */
  cells: number[];
}

/**
 * Draws units onto sides so that each side gets its fraction of every class, as nearly as whole units allow; a
 * class with at least as many units as sides stands on all of them. Returns the side of each unit. Sides of
 * fraction 0 stay empty.
 */
export function stratify(
  units: readonly Unit[],
  fractions: readonly number[],
  random: () => number,
): Int8Array {
  const sides = new Int8Array(units.length);
  const byLabel = new Map<number, number[]>();
  units.forEach((unit, i) => {
    const same = byLabel.get(unit.label);
    if (same === undefined) byLabel.set(unit.label, [i]);
    else same.push(i);
  });
  for (const label of [...byLabel.keys()].sort((a, b) => a - b)) {
    const members = byLabel.get(label)!;
    shuffle(members, random);
    // Units of many cells first: what is left over is then filled exactly by single cells.
    members.sort((a, b) => units[b]!.cells.length - units[a]!.cells.length);
    assignClass(members, units, fractions, sides);
  }
  return sides;
}

function assignClass(
  members: number[],
  units: readonly Unit[],
  fractions: readonly number[],
  sides: Int8Array,
): void {
  const total = members.reduce((sum, i) => sum + units[i]!.cells.length, 0);
  const missing = apportion(total, fractions);
  const empty = new Set(fractions.flatMap((fraction, side) => (fraction > 0 ? [side] : [])));
  members.forEach((i, done) => {
    const left = members.length - done;
    const open = left <= empty.size ? [...empty] : fractions.flatMap((f, side) => (f > 0 ? [side] : []));
    const side = open.reduce((best, next) => (missing[next]! > missing[best]! ? next : best));
    sides[i] = side;
    missing[side]! -= units[i]!.cells.length;
    empty.delete(side);
  });
}

/**
 * Whole numbers that add up to `total`, in proportion to `fractions` (largest remainders); where `total` allows,
 * at least 1 for each fraction above 0.
 */
export function apportion(total: number, fractions: readonly number[]): number[] {
  const exact = fractions.map(fraction => fraction * total);
  const counts = exact.map(Math.floor);
  const order = fractions
    .map((_, side) => side)
    .filter(side => fractions[side]! > 0)
    .sort((a, b) => exact[b]! - counts[b]! - (exact[a]! - counts[a]!) || a - b);
  let rest = total - counts.reduce((sum, count) => sum + count, 0);
  for (let i = 0; rest > 0; i = (i + 1) % order.length, rest--) counts[order[i]!]!++;
  for (const side of order) {
    if (counts[side]! > 0) continue;
    const richest = counts.indexOf(Math.max(...counts));
    if (counts[richest]! <= 1) break;
    counts[richest]!--;
    counts[side]!++;
  }
  return counts;
}
