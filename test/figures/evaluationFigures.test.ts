import { expect, test } from 'vitest';
import { findOperatingPoints } from '../../src/evaluate/operatingPoints.ts';
import { confusionFigure } from '../../src/figures/confusionFigure.ts';
import { evaluationFigures } from '../../src/figures/evaluationFigures.ts';
import { drawFigure } from '../../src/figures/figure.ts';

const classes = ['THP1', 'a < b', 'never seen'];
const labels = Int32Array.from({ length: 90 }, (_, i) => i % 2);
const probabilities = Float32Array.from(
  [...labels].flatMap((label, i) => {
    const own = 0.3 + ((i * 37) % 50) / 100;
    return [label === 0 ? own : 0.9 - own, label === 1 ? own : 0.9 - own, 0.1];
  }),
);
const predictions = { classes, labels, probabilities };

test('every figure of an evaluation is drawn, with its classes, also where a class has no cells', async () => {
  const operatingPoints = findOperatingPoints(predictions, predictions);
  const figures = evaluationFigures({ part: 'test', predictions, operatingPoints, unscaled: predictions });
  expect(figures.map(([name]) => name)).toEqual([
    'reliability',
    'roc',
    'precision-recall',
    'operating-points',
  ]);
  for (const [name, figure] of figures) {
    const svg = await drawFigure(figure);
    expect(svg).toContain('90 test cells');
    expect(svg).not.toContain('NaN');
    if (name !== 'reliability')
      for (const one of ['THP1', 'a &lt; b', 'never seen']) expect(svg).toContain(one);
  }
});

test('the confusion matrix shows every count and names rows and columns', async () => {
  const confusion = [
    [1234, 7, 0],
    [2, 3, 0],
    [0, 0, 0],
  ];
  const svg = await drawFigure(confusionFigure('test', classes, confusion));
  for (const words of ['1,234', '>7<', '>2<', '>3<', 'predicted', 'a &lt; b']) expect(svg).toContain(words);
  expect(svg).not.toContain('NaN');
});
