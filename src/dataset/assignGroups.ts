import { shuffle } from './random.ts';

/**
 * Puts whole groups on sides so that sizes and class shares come as near to the fractions as they can. Every side
 * of a fraction above 0 gets at least one group: there must be as many groups as such sides. The cost of an
 * assignment is the sum of squared differences between the share of each class (and of all cells) on a side and
 * the side's fraction, and 1 more for each class that is missing on a side. With few groups every assignment is
 * tried; with more, groups are placed largest first and then moved and exchanged while that helps.
 *
 * @param counts cells of each class in each group: `counts[group][label]`
 * @returns the side of each group
 */
export function assignGroups(
  counts: readonly (readonly number[])[],
  fractions: readonly number[],
  random: () => number,
): Int8Array {
  const sides = fractions.flatMap((fraction, side) => (fraction > 0 ? [side] : []));
  const problem = new Problem(counts, fractions);
  if (sides.length ** counts.length <= exhaustiveLimit) return tryAll(problem, sides);
  let best: { sides: Int8Array; cost: number } | undefined;
  for (let start = 0; start < starts; start++) {
    const found = improve(problem, placeLargestFirst(problem, sides, random), sides);
    if (best === undefined || found.cost < best.cost) best = found;
  }
  return best!.sides;
}

const exhaustiveLimit = 60_000;
const starts = 8;
const passes = 20;

/** Share of each class on each side, kept up to date as groups move. */
class Problem {
  readonly groups: number;
  /** Share of each class, and last of all cells, that a group holds. */
  readonly shares: Float64Array[];
  readonly fractions: readonly number[];
  readonly classes: number;

  constructor(counts: readonly (readonly number[])[], fractions: readonly number[]) {
    const classes = counts[0]!.length;
    const totals = new Float64Array(classes + 1);
    for (const group of counts)
      group.forEach((count, label) => {
        totals[label]! += count;
        totals[classes]! += count;
      });
    this.groups = counts.length;
    this.classes = classes + 1;
    this.fractions = fractions;
    this.shares = counts.map(group => {
      const all = group.reduce((sum, count) => sum + count, 0);
      return Float64Array.from([...group, all], (count, i) => (totals[i]! > 0 ? count / totals[i]! : 0));
    });
    this.present = totals.map(total => (total > 0 ? 1 : 0));
  }

  readonly present: Float64Array;

  /** Cost of one side that holds these shares; classes that exist nowhere cost nothing. */
  sideCost(side: number, held: Float64Array): number {
    const fraction = this.fractions[side]!;
    let cost = 0;
    for (let label = 0; label < this.classes; label++) {
      if (this.present[label] === 0) continue;
      // All cells count as much as all classes together.
      const weight = label === this.classes - 1 ? this.classes - 1 : 1;
      cost += weight * (held[label]! - fraction) ** 2 + (held[label]! < 1e-12 ? 1 : 0);
    }
    return cost;
  }

  held(sides: Int8Array, side: number): Float64Array {
    const held = new Float64Array(this.classes);
    sides.forEach((of, group) => {
      if (of === side)
        this.shares[group]!.forEach((share, label) => {
          held[label]! += share;
        });
    });
    return held;
  }

  cost(sides: Int8Array, used: readonly number[]): number {
    let cost = 0;
    for (const side of used) {
      // A side without any group is no solution.
      if (!sides.includes(side)) return Number.POSITIVE_INFINITY;
      cost += this.sideCost(side, this.held(sides, side));
    }
    return cost;
  }
}

function tryAll(problem: Problem, sides: readonly number[]): Int8Array {
  const best = { sides: new Int8Array(problem.groups), cost: Number.POSITIVE_INFINITY };
  const trial = new Int8Array(problem.groups);
  const combinations = sides.length ** problem.groups;
  for (let code = 0; code < combinations; code++) {
    for (let group = 0, rest = code; group < problem.groups; group++, rest = Math.floor(rest / sides.length))
      trial[group] = sides[rest % sides.length]!;
    const cost = problem.cost(trial, sides);
    if (cost < best.cost - 1e-12) Object.assign(best, { sides: trial.slice(), cost });
  }
  return best.sides;
}

function placeLargestFirst(problem: Problem, sides: readonly number[], random: () => number): Int8Array {
  const order = Array.from({ length: problem.groups }, (_, group) => group);
  shuffle(order, random);
  const size = (group: number) => problem.shares[group]![problem.classes - 1]!;
  order.sort((a, b) => size(b) - size(a));
  const placed = new Int8Array(problem.groups).fill(-1);
  const held = new Map(sides.map(side => [side, new Float64Array(problem.classes)]));
  const empty = new Set(sides);
  order.forEach((group, done) => {
    const open = problem.groups - done <= empty.size ? [...empty] : sides;
    const missing = (side: number) => problem.fractions[side]! - held.get(side)![problem.classes - 1]!;
    const side = open.reduce((best, next) => (missing(next) > missing(best) ? next : best));
    placed[group] = side;
    problem.shares[group]!.forEach((share, label) => {
      held.get(side)![label]! += share;
    });
    empty.delete(side);
  });
  return placed;
}

/** Moves single groups and exchanges pairs while the cost falls. */
function improve(
  problem: Problem,
  placed: Int8Array,
  sides: readonly number[],
): { sides: Int8Array; cost: number } {
  let cost = problem.cost(placed, sides);
  // Exchanging pairs of very many groups would take long and gain little: there are then small ones to move.
  const withPairs = problem.groups <= 100;
  for (let pass = 0, better = true; better && pass < passes; pass++) {
    better = false;
    for (let a = 0; a < problem.groups; a++) {
      for (const side of sides) better = attempt([[a, side]]) || better;
      for (let b = a + 1; withPairs && b < problem.groups; b++)
        if (placed[a] !== placed[b])
          better =
            attempt([
              [a, placed[b]!],
              [b, placed[a]!],
            ]) || better;
    }
  }
  return { sides: placed, cost };

  function attempt(moves: [group: number, side: number][]): boolean {
    const before = moves.map(([group]) => placed[group]!);
    for (const [group, side] of moves) placed[group] = side;
    const next = problem.cost(placed, sides);
    if (next < cost - 1e-12) {
      cost = next;
      return true;
    }
    moves.forEach(([group], i) => {
      placed[group] = before[i]!;
    });
    return false;
  }
}
