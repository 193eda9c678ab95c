import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { featureCount, findCells, measureFeatures, measureFeaturesOf } from '../../src/engine/features.ts';
import { ImageSet } from '../../src/engine/imageSet.ts';
import { renderCells } from '../../src/engine/simulate.ts';
import { getThreads, setThreads } from '../../src/engine/threads.ts';
import { featureDefinitions, featureNames } from '../../src/features/definitions.ts';

const before = getThreads();
afterAll(() => setThreads(before));

type Image = { pixels: Uint8Array | Uint16Array; height: number; width: number; channels?: number };

function draw(height: number, width: number, value: (y: number, x: number) => number, wide = false): Image {
  const pixels = new (wide ? Uint16Array : Uint8Array)(height * width);
  for (let i = 0; i < pixels.length; i++) pixels[i] = value(Math.floor(i / width), i % width);
  return { pixels, height, width };
}

async function measure({ pixels, height, width, channels = 1 }: Image): Promise<Record<string, number>> {
  const images = ImageSet.from(pixels, { channels, height, width });
  const values = await measureFeatures(images, Int32Array.of(0));
  images.close();
  return Object.fromEntries(featureNames(channels).map((name, f) => [name, values[f]!]));
}

const disc = (side: number, radius: number, centre = (side - 1) / 2) =>
  draw(side, side, (y, x) => (Math.hypot(y - centre, x - centre) <= radius ? 200 : 20));
const rectangle = (side: number, high: number, wide: number) =>
  draw(side, side, (y, x) => (y >= 20 && y < 20 + high && x >= 30 && x < 30 + wide ? 200 : 20));

describe('shapes with a closed form', () => {
  test('a disc', async () => {
    const { area, ...shape } = await measure(disc(96, 20));
    expect(Math.abs(area! / (Math.PI * 400) - 1)).toBeLessThan(0.01);
    expect(shape.equivalentDiameter).toBeCloseTo(40, 0);
    expect(shape.majorAxis).toBeCloseTo(40, 0);
    expect(shape.minorAxis).toBeCloseTo(shape.majorAxis!, 3);
    expect(shape.eccentricity).toBeLessThan(0.01);
    expect(shape.ellipseFit).toBeCloseTo(1, 2);
    // The squares' corners stick out of the circle.
    expect(shape.solidity).toBeGreaterThan(0.96);
    expect(shape.circularity).toBeCloseTo(0.94, 2);
    expect(shape.radiusVariation).toBeLessThan(0.02);
    expect(shape.borderContact).toBe(0);
    expect(shape.offCentre).toBeLessThan(1e-6);
    for (const lobes of [2, 3, 4, 5, 6, 7, 8]) expect(shape[`lobes${lobes}`]).toBeLessThan(0.03);
  });

  test('an upright rectangle of 12 x 32 pixels', async () => {
    const shape = await measure(rectangle(96, 12, 32));
    expect(shape).toMatchObject({ area: 384, extent: 1, solidity: 1, feretShortest: 12, objectCount: 1 });
    expect(shape.perimeter).toBeCloseTo(2 * (11 + 31), 4);
    expect(shape.feretLongest).toBeCloseTo(Math.hypot(12, 32), 4);
    // A side of length s has variance s^2 / 12, a pixel's own extent included.
    expect(shape.majorAxis).toBeCloseTo((4 * 32) / Math.sqrt(12), 3);
    expect(shape.minorAxis).toBeCloseTo((4 * 12) / Math.sqrt(12), 3);
    expect(shape.eccentricity).toBeCloseTo(Math.sqrt(1 - (12 / 32) ** 2), 5);
    expect(shape.ellipseFit).toBeCloseTo(3 / Math.PI, 5);
    expect(shape.radiusRatio).toBeCloseTo(6 / Math.hypot(6, 16), 4);
  });

  test('the Fourier series of a square', async () => {
    // Sides on the four axes: c(1 + 4 j) falls as 1 / (1 + 4 j)^2, all others are 0.
    const shape = await measure(rectangle(96, 24, 24));
    expect(shape.lobes4).toBeCloseTo(Math.sqrt(1 / 9 ** 2 + 1 / 25 ** 2), 5);
    expect(shape.lobes8).toBeCloseTo(Math.sqrt(1 / 49 ** 2 + 1 / 81 ** 2), 5);
    for (const lobes of [2, 3, 5, 6, 7]) expect(shape[`lobes${lobes}`]).toBeLessThan(1e-6);
  });

  test('an ellipse', async () => {
    const shape = await measure(
      draw(96, 96, (y, x) => (((x - 48) / 30) ** 2 + ((y - 48) / 15) ** 2 <= 1 ? 200 : 20)),
    );
    expect(shape.majorAxis! / 60).toBeCloseTo(1, 1);
    expect(shape.minorAxis! / 30).toBeCloseTo(1, 1);
    expect(shape.eccentricity).toBeCloseTo(Math.sqrt(0.75), 1);
    expect(shape.feretLongest! / 61).toBeCloseTo(1, 1);
    expect(shape.lobes2).toBeGreaterThan(10 * shape.lobes3!);
  });
});

