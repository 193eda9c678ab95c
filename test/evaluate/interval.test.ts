import { expect, test } from 'vitest';
import { bootstrapInterval } from '../../src/evaluate/bootstrap.ts';
import { classCounts } from '../../src/evaluate/confusion.ts';
import { wilsonInterval } from '../../src/evaluate/interval.ts';

test("Wilson's interval has the published values", () => {
  // Newcombe 1998, table I, method 3: 81/263, 15/148, 0/20, 1/29.
  const published = [
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ];
  for (const [right, cells, low, high] of published) {
    const interval = wilsonInterval(right!, cells!)!;
    expect(interval[0]).toBeCloseTo(low!, 4);
    expect(interval[1]).toBeCloseTo(high!, 4);
  }
  expect(wilsonInterval(20, 20)![1]).toBe(1);
  expect(wilsonInterval(0, 0)).toBeNull();
});

const share = (confusion: number[][]) =>
  (confusion[0]![0]! + confusion[1]![1]!) / confusion.flat().reduce((a, b) => a + b);

test.each([100, 10_000, 1_000_000])(
  'the bootstrap of a proportion of %i cells has the binomial width',
  cells => {
    const confusion = [
      [cells * 0.5, cells * 0.1],
      [cells * 0.1, cells * 0.3],
    ];
    const deviation = Math.sqrt((0.8 * 0.2) / cells);
    const [low, high] = bootstrapInterval(confusion, share)!;
    expect((0.8 - low) / deviation).toBeCloseTo(1.96, 0);
    expect((high - 0.8) / deviation).toBeCloseTo(1.96, 0);
    expect((high - low) / deviation).toBeGreaterThan(3.6);
    expect((high - low) / deviation).toBeLessThan(4.3);
  },
);

test('a resample has as many cells as the original, and the same matrix gives the same interval', () => {
  const confusion = [
    [7, 1, 0],
    [2, 30, 3],
    [0, 1, 400],
  ];
  const totals = new Set<number>();
  const figure = (drawn: number[][]) => {
    totals.add(drawn.flat().reduce((a, b) => a + b));
    expect(drawn.flat().every(count => count >= 0)).toBe(true);
    return classCounts(drawn)[0]!.f1;
  };
  expect(bootstrapInterval(confusion, figure)).toEqual(bootstrapInterval(confusion, figure));
  expect([...totals]).toEqual([444]);
});

test('without a wrong cell there is no bootstrap interval', () => {
  expect(
    bootstrapInterval(
      [
        [3, 0],
        [0, 4],
      ],
      share,
    ),
  ).toBeNull();
});
