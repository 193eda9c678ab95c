import { expect, test } from 'vitest';
import { findCautions } from '../../src/evaluate/cautions.ts';
import { confusionCsv, scoresCsv, toCsv } from '../../src/evaluate/csv.ts';
import { formatEvaluation, scoreGroups } from '../../src/evaluate/report.ts';
import { type Scores, scorePredictions } from '../../src/evaluate/score.ts';
import { formatConfusion, formatOverall, formatScoreTable } from '../../src/evaluate/table.ts';
import { type WholeFigure, wholeFigures } from '../../src/evaluate/weightedFigures.ts';

test('the table groups methods by measurement, a column a class, as in the paper', () => {
  const first = repeat({
    classes: ['THP1', 'MCF7'],
    confusion: [
      [90, 10],
      [5, 95],
    ],
  });
  const second = repeat({
    classes: ['THP1', 'MCF7'],
    confusion: [
      [80, 20],
      [10, 90],
    ],
  });
  const table = formatScoreTable([
    { method: 'kNN', scores: second },
    { method: 'cellnet', scores: first },
  ]);
  expect(table.split('\n')).toEqual([
    'Measurement  Method    THP1   MCF7',
    '----------------------------------',
    'Precision    kNN      0.889  0.818',
    '             cellnet  0.947  0.905',
    '----------------------------------',
    'Recall       kNN      0.800  0.900',
    '             cellnet  0.900  0.950',
    '----------------------------------',
    'F score      kNN      0.842  0.857',
    '             cellnet  0.923  0.927',
    '----------------------------------',
    'ROC-AUC      kNN      0.850  0.850',
    '             cellnet  0.925  0.925',
    '----------------------------------',
    'Cells                   100    100',
    '----------------------------------',
  ]);
});

test('the overall lines give the accuracy with its interval and the accuracy of always naming one class', () => {
  const scores = repeat({
    classes: ['THP1', 'MCF7'],
    confusion: [
      [90, 10],
      [5, 15],
    ],
  });
  const lines = formatOverall({ method: 'cellnet', scores }).split('\n');
  expect(lines[0]).toMatch(/^Accuracy +0\.875 {2}\(95 % 0\.804 to 0\.923\)$/);
  expect(lines[1]).toMatch(/^ {2}of always naming +0\.833 {2}\(THP1\)$/);
  expect(lines[3]).toMatch(/^F score, macro +0\.79\d {2}\(95 % 0\.6\d\d to 0\.8\d\d\)$/);
});

test('a table of many classes is broken into parts that fit the width, with every class once', () => {
  const classes = Array.from({ length: 16 }, (_, k) => `phenotype ${k}`);
  const confusion = classes.map((_, k) => classes.map((_, j) => (k === j ? 9 : 1)));
  const scores = repeat({ classes, confusion });
  for (const table of [
    formatScoreTable([{ method: 'cellnet', scores }], 80),
    formatConfusion(classes, confusion, 80),
  ]) {
    expect(Math.max(...table.split('\n').map(line => line.length))).toBeLessThanOrEqual(80);
    const titles = table.split('\n\n').map(part => part.split('\n')[0]!);
    expect(titles.length).toBeGreaterThan(1);
    expect(titles.flatMap(title => title.match(/phenotype \d+/g))).toEqual(classes);
  }
});

test('a column too wide for the room still gets a part of its own', () => {
  const classes = ['a'.repeat(60), 'b'.repeat(60)];
  const table = formatConfusion(
    classes,
    [
      [1, 2],
      [3, 4],
    ],
    70,
  );
  expect(table.split('\n\n')).toHaveLength(2);
});

test('a figure that is not defined is a dash in the table and an empty field in CSV', () => {
  const scores = repeat({
    classes: ['a', 'b', 'c'],
    confusion: [
      [3, 1, 0],
      [1, 2, 0],
      [0, 0, 0],
    ],
  });
  expect(formatScoreTable([{ method: 'x', scores }])).toMatch(/Recall {7}x {7}0\.750 {2}0\.667 {2}-/);
  expect(scoresCsv(scores).split('\n')[3]).toBe('c,0,0,,,,,,,,,');
});

test('CSV fields with commas, quotes and line ends are quoted, and figures are whole', () => {
  expect(toCsv([['a,b', 'c"d', 'e\nf', 1 / 3, null]])).toBe('"a,b","c""d","e\nf",0.3333333333333333,\n');
  expect(
    confusionCsv(
      ['x', 'y, z'],
      [
        [1, 2],
        [3, 4],
      ],
    ),
  ).toBe('true \\ predicted,x,"y, z"\nx,1,2\n"y, z",3,4\n');
});