describe('textures with a closed form', () => {
  /** Fills the rectangle's inside by `value` over a dark background. */
  const textured = (value: (y: number, x: number) => number) =>
    draw(64, 64, (y, x) => (y >= 16 && y < 48 && x >= 16 && x < 48 ? value(y, x) : 20));

  test('a checkerboard: pairs along the sides differ, pairs across a corner are alike', async () => {
    const board = await measure(textured((y, x) => ((x + y) % 2 ? 220 : 180)));
    expect(board.area).toBeGreaterThanOrEqual(1020); // a corner's energy is a ninth of one pixel's
    expect(board.texture1Contrast).toBeCloseTo(15 ** 2 / 2, 4);
    expect(board.texture1ContrastRange).toBeCloseTo(15 ** 2, 4);
    expect(board.texture1Correlation).toBeCloseTo(0, 1);
    expect(board.texture1CorrelationRange).toBeCloseTo(2, 2);
    expect(board.texture1Entropy).toBeCloseTo(1, 2);
    expect(board.entropy).toBeCloseTo(1, 4);
    expect(board.skewness).toBeCloseTo(0, 2);
    expect(board.kurtosis).toBeCloseTo(-2, 3);
  });

  test('one value: nothing varies, and what has no meaning then is 0', async () => {
    const flat = await measure(textured(() => 200));
    expect(flat.mean).toBeCloseTo(180 / 255, 6);
    expect(flat).toMatchObject({ deviation: 0, skewness: 0, kurtosis: 0, entropy: 0, rimMean: 0 });
    expect(flat).toMatchObject({ texture1Energy: 1, texture1Contrast: 0, texture1Correlation: 1 });
    expect(flat).toMatchObject({ pattern1Bin8: 1, pattern2Bin8: 1, massDisplacement: 0, gyration: 1 });
    expect(flat.total).toBeCloseTo((180 / 255) * 1024, 2);
  });

  test('a slope of one level a pixel', async () => {
    const slope = await measure(textured((_y, x) => 180 + (x - 16)));
    expect(slope.area).toBeGreaterThanOrEqual(1020);
    expect(slope.median).toBeCloseTo((180 + 15.5 - 20) / 255, 2);
    expect(slope.mean).toBeCloseTo((180 + 15.5 - 20) / 255, 3);
    expect(slope.deviation! * 255).toBeCloseTo(Math.sqrt((32 ** 2 - 1) / 12), 1);
    // Inside the slope is 1; at the rim the step to the background counts as well.
    const rim = (4 * 32 - 4) / 1024;
    expect(slope.gradientMean! * 255).toBeGreaterThan(1 - rim);
    expect(slope.texture1Correlation).toBeGreaterThan(0.98);
    expect(slope.texture1CorrelationRange).toBeLessThan(0.02);
    expect(slope.laplacianSkewness).toBeLessThan(0);
    // Brighter to the right: the mass lies there.
    expect(slope.massDisplacement).toBeGreaterThan(0.01);
  });

  test('a bright spot of 3 x 3 goes with what is narrower than 5', async () => {
    const spot = await measure(
      textured((y, x) => (Math.abs(y - 30) < 2 && Math.abs(x - 30) < 2 ? 220 : 120)),
    );
    // 9 of 1024 pixels are below the quantile 0.99: the stretch ends at the others' value.
    expect(spot.brightGrains3).toBe(0);
    const many = await measure(
      textured((y, x) => (Math.abs((y % 8) - 4) < 2 && Math.abs((x % 8) - 4) < 2 ? 220 : 120)),
    );
    expect(many).toMatchObject({ brightGrains3: 0, brightGrains5: 1, brightGrains7: 0 });
  });
});

