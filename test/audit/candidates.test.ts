import { afterAll, beforeAll, expect, test } from 'vitest';
import { Candidates } from '../../src/audit/candidates.ts';
import { byRings, type Describer } from '../../src/audit/describer.ts';
import { orient, orientations } from '../../src/audit/orientations.ts';
import { Sieve } from '../../src/audit/sieve.ts';
import { ImageSet } from '../../src/engine/imageSet.ts';
import { renderCells } from '../../src/engine/simulate.ts';

const side = 48;
const shape = { channels: 1, height: side, width: side };
const drawn = 70;
const N = 90;
let images: ImageSet;
const rows = Int32Array.from({ length: N }, (_, i) => i);

// Cells and, behind them, the first of them turned, which are alike in every way.
beforeAll(async () => {
  const { pixels } = await renderCells({
    ...{ seed: 5, confounded: false, faults: 0, sessions: 4, weights: [1, 1, 1, 1] },
    ...{ first: 0, count: drawn, size: [side, side] as const },
  });
  const cells = ImageSet.from(pixels, shape);
  const turned = orient(cells, rows.subarray(0, N - drawn), 5);
  const all = new Uint8Array(N * side * side);
  for (const i of rows)
    all.set((i < drawn ? cells.read(i) : turned.read(i - drawn)) as Uint8Array, i * side * side);
  images = ImageSet.from(all, shape);
  for (const set of [cells, turned]) set.close();
});

afterAll(() => images.close());

/** Mean and deviation: another way to be alike than that of rings. */
const byLevels: Describer = {
  length: 2,
  describe: async (set, some) =>
    Float32Array.from(
      [...some].flatMap(row => {
        const pixels = [...set.read(row)];
        const mean = pixels.reduce((sum, one) => sum + one, 0) / pixels.length;
        return [mean, Math.sqrt(pixels.reduce((sum, one) => sum + (one - mean) ** 2, 0) / pixels.length)];
      }),
    ),
};

test('every pair that any sieve lists is compared once, and each says which sieve it came from', async () => {
  const build = (describer: Describer) => Sieve.build(describer, images, rows, rows, 0, {});
  const sieves = [await build(byRings), await build(byLevels)] as const;
  const listed = await Promise.all(
    sieves.map(async sieve => {
      const places = await sieve.candidates(8, {});
      const pairs = new Set<string>();
      for (const [n, j] of places.entries())
        if (j >= 0) pairs.add(`${Math.min(Math.floor(n / 8), j)} ${Math.max(Math.floor(n / 8), j)}`);
      return pairs;
    }),
  );
  const candidates = await Candidates.find(sieves, {});
  const partners = candidates.partners(0, N);
  const compared = [...partners.entries()].filter(([, j]) => j >= 0);
  const names = compared.map(([n, j]) => {
    const i = Math.floor(n / candidates.width);
    return `${Math.min(i, j)} ${Math.max(i, j)}`;
  });
  expect(new Set(names).size).toBe(names.length);
  expect(new Set(names)).toEqual(new Set([...listed[0]!, ...listed[1]!]));
  const counts = { bytes: 0, description: 0, embedding: 0, both: 0 };
  for (const name of names) {
    const [i, j] = name.split(' ').map(Number) as [number, number];
    const expected = !listed[1]!.has(name) ? 'description' : listed[0]!.has(name) ? 'both' : 'embedding';
    expect(candidates.sieveOf(i, j)).toBe(expected);
    expect(candidates.sieveOf(j, i)).toBe(expected);
    counts[expected]++;
  }
  expect(Math.min(counts.description, counts.embedding, counts.both)).toBeGreaterThan(0);
  const parts = [candidates.partners(0, 40), candidates.partners(40, N - 40)];
  expect(parts.flatMap(part => [...part])).toEqual([...partners]);
});

test('the orientations of a square image are eight, of another four, all different and closed under each', () => {
  for (const [height, width] of [
    [3, 3],
    [2, 4],
  ] as const) {
    const set = ImageSet.from(
      Uint8Array.from({ length: 12 + 6 * width }, (_, i) => (i * 37) % 251).slice(0, 2 * height * width),
      {
        ...{ channels: 2, height, width },
      },
    );
    const ways = orientations(set.shape);
    expect(ways).toBe(height === width ? 8 : 4);
    const all = (images: ImageSet) =>
      Array.from({ length: ways }, (_, way) => {
        const turned = orient(images, Int32Array.of(0), way);
        const pixels = [...turned.read(0)].join(' ');
        turned.close();
        return pixels;
      });
    const looks = all(set);
    expect(looks[0]).toBe([...set.read(0)].join(' '));
    expect(new Set(looks).size).toBe(ways);
    const turned = orient(set, Int32Array.of(0), ways - 1);
    expect(new Set(all(turned))).toEqual(new Set(looks));
    turned.close();
    set.close();
  }
});
