import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Dataset } from '../../src/dataset/dataset.ts';
import type { NewCell } from '../../src/dataset/format.ts';
import { type SplitOptions, split } from '../../src/dataset/split.ts';
import { cell, header, withFolder } from './cells.ts';

/** A cell whose pixels follow from `look`: cells of the same look are exact duplicates. */
function looking(look: number, changes: Partial<NewCell>): NewCell {
  const pixels = Uint8Array.from({ length: 48 }, (_, k) => (look >> (8 * (k % 3))) & 255);
  return cell(look, { pixels, ...changes });
}

async function makeDataset(path: string, cells: NewCell[], classes: string[]): Promise<void> {
  const dataset = await Dataset.create(path, header({ classes }));
  await dataset.append(cells);
  await dataset.close();
}

async function readBack(path: string) {
  const dataset = await Dataset.open(path, 'read');
  const table = await dataset.cells({ includeRejected: true, includeUnlabelled: true });
  await dataset.close();
  return table;
}

const plain = (count: number) =>
  Array.from({ length: count }, (_, i) => looking(i, { label: i % 2, group: `g${i % 7}` }));

test('the default is 65, 15 and 20 of a hundred, class by class', () =>
  withFolder(async folder => {
    const path = join(folder, 'cells');
    const cells = Array.from({ length: 300 }, (_, i) => looking(i, { label: i < 200 ? 0 : 1 }));
    await makeDataset(path, cells, ['a', 'b']);
    const report = await split(path);
    expect(report.splits.map(side => side.cells)).toEqual([195, 45, 60]);
    expect(report.splits.map(side => side.classes.map(({ count }) => count))).toEqual([
      [130, 65],
      [30, 15],
      [40, 20],
    ]);
    expect(report).toMatchObject({ by: 'cell', warnings: [], duplicates: { sets: 0 } });
    const table = await readBack(path);
    const again = await split(path);
    expect(again).toEqual(report);
    expect((await readBack(path)).split).toEqual(table.split);
    await split(path, { seed: 1 });
    expect((await readBack(path)).split).not.toEqual(table.split);
  }));

test('whatever the cells: one side each, groups and copies on one side, counts that add up', () =>
  withFolder(async folder => {
    let run = 0;
    const looks = fc.array(
      fc.record({ look: fc.nat(60), label: fc.nat(2), group: fc.nat(5), rejected: fc.nat(9) }),
      {
        minLength: 40,
        maxLength: 120,
      },
    );
    const law = fc.asyncProperty(
      looks,
      fc.constantFrom('cell', 'group'),
      fc.nat(1000),
      async (drawn, by, seed) => {
        const path = join(folder, `cells${run++}`);
        const cells = drawn.map(({ look, label, group }) => looking(look, { label, group: `g${group}` }));
        // Three of each class and a cell of each group, so that every split is possible.
        for (let i = 0; i < 18; i++) cells.push(looking(1000 + i, { label: i % 3, group: `g${i % 6}` }));
        await makeDataset(path, cells, ['a', 'b', 'c']);
        const dataset = await Dataset.open(path, 'write');
        const bad = drawn.flatMap(({ rejected }, id) => (rejected === 0 ? [id] : []));
        await dataset.writeVerdicts(
          bad.map(id => ({ id, verdict: 'rejected', reason: 'x', by: 'hand' })),
          {},
        );
        await dataset.close();
        const report = await split(path, { by, seed } as SplitOptions);
        const { split: sides } = await readBack(path);
        for (const id of bad) expect(sides[id]).toBe(-1);
        const sum = report.splits.reduce((total, side) => total + side.cells, 0);
        expect(sum + report.leftOut.rejected + report.leftOut.duplicates).toBe(cells.length);
        expect(report.splits.map((_, side) => sides.filter(of => of === side).length)).toEqual(
          report.splits.map(side => side.cells),
        );
        const keyOf = (kind: string) => (id: number) =>
          kind === 'group' ? cells[id]!.group! : cells[id]!.pixels.join();
        for (const kind of by === 'group' ? ['group', 'pixels'] : ['pixels']) {
          const seen = new Map<string, Set<number>>();
          sides.forEach((side, id) => {
            const key = keyOf(kind)(id);
            if (side >= 0) seen.set(key, (seen.get(key) ?? new Set()).add(side));
          });
          for (const on of seen.values()) expect(on.size).toBe(1);
        }
        if (by === 'cell') expect(report.leftOut.duplicates).toBe(0);
      },
    );
    await fc.assert(law, { numRuns: 12 });
  }));

test('every cell is the test side of exactly one fold', () =>
  withFolder(async folder => {
    const path = join(folder, 'cells');
    await makeDataset(path, plain(70), ['a', 'b']);
    for (const by of ['cell', 'group'] as const) {
      const tested = new Array(70).fill(0);
      let folds: Int16Array | undefined;
      for (let fold = 0; fold < 5; fold++) {
        await split(path, { by, folds: 5, fold });
        const table = await readBack(path);
        folds ??= table.fold;
        expect(table.fold).toEqual(folds);
        table.split.forEach((side, i) => {
          tested[i] += side === 2 ? 1 : 0;
          expect(side === 2).toBe(folds![i] === fold);
          expect(side === 1).toBe(folds![i] === (fold + 1) % 5);
        });
      }
      expect(tested).toEqual(new Array(70).fill(1));
    }
  }));

