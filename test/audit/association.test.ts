import { expect, test } from 'vitest';
import { chiSquaredTail, measureAssociation } from '../../src/audit/association.ts';
import fixture from './fixtures/rank-tests.json' with { type: 'json' };

test.each(fixture.tables)(
  "chi-squared and Cramér's V agree with SciPy's, table %#",
  ({ counts, ...expected }) => {
    const found = measureAssociation(counts);
    expect(found.chiSquared).toBeCloseTo(expected.chiSquared, 9);
    expect(found.degreesOfFreedom).toBe(expected.degreesOfFreedom);
    expect(found.p / Math.max(expected.p, 1e-300)).toBeCloseTo(expected.p === 0 ? 0 : 1, 8);
    expect(found.cramersV).toBeCloseTo(expected.cramersV, 12);
    expect(found.correctedV).toBeCloseTo(expected.correctedV, 12);
  },
);

test.each(fixture.tails)(
  "the tail of chi-squared at $x of $degrees degrees is SciPy's",
  ({ x, degrees, p }) => {
    expect(chiSquaredTail(x, degrees) / p).toBeCloseTo(1, 9);
  },
);

test('a group that says the class has a V of 1, and groups that are alike one of 0', () => {
  const same = [
    [20, 0],
    [0, 20],
  ];
  expect(measureAssociation(same).cramersV).toBe(1);
  expect(measureAssociation(same).correctedV).toBeCloseTo(1, 12);
  const alike = [
    [20, 10],
    [40, 20],
  ];
  expect(measureAssociation(alike)).toMatchObject({ chiSquared: 0, cramersV: 0, correctedV: 0, p: 1 });
});

test('rows and columns without cells, and tables of one row or none, are no association and no NaN', () => {
  const none = { degreesOfFreedom: 0, p: 1, cramersV: 0, correctedV: 0 };
  expect(measureAssociation([])).toMatchObject(none);
  expect(measureAssociation([[3, 4]])).toMatchObject(none);
  expect(
    measureAssociation([
      [3, 0],
      [4, 0],
    ]),
  ).toMatchObject(none);
  const padded = measureAssociation([
    [30, 10, 0],
    [0, 0, 0],
    [12, 28, 0],
  ]);
  expect(padded.cramersV).toBeCloseTo(fixture.tables[0]!.cramersV, 12);
});
