import { describe, expect, test } from 'vitest';
import { squaredDistances } from '../../src/engine/distances.ts';
import { ImageSet } from '../../src/engine/imageSet.ts';
import { findNeighbours, findNeighboursOf } from '../../src/engine/neighbours.ts';
import { getThreads, setThreads } from '../../src/engine/threads.ts';
import { uniform } from './hashedNumbers.ts';

const shape = { channels: 2, height: 5, width: 7 };
const D = 70;
const images = (count: number) =>
  Uint8Array.from({ length: count * D }, (_, i) => Math.imul(i + 7, 2654435761) >>> 24);
const all = (count: number) => Int32Array.from({ length: count }, (_, i) => i);

function twin(pixels: ArrayLike<number>, a: number, b: number): number {
  let sum = 0;
  for (let d = 0; d < D; d++) sum += (pixels[a * D + d]! - pixels[b * D + d]!) ** 2;
  return sum;
}

describe('squared distances', () => {
  test.each([
    ['uint8', (bytes: Uint8Array) => bytes],
    ['uint16', (bytes: Uint8Array) => Uint16Array.from(bytes, byte => byte * 257)],
    ['float32', (bytes: Uint8Array) => Float32Array.from(bytes, byte => byte / 4)],
  ] as const)('between rows of %s sets, in the order given, are exact', async (_, convert) => {
    const pixels = convert(images(40));
    const set = ImageSet.from(pixels, shape);
    const [left, right] = [Int32Array.of(39, 0, 3, 3), Int32Array.of(5, 39, 1, 1, 20)];
    const received = await squaredDistances({ set, rows: left }, { set, rows: right });
    expect([...received]).toEqual([...left].flatMap(a => [...right].map(b => twin(pixels, a, b))));
  });

  test('of no rows are none', async () => {
    const set = ImageSet.from(images(1), shape);
    const none = { set, rows: new Int32Array(0) };
    expect(await squaredDistances(none, { set, rows: Int32Array.of(0) })).toHaveLength(0);
    expect(await squaredDistances({ set, rows: Int32Array.of(0) }, none)).toHaveLength(0);
  });

  test('go where they are wanted, if there is room', async () => {
    const side = { set: ImageSet.from(images(3), shape), rows: all(3) };
    const into = new Float64Array(9);
    expect(await squaredDistances(side, side, into)).toBe(into);
    expect(into).toEqual(await squaredDistances(side, side));
    await expect(squaredDistances(side, side, new Float64Array(8))).rejects.toThrow(/room for 9 numbers/);
  });

  test.each([
    ['other types', () => ImageSet.from(new Uint16Array(D), shape), /70 of uint8 and 70 of uint16/],
    [
      'other lengths',
      () => ImageSet.from(new Uint8Array(60), { channels: 2, height: 5, width: 6 }),
      /70 .* 60/,
    ],
    ['rows that are not there', () => ImageSet.from(new Uint8Array(0), shape), /row must be/],
  ])('between %s are refused', async (_, make, message) => {
    const left = { set: ImageSet.from(images(1), shape), rows: Int32Array.of(0) };
    await expect(squaredDistances(left, { set: make(), rows: Int32Array.of(0) })).rejects.toThrow(message);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, 3e38])(
    'of a vector that holds %d are refused',
    async bad => {
      const pixels = new Float32Array(2 * D);
      pixels[D + 3] = bad;
      const set = ImageSet.from(pixels, shape);
      const sides = [
        { set, rows: Int32Array.of(0) },
        { set, rows: Int32Array.of(1) },
      ] as const;
      await expect(squaredDistances(...sides)).rejects.toMatchObject({ code: 'option-invalid' });
      await expect(findNeighbours(sides[1], sides[0], 1)).rejects.toThrow(/must be finite/);
      expect(() => findNeighboursOf(sides[1], pixels.slice(0, D), 1)).toThrow(/must be finite/);
    },
  );
});

describe('nearest neighbours', () => {
  test('come nearest first, of equal distances the lower place first, one query at a time as together', async () => {
    const pixels = images(300);
    pixels.copyWithin(10 * D, 0, D); // references 10 and 200 are query 0 again
    pixels.copyWithin(200 * D, 0, D);
    const set = ImageSet.from(pixels, shape);
    const [queries, references] = [
      { set, rows: all(5) },
      { set, rows: all(300).subarray(5) },
    ];
    const found = await findNeighbours(references, queries, 4);
    expect([...found.places.subarray(0, 2)]).toEqual([5, 195]);
    for (let i = 0; i < 5; i++) {
      const distances = [...references.rows].map((row, place) => [twin(pixels, i, row), place] as const);
      const expected = distances.sort((a, b) => a[0] - b[0] || a[1] - b[1]).slice(0, 4);
      const own = { k: 4, places: found.places.slice(4 * i, 4 * i + 4) };
      expect([...own.places]).toEqual(expected.map(([, place]) => place));
      const squared = found.squaredDistances.slice(4 * i, 4 * i + 4);
      expect([...squared]).toEqual(expected.map(([distance]) => distance));
      const one = findNeighboursOf(references, set.read(i), 4);
      expect(one).toEqual({ ...own, squaredDistances: squared });
    }
  });

  test('are the same on any number of threads', async () => {
    const set = ImageSet.from(Float32Array.from(uniform(3, 900 * D)), shape);
    const sides = [
      { set, rows: all(900).subarray(40) },
      { set, rows: all(40) },
    ] as const;
    const before = getThreads();
    try {
      const results = [];
      for (const threads of [1, 2, 5]) {
        setThreads(threads);
        results.push(await findNeighbours(...sides, 7));
      }
      expect(results[1]).toEqual(results[0]);
      expect(results[2]).toEqual(results[0]);
    } finally {
      setThreads(before);
    }
  });

  test.each([0, 1.5, 4, Number.NaN])('k of %d of three references is refused', async k => {
    const set = ImageSet.from(images(3), shape);
    const sides = [
      { set, rows: all(3) },
      { set, rows: all(1) },
    ] as const;
    await expect(findNeighbours(...sides, k)).rejects.toThrow(/from 1 to the number of reference vectors, 3/);
    expect(() => findNeighboursOf(sides[0], images(1), k)).toThrow(/3/);
  });

  test.each([0, D - 1, D + 1, 2 * D])(
    'of one vector of %d numbers among references of 70 are refused',
    length => {
      const references = { set: ImageSet.from(images(3), shape), rows: all(3) };
      expect(() => findNeighboursOf(references, new Uint8Array(length), 1)).toThrow(/must have 70 numbers/);
    },
  );

  test('are searched for in steps that report and can be stopped', async () => {
    const large = { channels: 1, height: 128, width: 128 };
    const set = ImageSet.from(new Uint8Array(2200 * 128 * 128), large);
    const sides = [
      { set, rows: all(2200) },
      { set, rows: all(2200) },
    ] as const;
    const controller = new AbortController();
    const seen: number[] = [];
    const onProgress = ({ done, total }: { done: number; total?: number }) => {
      expect(total).toBe(2200);
      seen.push(done);
      if (seen.length === 1) controller.abort();
    };
    const search = findNeighbours(...sides, 3, { signal: controller.signal, onProgress });
    await expect(search).rejects.toMatchObject({ code: 'cancelled' });
    expect(seen).toHaveLength(1);
    expect(seen[0]).toBeLessThan(1100);
  });
});