/** Cells of the simulator, 64 x 64, away from the border. */
const rendered = renderCells({
  seed: 5,
  confounded: false,
  faults: 0,
  sessions: 6,
  weights: [1, 1, 1, 1],
  first: 0,
  count: 24,
  size: [64, 64],
});
async function someCells(): Promise<Image[]> {
  const { pixels } = await rendered;
  return Array.from({ length: 24 }, (_, i) => ({
    pixels: pixels.slice(i * 4096, (i + 1) * 4096),
    height: 64,
    width: 64,
  }));
}

/** The image whose pixel (y, x) is the pixel `from` of the old one. */
function move(image: Image, from: (y: number, x: number) => [number, number]): Image {
  const { width, height, pixels } = image;
  return draw(
    height,
    width,
    (y, x) => {
      const [oldY, oldX] = from(y, x);
      return pixels[oldY * width + oldX]!;
    },
    pixels instanceof Uint16Array,
  );
}

function compare(
  received: Record<string, number>,
  expected: Record<string, number>,
  changesWith?: 'offset' | 'gain' | 'place',
): void {
  const wrong = featureDefinitions
    .filter(feature => changesWith === undefined || !feature.changesWith.includes(changesWith))
    .map(({ name }) => ({ name, received: received[name]!, expected: expected[name]! }))
    .filter(({ received, expected }) => Math.abs(received - expected) > 2e-3 * (0.1 + Math.abs(expected)));
  expect(wrong).toEqual([]);
}

describe('what does not change a feature', () => {
  const sets = [
    ['a quarter turn', (y: number, x: number) => [63 - x, y]],
    ['a half turn', (y: number, x: number) => [63 - y, 63 - x]],
    ['mirroring', (y: number, x: number) => [y, 63 - x]],
    ['turning over', (y: number, x: number) => [x, y]],
  ] as [string, (y: number, x: number) => [number, number]][];
  test.each(sets)('%s', async (_title, from) => {
    for (const image of await someCells()) compare(await measure(move(image, from)), await measure(image));
  });

  test('shifting, where the background is even', async () => {
    const blob = (top: number, left: number) =>
      draw(64, 64, (y, x) => {
        const [v, u] = [y - top, x - left];
        const inside = (v / 14) ** 2 + (u / 9) ** 2 <= 1;
        return inside ? 120 + ((v * 31 + u * 17 + v * u * 5) & 63) + 2 * u : 40;
      });
    compare(await measure(blob(24, 40)), await measure(blob(33, 30)), 'place');
  });

  test('adding a constant, where nothing is cut off', async () => {
    for (const image of await someCells()) {
      const raise = (by: number) => ({
        ...image,
        pixels: Uint16Array.from(image.pixels, value => value + by),
      });
      compare(await measure(raise(3000)), await measure(raise(0)), 'offset');
    }
  });

  test('multiplying by a factor', async () => {
    for (const image of await someCells()) {
      const scale = (factor: number) => ({
        ...image,
        pixels: Uint16Array.from(image.pixels, value => value * factor),
      });
      compare(await measure(scale(200)), await measure(scale(50)), 'gain');
    }
  });
});