test('a score file has a row for each class and both means', () => {
  const scores = repeat({
    classes: ['a', 'b'],
    confusion: [
      [8, 2],
      [3, 7],
    ],
  });
  const rows = scoresCsv(scores).trimEnd().split('\n');
  expect(rows.map(row => row.split(',')[0])).toEqual(['class', 'a', 'b', '(macro mean)', '(weighted mean)']);
  expect(new Set(rows.map(row => row.split(',').length))).toEqual(new Set([12]));
  expect(rows[1]!.startsWith('a,10,11,0.7272727272727273,')).toBe(true);
});

test('few cells, few cells of a class, missing classes and an accuracy of no worth are each said', () => {
  const tiny = repeat({
    classes: ['a', 'b', 'c'],
    confusion: [
      [5, 0, 0],
      [3, 1, 0],
      [0, 0, 0],
    ],
  });
  const cautions = findCautions('test', tiny).join('\n');
  expect(cautions).toContain('The test part has 9 cells, too few to mean anything');
  expect(cautions).toContain('from 35.4 % to 87.9 %');
  expect(cautions).toContain('a 5, b 4');
  expect(cautions).toContain('No cell is of c');
  expect(cautions).toContain('not clearly above 55.6 %');
});

test('a good result on enough cells needs no caution', () => {
  expect(
    findCautions(
      'test',
      repeat({
        classes: ['a', 'b'],
        confusion: [
          [90, 10],
          [5, 95],
        ],
      }),
    ),
  ).toEqual([]);
});

test('groups are scored apart, in order of name, only where there are two or more', () => {
  const labels = Int32Array.of(0, 1, 0, 1);
  const predicted = Int32Array.of(0, 1, 1, 1);
  expect(scoreGroups(['run 2', 'run 1', 'run 2', null], labels, predicted)).toEqual([
    { group: '(none)', cells: 1, accuracy: 1 },
    { group: 'run 1', cells: 1, accuracy: 1 },
    { group: 'run 2', cells: 2, accuracy: 0.5 },
  ]);
  expect(scoreGroups(['run 1', 'run 1'], labels.subarray(0, 2), predicted)).toEqual([]);
});

test('the report of a part has its table, figures, confusion matrix, groups and cautions within the width', () => {
  const scores = repeat({
    classes: ['a', 'b'],
    confusion: [
      [3, 1],
      [0, 4],
    ],
  });
  const groups = Array.from({ length: 25 }, (_, i) => ({ group: `donor ${i}`, cells: 8, accuracy: i / 25 }));
  const point = { class: 'a', target: 0.9, threshold: 0.75, taken: 2, purity: 1, yield: 0.5, enrichment: 2 };
  const points = [{ ...point, purityInterval: null, yieldInterval: null }];
  const none = Object.fromEntries(wholeFigures.map(name => [name, null])) as Record<WholeFigure, null>;
  const byCell = { ...none, accuracy: scores.accuracyInterval, perClass: [] };
  const why = 'Intervals take cells one by one: no groups are known.';
  const intervals = { shown: 'cell' as const, why, groups: 0, byCell, byGroup: null };
  const sorting = {
    intervals,
    doubts: null,
    reliability: [],
    operatingPoints: { chosenOn: 'validation', points },
  };
  const text = formatEvaluation(
    'cellnet',
    [{ part: 'test', scores, groups, cautions: findCautions('test', scores), ...sorting }],
    80,
  );
  expect(text.startsWith('Test: 8 cells\n\nMeasurement')).toBe(true);
  for (const piece of [
    'Accuracy  ',
    'True \\ predicted',
    'Thresholds for sorting, chosen on the validation part',
    'Accuracy by group, 0.000 to 0.960',
    'and 5 more',
    'Caution: ',
  ]) {
    expect(text).toContain(piece);
  }
  expect(Math.max(...text.split('\n').map(line => line.length))).toBeLessThanOrEqual(80);
});

/** Scores of predictions that are sure and have this confusion matrix. */
function repeat({ classes, confusion }: { classes: string[]; confusion: number[][] }): Scores {
  const labels: number[] = [];
  const probabilities: number[] = [];
  for (const [k, row] of confusion.entries()) {
    for (const [j, count] of row.entries()) {
      for (let i = 0; i < count; i++) {
        labels.push(k);
        probabilities.push(...classes.map((_, one) => (one === j ? 1 : 0)));
      }
    }
  }
  return scorePredictions({
    classes,
    labels: Int32Array.from(labels),
    probabilities: Float32Array.from(probabilities),
  });
}
