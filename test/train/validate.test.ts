import { expect, test } from 'vitest';
import { ImageSet } from '../../src/engine/imageSet.ts';
import { Network } from '../../src/engine/network.ts';
import type { Loss } from '../../src/engine/networkSpec.ts';
import { lossOf, scoreCells } from '../../src/train/validate.ts';

const shape = { channels: 1, height: 4, width: 5 };
const images = ImageSet.from(
  Uint8Array.from({ length: 30 * 20 }, (_, i) => (i * 7919) % 251),
  shape,
);
const rows = Int32Array.from({ length: 30 }, (_, i) => i);
const labels = rows.map(row => row % 3);
const dense = { name: 'dense', input: shape, layers: [{ type: 'dense' as const, units: 3 }] };
const create = () => new Network(dense, { seed: 4, initialiser: { name: 'glorotUniform' } });

test.each<Loss>([
  { name: 'crossEntropy' },
  { name: 'crossEntropy', labelSmoothing: 0.2 },
  { name: 'doubleSoftmax' },
  { name: 'meanSquaredError' },
  { name: 'focal', gamma: 1.5 },
])('validation measures the loss that the training step makes small: %o', async loss => {
  const network = create();
  const { loss: validated, cells } = await scoreCells(
    network,
    images,
    { rows, labels },
    { normalisation: 'standardise', loss },
  );
  const step = await network.trainStep({
    images,
    rows,
    labels,
    normalisation: 'standardise',
    loss,
    optimiser: { name: 'sgd' },
    learningRate: 1e-3,
  });
  expect(cells).toBe(30);
  expect(validated).toBeCloseTo(step.loss, 5);
  network.dispose();
});

test('double softmax cannot go below ln(1 + 3/e) for four classes', () => {
  expect(lossOf(Float32Array.of(1, 0, 0, 0), 0, { name: 'doubleSoftmax' })).toBeCloseTo(0.7437, 4);
});

test('macro F1 and accuracy are those of the counts', async () => {
  const network = create();
  const probabilities = await network.predict({ images, rows, normalisation: 'range' });
  const predicted = rows.map(row => {
    const own = probabilities.subarray(row * 3, row * 3 + 3);
    return own.indexOf(Math.max(...own));
  });
  const f1 = [0, 1, 2].map(k => {
    const right = rows.filter(row => predicted[row] === k && labels[row] === k).length;
    const named = predicted.filter(one => one === k).length;
    return (2 * right) / (named + 10);
  });
  const score = await scoreCells(
    network,
    images,
    { rows, labels },
    { normalisation: 'range', loss: { name: 'crossEntropy' } },
  );
  expect(score.macroF1).toBeCloseTo((f1[0]! + f1[1]! + f1[2]!) / 3, 12);
  expect(score.accuracy).toBeCloseTo(rows.filter(row => predicted[row] === labels[row]).length / 30, 12);
  network.dispose();
});
