import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Preparation, prepareImage, qualityFeatures, type RawImage } from '../../src/engine/prepare.ts';

const stretch = (height: number, width: number): Preparation => ({
  height,
  width,
  channels: 'gray',
  fit: 'stretch',
});
const gray = (pixels: Uint8Array | Uint16Array, height: number, width: number): RawImage => ({
  pixels,
  height,
  width,
  channels: 1,
});

/** Weights of the definition: bilinear between pixel centres when enlarging, overlap of intervals when shrinking. */
function weightOf(source: number, target: number, out: number, pixel: number): number {
  const step = source / target;
  if (step > 1)
    return Math.max(0, Math.min(pixel + 1, (out + 1) * step) - Math.max(pixel, out * step)) / step;
  const position = Math.min(Math.max((out + 0.5) * step - 0.5, 0), source - 1);
  return Math.max(0, 1 - Math.abs(position - pixel));
}

function resizeByDefinition(raw: RawImage, height: number, width: number): number[] {
  return Array.from({ length: height * width }, (_, i) => {
    const [y, x] = [Math.floor(i / width), i % width];
    let sum = 0;
    for (let row = 0; row < raw.height; row++) {
      const share = weightOf(raw.height, height, y, row);
      if (share === 0) continue;
      for (let column = 0; column < raw.width; column++) {
        sum += share * weightOf(raw.width, width, x, column) * raw.pixels[row * raw.width + column]!;
      }
    }
    return sum;
  });
}

