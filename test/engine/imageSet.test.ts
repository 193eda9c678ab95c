import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ImageSet, type ImageShape } from '../../src/engine/imageSet.ts';
import { lightOfSessions } from '../../src/engine/light.ts';
import type { Augmentation } from '../../src/engine/normalisation.ts';
import { getThreads, setThreads } from '../../src/engine/threads.ts';

const shape: ImageShape = { channels: 1, height: 12, width: 10 };
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'brightcell-images-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('images of a set', () => {
  test('mapped files are numbered through, each from its own offset', async () => {
    const small = { channels: 2, height: 2, width: 3 };
    const values = Uint16Array.from({ length: 36 }, (_, i) => 1000 * i);
    const first = join(folder, 'first');
    const second = join(folder, 'second');
    await writeFile(first, Buffer.concat([Buffer.alloc(64), Buffer.from(values.buffer, 0, 24)]));
    await writeFile(second, Buffer.concat([Buffer.alloc(128), Buffer.from(values.buffer, 24, 48)]));
    const files = [
      { path: first, offset: 64, count: 1 },
      { path: second, offset: 128, count: 2 },
    ];
    const images = ImageSet.map(files, 'uint16', small);
    expect(images.count).toBe(3);
    for (const row of [0, 1, 2]) expect(images.read(row)).toEqual(values.slice(12 * row, 12 * row + 12));
    images.close();
    expect(() => images.read(0)).toThrow('closed');
  });

  test('a short or missing file is corrupt, and the error names it', async () => {
    const path = join(folder, 'short');
    await writeFile(path, Buffer.alloc(239));
    const files = [{ path, offset: 0, count: 2 }];
    expect(() => ImageSet.map(files, 'uint8', shape)).toThrow(
      expect.objectContaining({ code: 'dataset-corrupt' }),
    );
    await truncate(path, 240);
    expect(ImageSet.map(files, 'uint8', shape).count).toBe(2);
    const gone = [{ path: `${path}-gone`, offset: 0, count: 1 }];
    expect(() => ImageSet.map(gone, 'uint8', shape)).toThrow(/-gone.*no such file/);
  });

  test('a set may be empty', () => {
    expect(ImageSet.map([], 'uint8', shape).count).toBe(0);
    expect(ImageSet.from(new Float32Array(0), shape).count).toBe(0);
  });

  test('closing while an image is loaded is harmless', async () => {
    const images = ImageSet.from(new Uint8Array(120).fill(7), shape);
    const loading = images.load(Int32Array.of(0, 0, 0), 'none');
    images.close();
    expect((await loading).every(value => value === 7)).toBe(true);
    await expect(images.load(Int32Array.of(0), 'none')).rejects.toThrow('closed');
  });

  test.each([
    [
      'a row past the end',
      (images: ImageSet) => images.load(Int32Array.of(1), 'none'),
      /row must be .* 0 to 0/,
    ],
    ['a negative row', (images: ImageSet) => images.load(Int32Array.of(-1), 'none'), /Received -1/],
    [
      'NaN as a range',
      (images: ImageSet) => images.load(Int32Array.of(0), 'none', { noise: NaN }),
      /0 to 10.*NaN/,
    ],
    [
      'a negative range',
      (images: ImageSet) => images.load(Int32Array.of(0), 'none', { scale: -1 }),
      /0 to 4/,
    ],
    [
      'an unknown change',
      (images: ImageSet) => images.load(Int32Array.of(0), 'none', { blur: 1 } as Augmentation),
      /not known/,
    ],
    [
      'a share of backgrounds above 1',
      (images: ImageSet) => images.load(Int32Array.of(0), 'none', { replaceBackground: 1.5 }),
      /replaceBackground must be a number from 0 to 1\. Received 1\.5/,
    ],
    ['a broken seed', (images: ImageSet) => images.load(Int32Array.of(0), 'none', {}, 0.5), /seed/],
    [
      'an unknown normalisation',
      (images: ImageSet) => images.load(Int32Array.of(0), 'max' as 'mean'),
      /standardise/,
    ],
  ])('%s is refused with the valid range', async (_, act, message) => {
    await expect(act(ImageSet.from(new Uint8Array(120), shape))).rejects.toThrow(message);
  });

  test('half an image is refused', () => {
    expect(() => ImageSet.from(new Uint8Array(119), shape)).toThrow('119');
  });
});

