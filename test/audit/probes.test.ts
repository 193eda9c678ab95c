import { expect, test } from 'vitest';
import { measureBackgrounds, widen } from '../../src/audit/background.ts';
import { crossValidate, drawFolds, drawGroupFolds } from '../../src/audit/crossValidate.ts';
import { scoreProbe } from '../../src/audit/probeScore.ts';
import { drawSample } from '../../src/audit/sample.ts';
import { weighShortcut } from '../../src/audit/shortcutRule.ts';
import { createRandom } from '../../src/dataset/random.ts';
import { ImageSet } from '../../src/engine/imageSet.ts';

test('a mask is widened by so many rows and columns, and not around a corner of the image', () => {
  const mask = new Uint8Array(6 * 8);
  mask[2 * 8 + 3] = 1;
  mask[0] = 1;
  const wide = widen(mask, 6, 8, 1, 2);
  const expected = new Uint8Array(6 * 8);
  for (let y = 1; y <= 3; y++) for (let x = 1; x <= 5; x++) expected[y * 8 + x] = 1;
  for (let y = 0; y <= 1; y++) for (let x = 0; x <= 2; x++) expected[y * 8 + x] = 1;
  expect([...wide]).toEqual([...expected]);
});

/** Discs of a radius on a ground of a grey level, with noise, 48 x 48. */
function drawDiscs(discs: { radius: number; level: number }[]): ImageSet {
  const random = createRandom(4);
  const pixels = new Uint8Array(discs.length * 48 * 48);
  for (const [n, { radius, level }] of discs.entries())
    for (let i = 0; i < 48 * 48; i++) {
      const inside = Math.hypot(Math.floor(i / 48) - 23.5, (i % 48) - 23.5) < radius;
      pixels[n * 48 * 48 + i] = level + (inside ? 70 : 0) + Math.round(8 * (random() - 0.5));
    }
  return ImageSet.from(pixels, { channels: 1, height: 48, width: 48 });
}

test('the background is measured beside the cell: its level, whatever the size of the cell', async () => {
  const discs = Array.from({ length: 40 }, (_, i) => ({ radius: 5 + (i % 8), level: 60 + 20 * (i % 3) }));
  const images = drawDiscs(discs);
  const found = await measureBackgrounds(images, Int32Array.from(discs.keys()), {});
  expect(found.clearShare).toBe(1);
  expect([...found.present]).toEqual(discs.map(() => 1));
  for (const [n, { level }] of discs.entries()) {
    expect(found.level[n]! * 255).toBeGreaterThan(level - 2);
    expect(found.level[n]! * 255).toBeLessThan(level + 2);
  }
  expect(found.values.every(Number.isFinite)).toBe(true);
  images.close();
});

test('numbers that mean nothing score as chance, and those that say the class as no error', async () => {
  const random = createRandom(1);
  const N = 300;
  const labels = Int32Array.from({ length: N }, (_, i) => i % 3);
  const folds = drawFolds(labels, 5, 1);
  const empty = { values: Float32Array.from({ length: 2 * N }, random), D: 2, labels, K: 3 };
  const score = scoreProbe(labels, await crossValidate(empty, folds, { seed: 1 }, {}), 3, 1);
  expect(score.p).toBeGreaterThan(0.01);
  expect(score.gainInterval[0]).toBeLessThan(0);
  const telling = { ...empty, values: empty.values.map((value, i) => value + labels[i >> 1]!) };
  const sure = scoreProbe(labels, await crossValidate(telling, folds, { seed: 1 }, {}), 3, 1);
  expect(sure.balancedAccuracy).toBeGreaterThan(0.97);
  expect(sure.p).toBe(1 / 1000);
  expect(weighShortcut(sure, sure)).toBe('much');
  expect(weighShortcut(score, sure)).toBe('none');
});

test('a shortcut is weighed against what the whole image gains', () => {
  const score = (gain: number, p = 0.001) => ({
    ...{
      cells: 400,
      classes: 2,
      balancedAccuracy: 0.5 + gain / 2,
      interval: [0, 1] as [number, number],
      chance: 0.5,
    },
    ...{ gain, gainInterval: [gain, gain] as [number, number], p },
  });
  expect(weighShortcut(score(0.3), score(0.9))).toBe('much');
  expect(weighShortcut(score(0.12), score(0.9))).toBe('some');
  expect(weighShortcut(score(0.05), score(0.9))).toBe('none');
  expect(weighShortcut(score(0.05), score(0.2))).toBe('much');
  expect(weighShortcut(score(0.3, 0.06), score(0.9))).toBe('none');
  expect(weighShortcut(score(0.01), score(0))).toBe('none');
});

test('a group stands in one fold, and cells without a label or group in none', () => {
  const groups = Array.from({ length: 60 }, (_, i) => (i === 0 ? null : `g${i % 7}`));
  const labels = Int32Array.from({ length: 60 }, (_, i) => (i === 1 ? -1 : i % 2));
  const folds = drawGroupFolds({ labels, K: 2, groups }, 3, 0);
  expect([folds[0], folds[1]]).toEqual([-1, -1]);
  for (let g = 0; g < 7; g++) {
    const own = new Set(folds.filter((fold, i) => groups[i] === `g${g}` && labels[i]! >= 0 && fold >= -1));
    expect(own.size).toBe(1);
  }
  expect(new Set(folds)).toEqual(new Set([-1, 0, 1, 2]));
});

test('a sample keeps the share of each class and group, and the same seed draws the same', () => {
  const count = 1000;
  const table = {
    count,
    id: Int32Array.from({ length: count }, (_, i) => i),
    label: Int32Array.from({ length: count }, (_, i) => (i % 10 === 0 ? 1 : 0)),
    group: Array.from({ length: count }, (_, i) => (i % 3 === 0 ? 'a' : null)),
    split: new Int8Array(count),
    fold: new Int16Array(count),
  };
  const sample = drawSample(table, 200, 3);
  expect(sample.count).toBe(200);
  expect(sample.label.reduce((sum, label) => sum + label, 0)).toBe(20);
  expect([...sample.id]).toEqual([...sample.id].sort((a, b) => a - b));
  expect(drawSample(table, 200, 3)).toEqual(sample);
  expect(drawSample(table, 200, 4)).not.toEqual(sample);
});
