import { expect, test } from 'vitest';
import { progressLine } from '../../src/cli/progressBar.ts';

const importing = { stage: 'importing', done: 1230, total: 3000, unit: 'images', rate: 812 };

test('a bar shows the share, the count, the rate and the time left', () => {
  expect(progressLine(importing, 100)).toBe(
    'importing ██████████░░░░░░░░░░░░░░ 41 %  1,230 of 3,000 images  812/s  2 s left',
  );
});

test('without a known total there is a count and a rate', () => {
  expect(progressLine({ ...importing, total: undefined }, 100)).toBe('importing  1,230 images  812/s');
});

test('a note stands at the end', () => {
  expect(progressLine({ ...importing, note: 'loss 0.412' }, 120)).toMatch(/2 s left {2}loss 0.412$/);
});

test('a line is never wider than the terminal', () => {
  for (const columns of [10, 40, 60, 80, 200]) {
    expect(progressLine({ ...importing, note: 'loss 0.412, accuracy 0.91' }, columns).length).toBeLessThan(
      columns,
    );
  }
});

test('a narrow terminal keeps rate, time left and note, and loses the count first', () => {
  const training = { ...importing, stage: 'training', note: 'epoch 2/40, loss 1.21, accuracy 0.46' };
  expect(progressLine(training, 80)).toBe(
    'training ████░░░░░░ 41 %  812/s  2 s left  epoch 2/40, loss 1.21, accuracy 0.46',
  );
});

test('an empty or overshooting total breaks nothing', () => {
  expect(progressLine({ ...importing, done: 0, total: 0, rate: 0 }, 100)).toBe('importing  0 of 0 images');
  expect(progressLine({ ...importing, done: 4000 }, 100)).toContain('100 %');
});