describe('normalisation', () => {
  const pixels = Uint8Array.from({ length: 120 }, (_, i) => (i * 37) % 251);
  const mean = pixels.reduce((sum, value) => sum + value, 0) / 120;
  const deviation = Math.sqrt(pixels.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 120);

  test.each([
    ['none', (x: number) => x],
    ['range', (x: number) => x / 255],
    ['mean', (x: number) => x / mean - 1],
    ['standardise', (x: number) => (x - mean) / deviation],
  ] as const)('%s follows its formula', async (name, formula) => {
    const loaded = await ImageSet.from(pixels, shape).load(Int32Array.of(0), name);
    for (const [i, value] of loaded.entries()) expect(value).toBeCloseTo(formula(pixels[i]!), 4);
  });

  test.each(['mean', 'standardise'] as const)('%s leaves a flat image finite', async name => {
    for (const level of [0, 200]) {
      const loaded = await ImageSet.from(new Uint8Array(120).fill(level), shape).load(Int32Array.of(0), name);
      const expected = name === 'mean' && level === 0 ? -1 : 0;
      expect([...new Set(loaded)].map(value => value + 0)).toEqual([expected]);
    }
  });

  test('float pixels are their own range', async () => {
    const loaded = await ImageSet.from(new Float32Array(120).fill(0.25), shape).load(
      Int32Array.of(0),
      'range',
    );
    expect(loaded[5]).toBe(0.25);
  });
});

describe('replacing the background', () => {
  // A disc of 200 on ground of 60, 100 or 140, with noise that a camera has.
  const levels = [60, 100, 140];
  const pixels = Uint8Array.from({ length: 3 * 48 * 48 }, (_, i) => {
    const [n, y, x] = [Math.floor(i / 2304), Math.floor(i / 48) % 48, i % 48];
    const inside = Math.hypot(y - 24, x - 24) < 8 ? 60 + 20 * ((x + y) % 3) : 0;
    return levels[n]! + inside + ((i * 7919) % 5);
  });
  const images = ImageSet.from(pixels, { channels: 1, height: 48, width: 48 });
  const rows = Int32Array.from({ length: 60 }, (_, i) => i % 3);
  const load = (share: number, seed = 1) => images.load(rows, 'none', { replaceBackground: share }, seed);

  test('takes it from another image of those that are loaded, and moves the cell to its level', async () => {
    const loaded = await load(1);
    const seen = new Set<number>();
    for (const [i, row] of rows.entries()) {
      const own = loaded.subarray(i * 2304, (i + 1) * 2304);
      const level = levels.findIndex(one => Math.abs(own[0]! - one) < 10);
      seen.add(3 * row + level);
      const moved = own[24 * 48 + 24]! - pixels[row * 2304 + 24 * 48 + 24]!;
      expect(Math.abs(moved - (levels[level]! - levels[row]!))).toBeLessThan(1);
    }
    expect(seen.size).toBe(9);
  });

  test('is the same for a seed on any number of threads', async () => {
    const [first, threads] = [await load(0.5), getThreads()];
    setThreads(threads === 1 ? 3 : 1);
    expect(await load(0.5)).toEqual(first);
    setThreads(threads);
    expect(await load(0.5, 2)).not.toEqual(first);
    expect(await load(0)).toEqual(await images.load(rows, 'none'));
  });

  test('is refused for real numbers, in which no cell is looked for', async () => {
    const reals = ImageSet.from(new Float32Array(120), shape);
    await expect(reals.load(Int32Array.of(0), 'none', { replaceBackground: 0.5 })).rejects.toThrow(/float32/);
  });
});