test('the split that a source came with is kept by default, and can be taken up again', () =>
  withFolder(async folder => {
    const path = join(folder, 'cells');
    const names = ['train', 'train', 'train', 'validation', 'test'] as const;
    const cells = Array.from({ length: 50 }, (_, i) => looking(i, { label: i % 2, split: names[i % 5] }));
    cells.push(looking(4, { label: 0, split: 'train' })); // a copy of a test image
    await makeDataset(path, cells, ['a', 'b']);
    const report = await split(path);
    expect(report).toMatchObject({ by: 'imported', leftOut: { duplicates: 1, notListed: 0 } });
    const { split: sides } = await readBack(path);
    expect([...sides.subarray(0, 5)]).toEqual([0, 0, 0, 1, 2]);
    expect(sides[50]).toBe(-1);
    await split(path, { by: 'cell' });
    expect((await split(path)).splits).toEqual(report.splits);
  }));

test('equal images with different labels are reported', () =>
  withFolder(async folder => {
    const path = join(folder, 'cells');
    await makeDataset(path, [...plain(20), looking(3, { label: 0, source: 'copy.png' })], ['a', 'b']);
    const report = await split(path, { by: 'cell' });
    expect(report.duplicates).toMatchObject({ sets: 1, cells: 2, conflicting: 1 });
    expect(report.duplicates.conflicts).toEqual([
      [
        { source: 'images/3.png', label: 'b' },
        { source: 'copy.png', label: 'a' },
      ],
    ]);
    expect(report.warnings.join()).toMatch(/1 sets of equal images have different labels/);
  }));

test('what cannot be split is refused with the remedy, and the split before stays', () =>
  withFolder(async folder => {
    const path = join(folder, 'cells');
    const cells = [...plain(20), looking(900, { label: 2, group: null }), looking(901, { label: -1 })];
    await makeDataset(path, cells, ['a', 'b', 'rare']);
    await expect(split(path)).rejects.toThrow(
      /at least 3 cells .* Received rare \(1\)\. .*--min-per-class 3/,
    );
    const report = await split(path, { minPerClass: 3 });
    expect(report.leftOut).toMatchObject({ smallClasses: 1, unlabelled: 1 });
    const before = await readBack(path);
    const refuse = async (options: unknown, message: RegExp, code = 'option-invalid') => {
      const error = await split(path, options as SplitOptions).catch(error => error);
      expect(error.message).toMatch(message);
      expect(error.code).toBe(code);
    };
    await refuse({ fractions: [0.65, 0.15, 0.3] }, /must sum to 1\. Received 0\.65, 0\.15, 0\.30\./);
    await refuse({ fractions: [1.2, -0.4, 0.2] }, /must be from 0 to 1/);
    await refuse({ fractions: [Number.NaN, 0.5, 0.5] }, /fractions/);
    await refuse({ fractions: [0, 0.5, 0.5] }, /training fraction must be above 0/);
    await refuse({ seed: -1 }, /seed/);
    await refuse({ folds: 2 }, /folds/);
    await refuse({ folds: 5, fractions: [0.6, 0.2, 0.2] }, /folds or fractions, not both/);
    await refuse({ fold: 1 }, /from 0 to folds - 1/);
    await refuse({ seeds: 3 }, /seeds/);
    await refuse(
      { by: 'group', folds: 9, minPerClass: 3 },
      /9 sides must have a group each/,
      'split-impossible',
    );
    await refuse({ by: 'imported', minPerClass: 3 }, /must have training cells/, 'split-impossible');
    expect((await readBack(path)).split).toEqual(before.split);
  }));

test('splitting by group without groups says how to get them', () =>
  withFolder(async folder => {
    const path = join(folder, 'cells');
    await makeDataset(
      path,
      Array.from({ length: 9 }, (_, i) => looking(i, { label: 0, group: null })),
      ['a', 'b'],
    );
    await expect(split(path, { by: 'group' })).rejects.toThrow(/--group-from, or split with --by cell/);
    expect((await split(path)).warnings.join()).toMatch(/All cells are of one class/);
  }));

test('two groups make two sides when the third fraction is 0', () =>
  withFolder(async folder => {
    const path = join(folder, 'cells');
    const cells = Array.from({ length: 30 }, (_, i) =>
      looking(i, { label: i % 2, group: i < 20 ? 'run 1' : 'run 2' }),
    );
    await makeDataset(path, cells, ['a', 'b']);
    await expect(split(path, { by: 'group' })).rejects.toThrow(
      /3 sides must have a group each. Received 2 groups: run 1, run 2/,
    );
    const report = await split(path, { by: 'group', fractions: [0.7, 0, 0.3] });
    expect(report.splits.map(side => side.cells)).toEqual([20, 0, 10]);
    expect(report.warnings).toEqual([]);
  }));
