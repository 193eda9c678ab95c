import { expect, test } from 'vitest';
import { applyTemperature, fitTemperature, logLoss } from '../../src/classifiers/temperature.ts';
import { createRandom } from '../../src/dataset/random.ts';
import { measureCalibration } from '../../src/evaluate/calibration.ts';
import { mostProbable } from '../../src/evaluate/score.ts';

/** Labels drawn from softmax(logits), and the probabilities of a classifier whose logits are `sharpness` times those. */
function draw(cells: number, K: number, sharpness: number, seed: number) {
  const random = createRandom(seed);
  const labels = new Int32Array(cells);
  const probabilities = new Float32Array(cells * K);
  for (let i = 0; i < cells; i++) {
    const logits = Array.from({ length: K }, () => 6 * (random() + random() + random() - 1.5));
    const softmax = (scale: number) => {
      const raised = logits.map(logit => Math.exp(scale * logit));
      const sum = raised.reduce((a, b) => a + b);
      return raised.map(one => one / sum);
    };
    let drawn = random();
    labels[i] = Math.min(
      K - 1,
      softmax(1).findIndex(p => (drawn -= p) < 0),
    );
    if (labels[i]! < 0) labels[i] = K - 1;
    probabilities.set(softmax(sharpness), i * K);
  }
  return { labels, probabilities };
}

test.each([
  [0.5, 3],
  [1, 4],
  [2.5, 4],
  [4, 10],
])('a classifier that is %d times too sure gets that temperature back, with %d classes', (sharpness, K) => {
  const { labels, probabilities } = draw(10_000, K, sharpness, 1);
  expect(fitTemperature(labels, probabilities, K) / sharpness).toBeGreaterThan(0.96);
  expect(fitTemperature(labels, probabilities, K) / sharpness).toBeLessThan(1.04);
});

test('scaling on some cells takes the calibration error of others away, and changes no class', () => {
  const [fit, other] = [draw(5000, 4, 3, 1), draw(10_000, 4, 3, 2)];
  const predicted = mostProbable(other.probabilities, 4);
  const before = measureCalibration(other.labels, other.probabilities, predicted, 4);
  applyTemperature(other.probabilities, 4, fitTemperature(fit.labels, fit.probabilities, 4));
  const after = measureCalibration(other.labels, other.probabilities, predicted, 4);
  expect(before.calibrationError).toBeGreaterThan(0.1);
  expect(after.calibrationError).toBeLessThan(0.015);
  expect(after.logLoss).toBeLessThan(before.logLoss);
  expect(mostProbable(other.probabilities, 4)).toEqual(predicted);
});

test('no temperature nearby has a smaller log loss', () => {
  const { labels, probabilities } = draw(3000, 5, 1.7, 3);
  const best = fitTemperature(labels, probabilities, 5);
  const lossAt = (temperature: number) => {
    const scaled = probabilities.slice();
    applyTemperature(scaled, 5, temperature);
    return logLoss(labels, scaled, 5);
  };
  for (const near of [0.97, 1.03]) expect(lossAt(best)).toBeLessThan(lossAt(best * near));
});

test('few cells and cells that are all right leave probabilities as they are, bit for bit', () => {
  const { labels, probabilities } = draw(49, 3, 4, 5);
  expect(fitTemperature(labels, probabilities, 3)).toBe(1);
  const sure = draw(2000, 3, 4, 6);
  expect(fitTemperature(mostProbable(sure.probabilities, 3), sure.probabilities, 3)).toBe(1);
  const copy = probabilities.slice();
  applyTemperature(copy, 3, 1);
  expect(copy).toEqual(probabilities);
});

test('scaled probabilities add up to 1, zeros stay zeros, and nothing becomes NaN', () => {
  const probabilities = Float32Array.of(1, 0, 0, 0.5, 0.5, 0, 1e-38, 1 - 1e-7, 1e-7);
  applyTemperature(probabilities, 3, 0.1);
  expect([...probabilities.subarray(0, 6)]).toEqual([1, 0, 0, 0.5, 0.5, 0]);
  applyTemperature(probabilities, 3, 10);
  for (let at = 0; at < 9; at += 3) {
    expect(probabilities.subarray(at, at + 3).reduce((a, b) => a + b)).toBeCloseTo(1, 6);
  }
});

test('a true class of probability 0 does not break the fit', () => {
  const { labels, probabilities } = draw(500, 3, 2, 9);
  for (let i = 0; i < 20; i++) {
    probabilities.fill(0, 3 * i, 3 * i + 3);
    probabilities[3 * i + ((labels[i]! + 1) % 3)] = 1;
  }
  const temperature = fitTemperature(labels, probabilities, 3);
  expect(temperature).toBeGreaterThan(1);
  expect(temperature).toBeLessThanOrEqual(10.001);
});