describe('any image', () => {
  test('gives finite numbers, the same on any number of threads and one at a time', async () => {
    const value = fc.constantFrom(0, 1, 7, 128, 254, 255);
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 3 }),
        fc.boolean(),
        fc.infiniteStream(fc.oneof(value, fc.constant(0), fc.nat(255))),
        async (height, width, channels, wide, values) => {
          const count = 5;
          const pixels = new (wide ? Uint16Array : Uint8Array)(count * channels * height * width);
          for (let i = 0; i < pixels.length; i++) pixels[i] = values.next().value! * (wide ? 257 : 1);
          const shape = { channels, height, width };
          const images = ImageSet.from(pixels, shape);
          const rows = Int32Array.of(0, 1, 2, 3, 4);
          setThreads(1);
          const alone = await measureFeatures(images, rows);
          setThreads(3);
          const together = await measureFeatures(images, rows);
          images.close();
          expect(alone.every(Number.isFinite)).toBe(true);
          expect(together).toEqual(alone);
          const size = channels * height * width;
          const last = measureFeaturesOf(pixels.subarray(4 * size), shape);
          expect(last).toEqual(alone.subarray(4 * featureCount(channels)));
        },
      ),
      { numRuns: 150 },
    );
  });

  test('without anything in it has the features of its background and zeros', async () => {
    const empty = await measure(draw(16, 16, () => 51));
    const { background, ...others } = empty;
    expect(background).toBeCloseTo(0.2, 6);
    expect(Object.values(others).every(value => value === 0)).toBe(true);
  });

  test('with one pixel in it has a cell of one pixel', async () => {
    const one = await measure(draw(16, 16, (y, x) => (y === 7 && x === 8 ? 255 : 0)));
    expect(one).toMatchObject({ area: 1, extent: 1, solidity: 1, eccentricity: 0, feretShortest: 1 });
    expect(one.majorAxis).toBeCloseTo(4 / Math.sqrt(12), 5);
    expect(one.feretLongest).toBeCloseTo(Math.SQRT2, 5);
  });

  test('with a cell that is cut keeps what is there, up to the border', async () => {
    const cut = await measure(draw(32, 32, (y, x) => (x < 10 && y >= 8 && y < 24 ? 200 : 20)));
    expect(cut).toMatchObject({ area: 160, extent: 1 });
    expect(cut.borderContact).toBeCloseTo(16 / 52, 5);
  });
});

describe('what is asked for', () => {
  test('the masks hold the pixels that the area counts', async () => {
    const images = (await someCells()).map(({ pixels }) => pixels);
    const all = Uint8Array.from(images.flatMap(pixels => [...pixels]));
    const set = ImageSet.from(all, { channels: 1, height: 64, width: 64 });
    const rows = Int32Array.from(images.keys());
    const masks = await findCells(set, rows);
    const values = await measureFeatures(set, rows);
    set.close();
    for (const row of rows) {
      const area = masks.subarray(row * 4096, (row + 1) * 4096).reduce((sum, value) => sum + value, 0);
      expect(values[row * featureCount(1)]).toBe(area);
    }
  });

  test('float32 images, rows that are not there and images too large are refused', async () => {
    const floats = ImageSet.from(new Float32Array(16), { channels: 1, height: 4, width: 4 });
    await expect(measureFeatures(floats, Int32Array.of(0))).rejects.toMatchObject({ code: 'option-invalid' });
    const images = ImageSet.from(new Uint8Array(16), { channels: 1, height: 4, width: 4 });
    await expect(measureFeatures(images, Int32Array.of(1))).rejects.toMatchObject({ code: 'option-invalid' });
    await expect(findCells(images, Int32Array.of(-1))).rejects.toMatchObject({ code: 'option-invalid' });
    const wide = ImageSet.from(new Uint8Array(5000), { channels: 1, height: 1, width: 5000 });
    await expect(measureFeatures(wide, Int32Array.of(0))).rejects.toMatchObject({ code: 'option-invalid' });
    expect(() => measureFeaturesOf(new Uint8Array(3), { channels: 1, height: 2, width: 2 })).toThrow(
      /1 x 2 x 2/,
    );
  });

  test('a stop is heard between parts of the work', async () => {
    const images = ImageSet.from(new Uint8Array(4096 * 4), { channels: 1, height: 64, width: 64 });
    const controller = new AbortController();
    const rows = new Int32Array(9000);
    const job = { signal: controller.signal, onProgress: () => controller.abort() };
    await expect(measureFeatures(images, rows, job)).rejects.toMatchObject({ code: 'cancelled' });
  });
});
