import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NearBytes } from '../../src/engine/nearBytes.ts';

/** All distances, sorted: of equal ones the lower place first. */
function nearestOf(query: Uint8Array, vectors: Uint8Array, L: number, k: number, reach: number, own = -1) {
  const all = Array.from({ length: vectors.length / L }, (_, j) => {
    let squared = 0;
    for (let d = 0; d < L; d++) squared += (query[d]! - vectors[j * L + d]!) ** 2;
    return { j, squared };
  });
  const near = all.filter(({ j, squared }) => squared <= reach && j !== own);
  near.sort((a, b) => a.squared - b.squared || a.j - b.j);
  return Array.from({ length: k }, (_, n) => near[n]?.j ?? -1);
}

test('the nearest are those of all distances, of the vectors themselves and of others', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 0, max: 60 }),
      fc.infiniteStream(fc.integer({ min: 0, max: 9 })),
      async (L, N, k, reach, values) => {
        const vectors = Uint8Array.from({ length: N * L }, () => values.next().value!);
        const others = Uint8Array.from({ length: 5 * L }, () => values.next().value!);
        const near = await NearBytes.arrange(vectors, L);
        const row = (of: Uint8Array, i: number) => of.subarray(i * L, (i + 1) * L);
        const own = Array.from({ length: N }, (_, i) => nearestOf(row(vectors, i), vectors, L, k, reach, i));
        expect([...(await near.ofEach(k, reach))]).toEqual(own.flat());
        const found = Array.from({ length: 5 }, (_, i) => nearestOf(row(others, i), vectors, L, k, reach));
        expect([...(await near.of(others, k, reach))]).toEqual(found.flat());
      },
    ),
    { numRuns: 30, seed: 1 },
  );
});

test('there may be no vector at all', async () => {
  const near = await NearBytes.arrange(new Uint8Array(0), 4);
  expect(await near.ofEach(3, 10)).toEqual(new Int32Array(0));
  expect(await near.of(Uint8Array.of(1, 2, 3, 4), 2, 10)).toEqual(Int32Array.of(-1, -1));
});

test('a wrong length, count or reach is refused, and a cancelled search stops', async () => {
  const invalid = { code: 'option-invalid' };
  await expect(NearBytes.arrange(new Uint8Array(257), 257)).rejects.toMatchObject(invalid);
  await expect(NearBytes.arrange(new Uint8Array(7), 2)).rejects.toMatchObject(invalid);
  const near = await NearBytes.arrange(new Uint8Array(8), 2);
  await expect(near.ofEach(0, 1)).rejects.toMatchObject(invalid);
  await expect(near.ofEach(1, -1)).rejects.toMatchObject(invalid);
  await expect(near.of(new Uint8Array(3), 1, 1)).rejects.toMatchObject(invalid);
  await expect(near.ofEach(1, 1, { signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: 'cancelled',
  });
});