describe('resizing', () => {
  test('any size to any size follows the definition', async () => {
    const side = fc.integer({ min: 1, max: 24 });
    await fc.assert(
      fc.asyncProperty(
        side,
        side,
        side,
        side,
        fc.infiniteStream(fc.nat(65535)),
        async (h, w, height, width, values) => {
          const raw = gray(
            Uint16Array.from({ length: h * w }, () => values.next().value!),
            h,
            w,
          );
          const { pixels } = await prepareImage(raw, stretch(height, width));
          const expected = resizeByDefinition(raw, height, width);
          for (const [i, value] of pixels.entries())
            expect(Math.abs(value - expected[i]!)).toBeLessThan(0.52);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('the same size is the same image, a constant stays constant', async () => {
    const pixels = Uint8Array.from({ length: 30 * 17 }, (_, i) => (i * 83) % 256);
    expect((await prepareImage(gray(pixels, 30, 17), stretch(30, 17))).pixels).toEqual(pixels);
    for (const level of [0, 1, 254, 255]) {
      const flat = await prepareImage(gray(new Uint8Array(40 * 200).fill(level), 40, 200), stretch(128, 128));
      expect(new Set(flat.pixels)).toEqual(new Set([level]));
    }
  });

  test('a linear ramp stays linear inside', async () => {
    const ramp = Uint16Array.from({ length: 21 * 100 }, (_, i) => 100 * (i % 100));
    for (const width of [250, 50]) {
      const { pixels } = await prepareImage(gray(ramp, 21, 100), stretch(4, width));
      for (let x = 3; x < width - 3; x++)
        expect(pixels[x]).toBe(Math.round((100 * (x + 0.5) * 100) / width - 50));
    }
  });
});

describe('fitting', () => {
  const block = Uint8Array.from({ length: 8 }, (_, i) => 10 * (i + 1)); // 2 x 4

  test("'centre' keeps every pixel of a small image in the middle, and the middle of a large one", async () => {
    const padded = await prepareImage(gray(block, 2, 4), { ...stretch(4, 6), fit: 'centre' });
    const fill = [...block].sort((a, b) => a - b)[4];
    const rows = [fill, 10, 20, 30, 40, fill, fill, 50, 60, 70, 80, fill];
    expect([...padded.pixels]).toEqual([...Array(6).fill(fill), ...rows, ...Array(6).fill(fill)]);
    const cropped = await prepareImage(gray(block, 2, 4), { ...stretch(1, 2), fit: 'centre' });
    expect([20, 60]).toContain(cropped.pixels[0]);
    expect(cropped.pixels[1]! - cropped.pixels[0]!).toBe(10);
  });

  test("'pad' keeps the aspect and fills with the median of the border", async () => {
    const bright = new Uint8Array(10 * 20).fill(50);
    for (let y = 3; y < 7; y++) bright.fill(200, y * 20 + 5, y * 20 + 15);
    const { pixels } = await prepareImage(gray(bright, 10, 20), { ...stretch(40, 40), fit: 'pad' });
    expect(new Set(pixels.subarray(0, 10 * 40))).toEqual(new Set([50]));
    expect(new Set(pixels.subarray(30 * 40))).toEqual(new Set([50]));
    expect(pixels[20 * 40 + 20]).toBe(200);
    expect(pixels[20 * 40 + 2]).toBe(50);
  });
});

describe('channels', () => {
  const pixels = Uint8Array.from({ length: 3 * 12 }, (_, i) => (i * 71) % 256);
  const raw: RawImage = { pixels, height: 3, width: 4, channels: 3 };

  test('gray is the luminance of Rec. 601', async () => {
    const { pixels: out } = await prepareImage(raw, stretch(3, 4));
    for (const [i, value] of out.entries()) {
      const luminance = 0.299 * pixels[3 * i]! + 0.587 * pixels[3 * i + 1]! + 0.114 * pixels[3 * i + 2]!;
      expect(value).toBe(Math.round(luminance));
    }
  });

  test('chosen channels come as planes in the order asked for', async () => {
    const { pixels: out } = await prepareImage(raw, { ...stretch(3, 4), channels: [2, 0] });
    expect([...out]).toEqual([2, 0].flatMap(c => Array.from({ length: 12 }, (_, i) => pixels[3 * i + c]!)));
  });

  test('the second of two channels is taken for alpha', async () => {
    const { pixels: out } = await prepareImage(
      { pixels: Uint8Array.of(9, 255, 8, 0), height: 1, width: 2, channels: 2 },
      stretch(1, 2),
    );
    expect([...out]).toEqual([9, 8]);
  });
});

describe('refusals', () => {
  const raw = gray(new Uint8Array(6), 2, 3);
  test.each<[string, RawImage, Preparation, RegExp]>([
    ['too few pixels', gray(new Uint8Array(5), 2, 3), stretch(4, 4), /2 x 3 x 1 = 6.*Received 5/],
    ['a side of 0', gray(new Uint8Array(0), 0, 3), stretch(4, 4), /raw height.*1 to 20000/],
    ['a side of 20,001', gray(new Uint8Array(20001), 1, 20001), stretch(4, 4), /20001/],
    ['NaN as a size', raw, stretch(NaN, 4), /height.*NaN/],
    ['a huge stored size', raw, stretch(4, 1e6), /width.*4096/],
    ['a channel that is not there', raw, { ...stretch(4, 4), channels: [1] }, /Received channel 1/],
    ['no channel', raw, { ...stretch(4, 4), channels: [] }, /channels must/],
    ['an unknown fit', raw, { ...stretch(4, 4), fit: 'cover' as 'pad' }, /stretch, pad, centre/],
    [
      'gray of five channels',
      { pixels: new Uint8Array(5), height: 1, width: 1, channels: 5 },
      stretch(4, 4),
      /5 channels/,
    ],
  ])('%s', async (_, image, preparation, message) => {
    await expect(prepareImage(image, preparation)).rejects.toThrow(message);
  });
});

test('an image of any size has finite quality features', async () => {
  const side = fc.integer({ min: 1, max: 40 });
  await fc.assert(
    fc.asyncProperty(
      side,
      side,
      fc.nat(255),
      fc.infiniteStream(fc.nat(255)),
      async (height, width, spread, values) => {
        const pixels = Uint8Array.from(
          { length: height * width },
          () => (values.next().value! * spread) / 255,
        );
        const { quality } = await prepareImage(gray(pixels, height, width), stretch(8, 8));
        expect(quality).toHaveLength(qualityFeatures.length);
        for (const value of quality) expect(Number.isFinite(value)).toBe(true);
      },
    ),
    { numRuns: 200 },
  );
});

test('a long thin image of 20,000 pixels and a large one are measured in bounded memory', async () => {
  const { quality } = await prepareImage(gray(new Uint8Array(3 * 20000).fill(9), 3, 20000), stretch(16, 16));
  expect(quality.every(Number.isFinite)).toBe(true);
});
