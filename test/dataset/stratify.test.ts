import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assignGroups } from '../../src/dataset/assignGroups.ts';
import { createRandom } from '../../src/dataset/random.ts';
import { apportion, stratify } from '../../src/dataset/stratify.ts';

const fractionsOf = fc
  .array(fc.integer({ min: 1, max: 20 }), { minLength: 2, maxLength: 6 })
  .map(parts => parts.map(part => part / parts.reduce((a, b) => a + b, 0)));

test('apportioned counts add up, are within one of their share, and leave no side empty without need', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 5000 }), fractionsOf, (total, fractions) => {
      const counts = apportion(total, fractions);
      expect(counts.reduce((a, b) => a + b, 0)).toBe(total);
      if (total >= fractions.length) expect(Math.min(...counts)).toBeGreaterThan(0);
      const smallest = Math.min(...fractions) * total;
      if (smallest >= 1)
        counts.forEach((count, i) => {
          expect(Math.abs(count - fractions[i]! * total)).toBeLessThan(1);
        });
    }),
  );
  expect(apportion(100, [0.65, 0.15, 0.2])).toEqual([65, 15, 20]);
  expect(apportion(10, [0.8, 0.2, 0])).toEqual([8, 2, 0]);
  expect(apportion(3, [0.98, 0.01, 0.01])).toEqual([1, 1, 1]);
});

test('single cells are drawn in exactly the apportioned numbers, class by class', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 3, max: 200 }), { minLength: 1, maxLength: 5 }),
      fractionsOf,
      fc.integer(),
      (sizes, fractions, seed) => {
        const units = sizes.flatMap((size, label) =>
          Array.from({ length: size }, (_, i) => ({ label, cells: [i] })),
        );
        const sides = stratify(units, fractions, createRandom(seed));
        expect(stratify(units, fractions, createRandom(seed))).toEqual(sides);
        sizes.forEach((size, label) => {
          const counts = fractions.map(() => 0);
          units.forEach((unit, i) => {
            if (unit.label === label) counts[sides[i]!]!++;
          });
          expect(counts).toEqual(apportion(size, fractions));
        });
      },
    ),
  );
});

test('another seed draws other cells', () => {
  const units = Array.from({ length: 100 }, (_, i) => ({ label: 0, cells: [i] }));
  const draw = (seed: number) => [...stratify(units, [0.5, 0.5], createRandom(seed))].join('');
  expect(new Set([draw(1), draw(2), draw(3)]).size).toBe(3);
});

/** Every assignment, tried one by one without any shortcut: the cost as it is documented. */
function costOf(counts: number[][], fractions: number[], sides: ArrayLike<number>): number {
  const classes = counts[0]!.length;
  const total = (label: number) => counts.reduce((sum, group) => sum + group[label]!, 0);
  const all = counts.flat().reduce((a, b) => a + b, 0);
  let cost = 0;
  fractions.forEach((fraction, side) => {
    const mine = counts.filter((_, group) => sides[group] === side);
    for (let label = 0; label < classes; label++) {
      if (total(label) === 0) continue;
      const held = mine.reduce((sum, group) => sum + group[label]!, 0);
      cost += (held / total(label) - fraction) ** 2 + (held === 0 ? 1 : 0);
    }
    const share = mine.flat().reduce((a, b) => a + b, 0) / all;
    cost += classes * (share - fraction) ** 2 + (share === 0 ? 1 : 0);
  });
  return cost;
}

const groupCounts = (groups: { minLength: number; maxLength: number }) =>
  fc
    .integer({ min: 1, max: 4 })
    .chain(classes =>
      fc.array(fc.array(fc.integer({ min: 1, max: 90 }), { minLength: classes, maxLength: classes }), groups),
    );

test('few groups get the best of all assignments', () => {
  fc.assert(
    fc.property(groupCounts({ minLength: 3, maxLength: 6 }), fc.integer(), (counts, seed) => {
      const fractions = [0.65, 0.15, 0.2];
      const sides = assignGroups(counts, fractions, createRandom(seed));
      const found = costOf(counts, fractions, sides);
      for (let code = 0; code < 3 ** counts.length; code++) {
        const trial = counts.map((_, group) => Math.floor(code / 3 ** group) % 3);
        if (new Set(trial).size === 3)
          expect(found).toBeLessThanOrEqual(costOf(counts, fractions, trial) + 1e-9);
      }
    }),
    { numRuns: 25 },
  );
});

test('many groups come near to the fractions, and every side has one', () => {
  fc.assert(
    fc.property(groupCounts({ minLength: 30, maxLength: 60 }), fc.integer(), (counts, seed) => {
      const sides = assignGroups(counts, [0.65, 0.15, 0.2], createRandom(seed));
      expect(new Set(sides)).toEqual(new Set([0, 1, 2]));
      const all = counts.flat().reduce((a, b) => a + b, 0);
      [0.65, 0.15, 0.2].forEach((fraction, side) => {
        const held = counts.filter((_, group) => sides[group] === side).flat();
        expect(Math.abs(held.reduce((a, b) => a + b, 0) / all - fraction)).toBeLessThan(0.05);
      });
    }),
    { numRuns: 15 },
  );
});
