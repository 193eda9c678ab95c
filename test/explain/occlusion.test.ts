import { describe, expect, test } from 'vitest';
import type { Classifier } from '../../src/classifiers/classifier.ts';
import { ImageSet } from '../../src/engine/imageSet.ts';
import { Network } from '../../src/engine/network.ts';
import { type Fill, fills, hideImage } from '../../src/explain/fill.ts';
import { measureOcclusion, type OcclusionSettings } from '../../src/explain/occlusion.ts';
import { measureRegions, regionsOf } from '../../src/explain/regions.ts';
import { mixSeed } from '../../src/train/seed.ts';

const shape = { channels: 2, height: 19, width: 24 };
const size = shape.height * shape.width;
const images = ImageSet.from(
  Uint8Array.from({ length: 3 * 2 * size }, (_, i) => 60 + (mixSeed(i) % 90) + (i % 7) * 9),
  shape,
);

/** A network with random weights: its probabilities depend on every pixel. */
const network = new Network(
  {
    name: 'small',
    input: shape,
    layers: [
      { type: 'conv', filters: 5, kernel: 5, stride: 2 },
      { type: 'relu' },
      { type: 'dense', units: 3 },
    ],
  },
  { seed: 4, initialiser: { name: 'heNormal' } },
);

const classifier: Classifier = {
  classes: ['a', 'b', 'c'],
  predict: (set, rows) => network.predict({ images: set, rows, normalisation: 'standardise' }),
  classify: () => {
    throw new Error('not asked for');
  },
  save: async () => {},
};

/** Bright everywhere, with a brighter spot. */
function spotImage(side: number): ImageSet {
  const pixels = Uint8Array.from({ length: side * side }, (_, i) => {
    const [y, x] = [Math.floor(i / side), i % side];
    return 100 + Math.round(120 * Math.exp(-((y - 20) ** 2 + (x - 33) ** 2) / 60));
  });
  return ImageSet.from(pixels, { channels: 1, height: side, width: side });
}

/** Sees how bright it is about one place, as a Gaussian window weighs it. */
function spotClassifier(side: number, top: number, left: number, sigma: number): Classifier {
  const window = Float64Array.from({ length: side * side }, (_, i) => {
    const [y, x] = [Math.floor(i / side), i % side];
    return (
      Math.exp(-((y - top) ** 2 + (x - left) ** 2) / (2 * sigma * sigma)) / (2 * Math.PI * sigma * sigma)
    );
  });
  return {
    ...classifier,
    classes: ['dim', 'bright'],
    predict: async (set, rows) =>
      Float32Array.from(
        [...rows].flatMap(row => {
          const light = (set.read(row) as Uint8Array).reduce((sum, value, i) => sum + value * window[i]!, 0);
          const bright = 1 / (1 + Math.exp(-(light - 180) / 15));
          return [1 - bright, bright];
        }),
      ),
  };
}

/** The probability of a class with a square of image `row` replaced, worked out plainly, one mask at a time. */
async function bruteForce(row: number, target: number, mask: number, fill: Fill, y: number, x: number) {
  const image = images.read(row) as Uint8Array;
  const hidden = hideImage(image, shape, fill, 0);
  const copy = image.map((value, i) => {
    const [py, px] = [Math.floor((i % size) / shape.width), i % shape.width];
    const covered =
      py >= y - Math.floor(mask / 2) &&
      py < y - Math.floor(mask / 2) + mask &&
      px >= x - Math.floor(mask / 2) &&
      px < x - Math.floor(mask / 2) + mask;
    return covered ? hidden[i]! : value;
  });
  const [probabilities] = [
    await network.predict({
      images: ImageSet.from(copy, shape),
      rows: Int32Array.of(0),
      normalisation: 'standardise',
    }),
  ];
  return probabilities![target]!;
}

const map = async (row: number, target: number, settings: OcclusionSettings) =>
  (await measureOcclusion(classifier, images, Int32Array.of(row), [target], settings))[0]!;

