import fc from 'fast-check';
import { expect, test } from 'vitest';
import { drawSubset } from '../../src/study/subset.ts';

const classes = ['a', 'b', 'c'];
const labelled = (...counts: number[]) =>
  Int32Array.from(counts.flatMap((count, k) => new Array<number>(count).fill(k)));

test('a smaller subsample is part of a larger one of the same seed', () => {
  const labels = labelled(50, 30, 20);
  fc.assert(
    fc.property(
      fc.integer({ min: 10, max: 100 }),
      fc.integer({ min: 10, max: 100 }),
      fc.nat(1000),
      (a, b, seed) => {
        const [small, large] = [Math.min(a, b), Math.max(a, b)].map(count =>
          drawSubset(labels, classes, count, seed),
        );
        const held = new Set(large);
        expect(small!.every(i => held.has(i))).toBe(true);
        expect(new Set(small).size).toBe(Math.min(a, b));
      },
    ),
  );
});

test('every class keeps its share to within a cell', () => {
  const labels = labelled(500, 300, 200);
  for (const count of [10, 33, 100, 999]) {
    const drawn = drawSubset(labels, classes, count, 7);
    for (const [k, share] of [0.5, 0.3, 0.2].entries()) {
      const own = drawn.filter(i => labels[i] === k).length;
      expect(Math.abs(own - share * count)).toBeLessThanOrEqual(1);
    }
  }
});

test('other seeds draw other cells, and the whole is every cell in order', () => {
  const labels = labelled(40, 40);
  expect(drawSubset(labels, classes, 20, 1)).not.toEqual(drawSubset(labels, classes, 20, 2));
  expect([...drawSubset(labels, classes, 80, 3)]).toEqual([...labels.keys()]);
});

test('a class too rare for the subsample, and more cells than there are, are refused', () => {
  const labels = labelled(500, 500, 2);
  expect(() => drawSubset(labels, classes, 50, 1)).toThrow(
    expect.objectContaining({ code: 'classes-missing', message: expect.stringContaining('hold none of c') }),
  );
  expect(() => drawSubset(labels, classes, 1003, 1)).toThrow(/at most the 1002/);
});
