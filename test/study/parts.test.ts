import { expect, test } from 'vitest';
import type { CellTable } from '../../src/dataset/format.ts';
import { splitParts, wholePart } from '../../src/study/parts.ts';

/** Cells with ids from 10, of these splits (0 train, 1 validation, 2 test) and folds. */
function table(split: number[], fold = split.map(() => -1)): CellTable {
  return {
    count: split.length,
    id: Int32Array.from(split, (_, i) => 10 + i),
    label: new Int32Array(split.length),
    group: split.map(() => null),
    split: Int8Array.from(split),
    fold: Int16Array.from(fold),
  };
}

const simple = table([0, 1, 2, -1, 2, 0]);

test('validation and test are evaluated by default, in this order', () => {
  expect(splitParts(simple, null)).toEqual([
    { name: 'validation', positions: Int32Array.of(1) },
    { name: 'test', positions: Int32Array.of(2, 4) },
  ]);
});

test('a part that was asked for is given, whatever the order of asking', () => {
  expect(splitParts(simple, null, ['test', 'train']).map(part => part.name)).toEqual(['train', 'test']);
});

test('a data set without a validation part is evaluated on its test part alone', () => {
  expect(splitParts(table([0, 2]), null).map(part => part.name)).toEqual(['test']);
});

test('the fold that was held out is the test part, the next one the validation part', () => {
  const folds = table([-1, -1, -1, -1, -1], [0, 1, 2, 2, -1]);
  const positions = Object.fromEntries(
    splitParts(folds, 2, ['train', 'validation', 'test']).map(part => [part.name, [...part.positions]]),
  );
  expect(positions).toEqual({ train: [1], validation: [0], test: [2, 3] });
});

test.each([
  ['no split at all', () => splitParts(table([-1, -1]), null)],
  ['an empty part that was asked for', () => splitParts(table([0, 2]), null, ['validation'])],
  ['a part that does not exist', () => splitParts(simple, null, ['exam' as 'test'])],
  ['a fold that is not there', () => splitParts(simple, 3)],
  ['no cells', () => wholePart(table([]))],
])('%s is refused', (_, call) => {
  expect(call).toThrow(expect.objectContaining({ code: 'option-invalid' }));
});

test('every cell is one part where there is no split to keep to', () => {
  expect(wholePart(simple)).toEqual([{ name: 'all', positions: Int32Array.of(0, 1, 2, 3, 4, 5) }]);
});
