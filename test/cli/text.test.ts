import { expect, test } from 'vitest';
import { drawTable } from '../../src/cli/table.ts';
import { countOf, formatDuration, formatPercent, formatScore, nextCommand } from '../../src/cli/text.ts';

test('durations read as a person says them', () => {
  expect([0.04, 0.42, 9.6, 12, 185, 7810, Number.NaN].map(formatDuration)).toEqual([
    '0.0 s',
    '0.4 s',
    '10 s',
    '12 s',
    '3 min 05 s',
    '2 h 10 min',
    'unknown time',
  ]);
});

test('counts carry their noun', () => {
  expect([countOf(1, 'image'), countOf(1234, 'image'), countOf(4, 'class', 'classes')]).toEqual([
    '1 image',
    '1,234 images',
    '4 classes',
  ]);
});

test('a figure that is not defined is a dash', () => {
  expect([formatPercent(null), formatPercent(0.9314), formatScore(Number.NaN), formatScore(0.93142)]).toEqual(
    ['-', '93.1 %', '-', '0.931'],
  );
});

test('the next command can be pasted into a shell', () => {
  expect(nextCommand('screen', "my cells' data")).toBe("Next: brightcell screen 'my cells'\\'' data'");
});

test('a table has its first column on the left and the others on the right', () => {
  expect(
    drawTable(
      ['Class', 'Cells'],
      [
        ['THP1', '1,200'],
        ['B', 3],
      ],
    ),
  ).toBe([' Class  Cells', '──────────────', ' THP1   1,200', ' B          3'].join('\n'));
});