describe('an occlusion map', () => {
  test.each(fills)(
    'is at every pixel what a mask filled with %s there makes of the probability',
    async fill => {
      const { probability, whole, measured, positions } = await map(1, 2, {
        mask: 5,
        fill,
        positions: 'full',
      });
      expect([measured, positions]).toEqual([size, size]);
      expect(whole).toBe(
        (await network.predict({ images, rows: Int32Array.of(1), normalisation: 'standardise' }))[2],
      );
      for (const [y, x] of [
        [0, 0],
        [18, 23],
        [7, 0],
        [9, 11],
        [3, 22],
      ] as const)
        expect(probability[y * shape.width + x]).toBe(await bruteForce(1, 2, 5, fill, y, x));
    },
  );

  test('from coarse to fine is near the full one with a fifth of the work, and exact where it was measured', async () => {
    const side = 48;
    const spot = spotClassifier(side, 20, 33, 3);
    const rows = Int32Array.of(0);
    const full = await measureOcclusion(spot, spotImage(side), rows, [1], { mask: 6, positions: 'full' });
    const some = await measureOcclusion(spot, spotImage(side), rows, [1], { mask: 6, positions: 460 });
    const [all, quick] = [full[0]!, some[0]!];
    expect([all.measured, all.positions, quick.positions]).toEqual([side ** 2, side ** 2, side ** 2]);
    expect(quick.measured).toBeLessThanOrEqual(460);
    const range = Math.max(...all.probability) - Math.min(...all.probability);
    expect(range).toBeGreaterThan(0.3);
    const errors = all.probability.map((value, i) => Math.abs(value - quick.probability[i]!));
    expect(errors.reduce((sum, one) => sum + one) / side ** 2).toBeLessThan(0.005 * range);
    expect(Math.max(...errors)).toBeLessThan(0.08 * range);
    expect(errors.filter(one => one === 0).length).toBeGreaterThanOrEqual(quick.measured);
  });

  test('with a stride is measured at the steps and at the last pixels', async () => {
    const { probability, positions, measured } = await map(0, 1, { mask: 4, stride: 5, positions: 'full' });
    expect([positions, measured]).toEqual([5 * 6, 5 * 6]);
    for (const [y, x] of [
      [5, 15],
      [18, 23],
      [0, 20],
    ] as const)
      expect(probability[y * shape.width + x]).toBe(await bruteForce(0, 1, 4, 'mean', y, x));
    const between = [probability[5 * shape.width + 15]!, probability[5 * shape.width + 20]!];
    expect(probability[5 * shape.width + 17]).toBeCloseTo(between[0]! + 0.4 * (between[1]! - between[0]!), 6);
  });

  test('of an image of one pixel is one number', async () => {
    const dot = { channels: 1, height: 1, width: 1 };
    const spec = { name: 'dot', input: dot, layers: [{ type: 'dense' as const, units: 2 }] };
    const one = new Network(spec, { seed: 1, initialiser: { name: 'heNormal' } });
    const dots: Classifier = {
      ...classifier,
      classes: ['a', 'b'],
      predict: (set, rows) => one.predict({ images: set, rows, normalisation: 'range' }),
    };
    const [only] = await measureOcclusion(dots, ImageSet.from(Uint8Array.of(9), dot), Int32Array.of(0), [0]);
    expect(only).toMatchObject({ measured: 1, positions: 1 });
    expect(only!.probability[0]).toBe(only!.whole);
  });

  test('is refused for settings out of their range', async () => {
    for (const settings of [
      { mask: 0 },
      { mask: 25 },
      { stride: 1.5 },
      { positions: 0 },
      { fill: 'black' as Fill },
    ])
      await expect(map(0, 0, settings)).rejects.toMatchObject({ code: 'option-invalid' });
  });
});

describe('what fills a mask', () => {
  const plane = { channels: 1, height: 4, width: 5 };
  const image = Uint8Array.from({ length: 20 }, (_, i) => i * 10);
  test("is the image's mean, or the mean of its outermost pixels, each channel by itself", () => {
    expect([...hideImage(image, plane, 'mean', 0)]).toEqual(new Array(20).fill(95));
    const border = [0, 1, 2, 3, 4, 5, 9, 10, 14, 15, 16, 17, 18, 19].reduce((sum, i) => sum + i * 10, 0) / 14;
    expect(hideImage(image, plane, 'border', 0)[7]).toBe(Math.round(border));
    const two = hideImage(Uint8Array.of(10, 30, 100, 200), { channels: 2, height: 1, width: 2 }, 'mean', 0);
    expect([...two]).toEqual([20, 20, 150, 150]);
  });

  test('is noise of about its mean and deviation, the same for the same seed', () => {
    const large = { channels: 1, height: 100, width: 100 };
    const values = Uint8Array.from({ length: 10_000 }, (_, i) => 100 + (mixSeed(i) % 41) - 20);
    const noise = hideImage(values, large, 'noise', 3) as Uint8Array;
    const mean = noise.reduce((sum: number, one: number) => sum + one, 0) / 10_000;
    const deviation = Math.sqrt(
      noise.reduce((sum: number, one: number) => sum + (one - mean) ** 2, 0) / 10_000,
    );
    expect(mean).toBeCloseTo(100, -0.5);
    expect(deviation).toBeGreaterThan(11);
    expect(deviation).toBeLessThan(12.7);
    expect(hideImage(values, large, 'noise', 3)).toEqual(noise);
    expect(hideImage(values, large, 'noise', 4)).not.toEqual(noise);
  });

  test('keeps a flat image as it is, blurred too', () => {
    const flat = new Uint16Array(20).fill(700);
    for (const fill of fills) expect([...hideImage(flat, plane, fill, 0)]).toEqual([...flat]);
  });
});

test('regions say where the mask lies, and add up', () => {
  const cell = Uint8Array.from({ length: 36 }, (_, i) => (i % 6 >= 3 ? 1 : 0));
  const regions = regionsOf(cell, 2, { height: 6, width: 6 });
  // A mask of 2 centred at column x covers x - 1 and x, cut off on the left.
  expect([...regions.subarray(0, 6)]).toEqual([2, 2, 2, 1, 0, 0]);
  const probability = Float32Array.from({ length: 36 }, (_, i) => [0.875, 0.875, 1, 0.5, 0.25, 0.25][i % 6]!);
  const figures = measureRegions(
    [{ height: 6, width: 6, target: 0, whole: 0.875, probability, measured: 36, positions: 36 }],
    [regions],
  );
  expect(figures.inside.area).toBeCloseTo(1 / 3, 6);
  expect(figures.inside.meanDrop).toBe(0.625);
  expect(figures.background.meanDrop).toBeCloseTo(-0.125 / 3, 9);
  expect(figures.background.share).toBe(0);
  expect(figures.edge.share).toBeCloseTo(0.375 / (0.375 + 1.25), 9);
});
