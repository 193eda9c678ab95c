import { describe, expect, test } from 'vitest';
import { alterations } from '../../src/audit/alterations.ts';
import { findFall } from '../../src/audit/stability.ts';

const shape = { channels: 2, height: 9, width: 7 };
const size = shape.channels * shape.height * shape.width;
const image = Uint8Array.from({ length: size }, (_, i) => (i * 37) % 200);

function alter(name: string, level: number, src = image, seed = 5): Uint8Array {
  const dst = new Uint8Array(src.length);
  alterations.find(one => one.name === name)!.alter(src, dst, shape, level, 255, seed);
  return dst;
}

test.each(alterations)(
  '$name leaves the image as it is at its still level, which is one of its levels',
  one => {
    expect(one.levels).toContain(one.still);
    expect([...one.levels]).toEqual([...one.levels].sort((a, b) => a - b));
    expect(alter(one.name, one.still)).toEqual(image);
    const wide = Uint16Array.from(image, value => value * 300);
    const dst = new Uint16Array(size);
    one.alter(wide, dst, shape, one.still, 65_535, 1);
    expect(dst).toEqual(wide);
  },
);

test('illumination adds its share of the range and clips', () => {
  expect(alter('illumination', 20)).toEqual(image.map(value => Math.min(255, value + 51)));
  expect(alter('illumination', -40)).toEqual(image.map(value => Math.max(0, value - 102)));
});

test('contrast keeps the mean of each channel and multiplies what differs from it', () => {
  const low = alter('contrast', 0.5);
  for (const channel of [0, 1]) {
    const [own, lower] = [image, low].map(one =>
      one.subarray((channel * size) / 2, ((channel + 1) * size) / 2),
    );
    const mean = own!.reduce((sum, value) => sum + value, 0) / own!.length;
    for (const [i, value] of own!.entries())
      expect(Math.abs(lower![i]! - (mean + (value - mean) / 2))).toBeLessThanOrEqual(0.5);
  }
});

test('blur of a plain image changes nothing, and of one bright pixel gives a Gaussian', () => {
  const plain = new Uint8Array(size).fill(77);
  expect(alter('blur', 2, plain)).toEqual(plain);
  const point = new Uint8Array(size);
  const [y, x] = [4, 3];
  point[y * shape.width + x] = 255;
  const blurred = alter('blur', 0.5, point);
  const weights = [-2, -1, 0, 1, 2].map(r => Math.exp(-2 * r * r));
  const total = weights.reduce((sum, one) => sum + one, 0);
  const at = (dy: number, dx: number) => blurred[(y + dy) * shape.width + x + dx]!;
  expect(at(0, 0)).toBe(Math.round(255 * (weights[2]! / total) ** 2));
  expect(at(0, 1)).toBe(Math.round((255 * weights[2]! * weights[1]!) / total ** 2));
  expect(at(1, 1)).toBe(Math.round(255 * (weights[1]! / total) ** 2));
  expect(blurred.subarray(size / 2)).toEqual(new Uint8Array(size / 2)); // the other channel
});

test('noise has its deviation, and one seed gives one pattern', () => {
  const grey = new Uint8Array(90_000).fill(128);
  const noisy = alter('noise', 4, grey);
  const deviation = Math.sqrt(noisy.reduce((sum, value) => sum + (value - 128) ** 2, 0) / noisy.length);
  expect(Math.abs(deviation / (0.04 * 255) - 1)).toBeLessThan(0.02);
  expect(alter('noise', 4, grey)).toEqual(noisy);
  expect(alter('noise', 4, grey, 6)).not.toEqual(noisy);
});

test('shift moves a ramp by its length: the mean of what is moved is what lies there', () => {
  const ramp = Uint8Array.from(
    { length: size },
    (_, i) => 10 * (i % shape.width) + 5 * (Math.floor(i / shape.width) % shape.height),
  );
  const moved = alter('shift', 10, ramp, 3);
  const [y, x] = [4, 3];
  const change = moved[y * shape.width + x]! - ramp[y * shape.width + x]!;
  // at most 10 a pixel across and 5 a pixel down, for 0.7 and 0.9 of a pixel
  expect(Math.abs(change)).toBeLessThanOrEqual(Math.hypot(10 * 0.7, 5 * 0.9) + 1);
  expect(moved).not.toEqual(ramp);
});

test("scale about the middle keeps the middle and doubles a ramp's slope when it halves", () => {
  const ramp = Uint8Array.from({ length: size }, (_, i) => 20 * (i % shape.width));
  const half = alter('scale', 0.5, ramp);
  const row = [...half.subarray(0, shape.width)];
  expect(row).toEqual([0, 0, 20, 60, 100, 120, 120]);
  expect([...alter('scale', 2, ramp).subarray(0, shape.width)]).toEqual([30, 40, 50, 60, 70, 80, 90]);
});

describe('the level at which accuracy falls by five points', () => {
  const points = [0, 1, 2, 4].map((level, i) => ({ level, accuracy: [0.9, 0.88, 0.84, 0.5][i]! }));
  test('lies between two levels in proportion', () => {
    expect(findFall(points, 'linear')).toBeCloseTo(1 + 0.03 / 0.04, 12);
  });
  test('is in proportion of logarithms where levels are factors', () => {
    const factors = [1, 0.5, 0.25].map((level, i) => ({ level, accuracy: [0.9, 0.9, 0.8][i]! }));
    expect(findFall(factors, 'log')).toBeCloseTo(0.5 * 0.5 ** 0.5, 12);
  });
  test('is none where accuracy never falls so far, or there is no other level', () => {
    expect(findFall(points.slice(0, 2), 'linear')).toBeNull();
    expect(findFall(points.slice(0, 1), 'linear')).toBeNull();
  });
});
