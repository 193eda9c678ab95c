import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Dataset } from '../../src/dataset/dataset.ts';
import { type EnsureSplitOptions, ensureSplit } from '../../src/dataset/ensureSplit.ts';
import { split } from '../../src/dataset/split.ts';
import { cell, header, withFolder } from './cells.ts';

/** A data set of 240 cells whose class and group follow from their number. */
async function makeCells(
  folder: string,
  classOf: (i: number) => number,
  groupOf: (i: number) => string | null,
): Promise<string> {
  const path = join(folder, 'cells');
  const dataset = await Dataset.create(path, header({ classes: ['a', 'b'] }));
  const cells = Array.from({ length: 240 }, (_, i) => {
    const pixels = Uint8Array.from({ length: 48 }, (_, k) => (i >> (8 * (k % 3))) & 255);
    return cell(i, { pixels, label: classOf(i), group: groupOf(i) });
  });
  await dataset.append(cells);
  await dataset.close();
  return path;
}

const byTurns = (i: number) => i % 2;
const days = (count: number) => (i: number) => `day ${Math.floor(i / 2) % count}`;

async function readBack(path: string) {
  const dataset = await Dataset.open(path, 'read');
  try {
    return { table: await dataset.cells(), fingerprint: await dataset.fingerprint() };
  } finally {
    await dataset.close();
  }
}

const byGroup: EnsureSplitOptions = { by: 'group', seed: 3 };

test('a data set without a split gets the one that splitting by group with that seed makes', () =>
  withFolder(async folder => {
    const path = await makeCells(folder, byTurns, days(8));
    const made = await ensureSplit(path, byGroup);
    expect(made).toEqual({ by: 'group', made: true, seed: 3, folds: null, warnings: [] });
    const { table } = await readBack(path);
    const sidesOf = new Map<string | null, Set<number>>();
    table.group.forEach((group, i) => {
      sidesOf.set(group, (sidesOf.get(group) ?? new Set()).add(table.split[i]!));
    });
    expect([...sidesOf.values()].every(sides => sides.size === 1)).toBe(true);
    expect(new Set(table.split)).toEqual(new Set([0, 1, 2]));
    await split(path, { by: 'group', seed: 3 });
    expect((await readBack(path)).table.split).toEqual(table.split);
  }));

test('a split by group that stands is left as it is, whatever the seed', () =>
  withFolder(async folder => {
    const path = await makeCells(folder, byTurns, days(8));
    await split(path, { by: 'group', seed: 7 });
    const before = await readBack(path);
    expect(await ensureSplit(path, byGroup)).toMatchObject({ made: false, seed: 7 });
    expect((await readBack(path)).fingerprint).toBe(before.fingerprint);
  }));

test('a split of another kind is refused and left, or replaced when that is asked for', () =>
  withFolder(async folder => {
    const path = await makeCells(folder, byTurns, days(8));
    await split(path, { by: 'cell' });
    const before = await readBack(path);
    await expect(ensureSplit(path, byGroup)).rejects.toMatchObject({
      code: 'split-exists',
      message: expect.stringMatching(/made by cell.*--replace-split/s),
    });
    expect((await readBack(path)).fingerprint).toBe(before.fingerprint);
    expect(await ensureSplit(path, { ...byGroup, replace: true })).toMatchObject({ made: true, seed: 3 });
    await expect(ensureSplit(path, { by: 'cell', seed: 0 })).rejects.toMatchObject({ code: 'split-exists' });
    await expect(ensureSplit(path, { ...byGroup, folds: 4 })).rejects.toThrow(/4 folds.*made by group/s);
  }));

test('folds by group are made, and count as folds of that number only', () =>
  withFolder(async folder => {
    const path = await makeCells(folder, byTurns, days(8));
    expect(await ensureSplit(path, { ...byGroup, folds: 4 })).toMatchObject({ made: true, folds: 4 });
    expect(await ensureSplit(path, { ...byGroup, folds: 4 })).toMatchObject({ made: false });
    await expect(ensureSplit(path, { ...byGroup, folds: 3 })).rejects.toThrow(/in 3 folds.*has 4 folds/s);
  }));

test.each<[string, (i: number) => number, (i: number) => string | null, RegExp]>([
  ['no cell has a group', byTurns, () => null, /each cell must have a group.*but none has/],
  ['there is one group', byTurns, () => 'monday', /there is 1 group: monday/],
  ['there are fewer groups than sides', byTurns, days(2), /3 sides.*2 groups: day 0, day 1/s],
  [
    'a class stands in one group only',
    i => (Math.floor(i / 2) % 4 === 3 ? byTurns(i) : 0),
    days(4),
    /in one only: b in day 3/,
  ],
])('where %s it says so', (_, classOf, groupOf, message) =>
  withFolder(async folder => {
    const path = await makeCells(folder, classOf, groupOf);
    await expect(ensureSplit(path, byGroup)).rejects.toMatchObject({
      code: 'split-impossible',
      message: expect.stringMatching(message),
    });
    expect(new Set((await readBack(path)).table.split)).toEqual(new Set([-1]));
  }),
);

test('groups that coincide with classes are told from classes of one group', () =>
  withFolder(async folder => {
    const path = join(folder, 'cells');
    const dataset = await Dataset.create(path, header({ classes: ['a', 'b', 'c'] }));
    await dataset.append(
      Array.from({ length: 60 }, (_, i) => cell(i, { label: i % 3, group: `run of ${'abc'[i % 3]}` })),
    );
    await dataset.close();
    await expect(ensureSplit(path, byGroup)).rejects.toThrow(/groups and classes coincide/);
  }));