describe('the light of sessions', () => {
  const pixels = Uint16Array.from({ length: 4 * 120 }, (_, i) => 1000 + ((i * 7919) % 4001));
  const rows = Int32Array.of(0, 1, 2, 3);

  async function loadSession(change: (value: number) => number): Promise<Float32Array> {
    const images = ImageSet.from(pixels.map(change), shape);
    images.setLight(async () => lightOfSessions(await images.measureLight(rows), [0, 1, 1, 1]));
    return images.load(rows, 'session');
  }

  test('is taken out: any brightness and contrast of a session gives the same numbers', async () => {
    const before = await loadSession(value => value);
    const after = await loadSession(value => 3 * value + 5000);
    for (const [i, value] of after.entries()) expect(value).toBeCloseTo(before[i]!, 4);
  });

  test('must be known, and goes along with rows that are copied', async () => {
    const images = ImageSet.from(pixels, shape);
    await expect(images.load(rows, 'session')).rejects.toThrow(/of one session/);
    images.setLight(async () => Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    const copy = ImageSet.from(pixels.slice(0, 240), shape);
    copy.takeLight(images, Int32Array.of(3, 1));
    expect([...(await copy.lightOf(Int32Array.of(0, 1)))]).toEqual([7, 8, 3, 4]);
    expect([...(await images.lightOf(Int32Array.of(2)))]).toEqual([5, 6]);
  });
});

describe('augmentation', () => {
  const noisy = Float32Array.from({ length: 120 }, (_, i) => Math.sin(i * i));
  const images = ImageSet.from(noisy, shape);
  const load = (augmentation: Augmentation, seed = 1, count = 64) =>
    images.load(new Int32Array(count), 'none', augmentation, seed);
  const split = (all: Float32Array) =>
    Array.from({ length: all.length / 120 }, (_, n) => all.subarray(120 * n, 120 * n + 120));
  const flipped = (horizontal: boolean, vertical: boolean) =>
    noisy.map((_, i) => {
      const [y, x] = [Math.floor(i / 10), i % 10];
      return noisy[(vertical ? 11 - y : y) * 10 + (horizontal ? 9 - x : x)]!;
    });

  test('no range changes nothing', async () => {
    const none = { flipHorizontal: false, translate: 0, rotateDegrees: 0, scale: 0, blurSigma: 0, noise: 0 };
    for (const image of split(await load(none))) expect(image).toEqual(noisy);
  });

  test('flips are exact, and each comes half of the time', async () => {
    const seen = split(await load({ flipHorizontal: true, flipVertical: true }, 3, 400)).map(image => {
      const kinds = [0, 1, 2, 3].filter(kind =>
        flipped(kind % 2 === 1, kind > 1).every((value, i) => value === image[i]),
      );
      expect(kinds).toHaveLength(1);
      return kinds[0];
    });
    for (const kind of [0, 1, 2, 3]) expect(seen.filter(value => value === kind).length).toBeGreaterThan(60);
  });

  test('the same seed gives the same images, another seed others, and no image equals its neighbour', async () => {
    const all: Augmentation = {
      flipHorizontal: true,
      translate: 0.1,
      rotateDegrees: 30,
      scale: 0.2,
      noise: 0.1,
    };
    const [a, b, c] = [await load(all, 9), await load(all, 9), await load(all, 10)];
    expect(a).toEqual(b);
    expect(a).not.toEqual(c);
    expect(a.subarray(0, 120)).not.toEqual(a.subarray(120, 240));
  });

  test('switching one change on leaves the others as they were', async () => {
    const turned = split(await load({ rotateDegrees: 40 }, 5));
    const turnedToo = split(await load({ rotateDegrees: 40, flipHorizontal: true }, 5));
    const same = turned.filter((image, n) => image.every((value, i) => value === turnedToo[n]![i]));
    expect(same.length).toBeGreaterThan(16);
    expect(same.length).toBeLessThan(48);
  });

  test('a linear ramp shows that the warp is the affine map it should be', async () => {
    // On f = x and f = y (two channels) the warp gives the source coordinates themselves, where none is clamped.
    const [height, width] = [41, 61];
    const ramp = new Float32Array(2 * height * width);
    for (let i = 0; i < height * width; i++) {
      ramp[i] = i % width;
      ramp[height * width + i] = Math.floor(i / width);
    }
    const both = ImageSet.from(ramp, { channels: 2, height, width });
    const settings = { rotateDegrees: 25, scale: 0.2, translate: 0.05 };
    const all = await both.load(new Int32Array(20), 'none', settings, 4);
    for (let n = 0; n < 20; n++) {
      const at = (channel: number, y: number, x: number) =>
        all[((n * 2 + channel) * height + y) * width + x]!;
      // Along the two axes the source moves by (cos, -sin) / s and (sin, cos) / s.
      const [dx, dy] = [at(0, 20, 31) - at(0, 20, 30), at(1, 20, 31) - at(1, 20, 30)];
      const [ex, ey] = [at(0, 21, 30) - at(0, 20, 30), at(1, 21, 30) - at(1, 20, 30)];
      expect(dx).toBeCloseTo(ey, 3);
      expect(dy).toBeCloseTo(-ex, 3);
      expect(Math.abs(Math.atan2(-dy, dx))).toBeLessThan((25.1 * Math.PI) / 180);
      expect(Math.hypot(dx, dy)).toBeGreaterThan(1 / 1.21);
      expect(Math.hypot(dx, dy)).toBeLessThan(1.21);
      expect(Math.abs(at(0, 20, 30) - 30)).toBeLessThan(0.05 * 61 * 1.21 * 1.2);
    }
  });

  test('blur keeps the mean of an image whose border is flat, and matches the Gaussian', async () => {
    const [height, width] = [33, 31];
    const spike = new Float32Array(height * width);
    spike[16 * width + 15] = 100;
    const all = await ImageSet.from(spike, { channels: 1, height, width }).load(
      new Int32Array(8),
      'none',
      { blurSigma: 3 },
      2,
    );
    for (let n = 0; n < 8; n++) {
      const image = all.subarray(n * height * width, (n + 1) * height * width);
      expect(image.reduce((sum, value) => sum + value, 0)).toBeCloseTo(100, 2);
      const [peak, beside, far] = [image[16 * width + 15]!, image[16 * width + 16]!, image[18 * width + 15]!];
      // exp(-1 / 2 s^2) to the fourth is exp(-4 / 2 s^2).
      if (peak < 99) expect(far / peak).toBeCloseTo((beside / peak) ** 4, 4);
    }
    const flat = ImageSet.from(new Float32Array(height * width).fill(3), { channels: 1, height, width });
    for (const value of await flat.load(Int32Array.of(0), 'none', { blurSigma: 3 }))
      expect(value).toBeCloseTo(3, 5);
  });

  test('noise has a deviation of up to the asked fraction of the image, and none is biased', async () => {
    const [height, width] = [100, 100];
    const halves = Float32Array.from({ length: height * width }, (_, i) => (i % 2 ? 110 : 90));
    const set = ImageSet.from(halves, { channels: 1, height, width });
    const all = await set.load(new Int32Array(40), 'none', { noise: 0.5 }, 8);
    const deviations = Array.from({ length: 40 }, (_, n) => {
      const added = halves.map((value, i) => all[n * height * width + i]! - value);
      const mean = added.reduce((sum, value) => sum + value, 0) / added.length;
      expect(Math.abs(mean)).toBeLessThan(0.25);
      return Math.sqrt(added.reduce((sum, value) => sum + value * value, 0) / added.length);
    });
    // Drawn uniformly from 0 to 0.5 x 10.
    expect(Math.max(...deviations)).toBeLessThan(5.2);
    expect(Math.max(...deviations)).toBeGreaterThan(4);
    expect(deviations.reduce((sum, value) => sum + value, 0) / 40).toBeCloseTo(2.5, 0);
  });

  test('brightness scales the image, contrast scales it about its mean', async () => {
    const mean = noisy.reduce((sum, value) => sum + value, 0) / 120;
    for (const image of split(await load({ brightness: 0.3 }))) {
      const factor = image[7]! / noisy[7]!;
      expect(Math.abs(factor - 1)).toBeLessThan(0.301);
      for (const [i, value] of image.entries()) expect(value).toBeCloseTo(factor * noisy[i]!, 5);
    }
    for (const image of split(await load({ contrast: 0.3 }))) {
      const factor = (image[7]! - mean) / (noisy[7]! - mean);
      for (const [i, value] of image.entries())
        expect(value).toBeCloseTo(mean + factor * (noisy[i]! - mean), 5);
    }
  });
});
