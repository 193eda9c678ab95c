import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { embedTsne, embedUmap, type NeighbourWeights, weighNeighbours } from '../../src/engine/embedding.ts';
import { ImageSet } from '../../src/engine/imageSet.ts';
import { findPrincipalAxes, projectOnAxes } from '../../src/engine/pca.ts';
import { getThreads, setThreads } from '../../src/engine/threads.ts';
import { measureTrustworthiness } from '../../src/explain/separability.ts';

const judge = JSON.parse(readFileSync(new URL('fixtures/embeddings.json', import.meta.url), 'utf8'));
const D: number = judge.dimensions;
const points = Float32Array.from(judge.points as number[]);
const N = points.length / D;
const set = ImageSet.from(points, { channels: 1, height: 1, width: D });
const rows = Int32Array.from({ length: N }, (_, i) => i);
afterAll(() => set.close());

async function startOf(): Promise<Float32Array> {
  const axes = await findPrincipalAxes(points.slice(), D, 2);
  return projectOnAxes(points, axes);
}

function trustOf(picture: Float32Array): Promise<number> {
  return measureTrustworthiness(points, D, picture, 12, rows);
}

function meanOf(values: number[]): number {
  return values.reduce((sum, value) => sum + value) / values.length;
}

describe('principal axes', () => {
  test('are those of scikit-learn', async () => {
    const { axes, variances, total, mean } = await findPrincipalAxes(points.slice(), D, 6);
    expect(total / judge.pca.total).toBeCloseTo(1, 6);
    for (const [p, expected] of judge.pca.axes.entries()) {
      expect(variances[p]! / judge.pca.variances[p]).toBeCloseTo(1, 6);
      const own = axes.subarray(p * D, (p + 1) * D);
      const product = own.reduce((sum, x, d) => sum + x * expected[d], 0);
      expect(Math.abs(product)).toBeCloseTo(1, 6);
      expect(Math.max(...own)).toBe(Math.max(...own.map(Math.abs)));
    }
    expect(mean).toHaveLength(D);
  });

  test('of vectors longer than they are many, and of as many axes as there can be, hold all of the variance', async () => {
    const wide = Float32Array.from({ length: 7 * 500 }, (_, i) => Math.sin(i * i));
    const { variances, total } = await findPrincipalAxes(wide, 500, 7);
    expect(variances.reduce((sum, one) => sum + one) / total).toBeCloseTo(1, 5);
    expect(variances[6]! / total).toBeLessThan(1e-6);
  });

  test('of vectors that are all the same have no variance and give no NaN', async () => {
    const same = new Float32Array(20 * 5).fill(3);
    const axes = await findPrincipalAxes(same.slice(), 5, 3);
    expect([...axes.variances, axes.total]).toEqual([0, 0, 0, 0]);
    expect([...(await projectOnAxes(same, axes))].every(x => x === 0)).toBe(true);
  });

  test('are the same bits on any number of threads', async () => {
    const threads = getThreads();
    const found = [];
    for (const count of [1, 3]) {
      setThreads(count);
      found.push(await findPrincipalAxes(points.slice(), D, 4));
    }
    setThreads(threads);
    expect(found[1]).toEqual(found[0]);
  });

  test('refuse numbers that are not finite, one vector and more axes than there are', async () => {
    const wrong = points.slice();
    wrong[5] = Number.NaN;
    await expect(findPrincipalAxes(wrong, D, 2)).rejects.toMatchObject({ code: 'vectors-invalid' });
    await expect(findPrincipalAxes(points.slice(0, D), D, 1)).rejects.toMatchObject({
      code: 'option-invalid',
    });
    await expect(findPrincipalAxes(points.slice(), D, D + 1)).rejects.toThrow('from 1 to 12. Received 13');
  });
});

describe('t-SNE', () => {
  const embed = async (k: number, repulsion: 'pairs' | 'grid', iterations = 1000) =>
    embedTsne(await weighNeighbours(set, k, 30), await startOf(), { repulsion, iterations });

  test("with all neighbours reaches the divergence of scikit-learn's exact method within 1 in 100", async () => {
    const { divergence, coordinates } = await embed(N - 1, 'pairs');
    expect(Math.abs(divergence / judge.tsne.exact.divergence - 1)).toBeLessThan(0.01);
    expect(await trustOf(coordinates)).toBeGreaterThan(judge.tsne.exact.trustworthiness - 0.01);
  });

  // Minima differ by several in 100 from start to start, and the last bit of a sum decides which one a start leads to: so
  // the mean over eight starts is compared, which both sides begin at.
  test.each(['pairs', 'grid'] as const)(
    "with 91 neighbours, by %s, finds minima as low as scikit-learn's Barnes-Hut within 2 in 100, over eight starts",
    async repulsion => {
      const start = await startOf();
      const weighed = await weighNeighbours(set, 91, 30);
      const expected: number[] = judge.tsne.barnesHut.divergences;
      const found: number[] = [];
      for (let s = 0; s < expected.length; s++) {
        const moved = start.map((x, i) => x + (s > 0 ? 0.05 * Math.sin(i * 7.3 + s * 13.7) : 0));
        found.push((await embedTsne(weighed, moved, { repulsion })).divergence);
      }
      expect(meanOf(found) / meanOf(expected)).toBeLessThan(1.02);
    },
    180_000,
  );

  test('gives the same bits twice and on any number of threads', async () => {
    const threads = getThreads();
    const found = [];
    for (const count of [1, 3]) {
      setThreads(count);
      found.push(await embed(90, 'grid', 30));
    }
    setThreads(threads);
    expect(found[1]).toEqual(found[0]);
  });

  test('of points that are all the same gives finite coordinates', async () => {
    const same = ImageSet.from(new Float32Array(50 * 3), { channels: 1, height: 1, width: 3 });
    const weighed = await weighNeighbours(same, 20, 5);
    const { coordinates } = await embedTsne(weighed, new Float32Array(100), { iterations: 100 });
    expect([...coordinates].every(Number.isFinite)).toBe(true);
    same.close();
  });

  test('stops on request', async () => {
    const controller = new AbortController();
    const weighed = await weighNeighbours(set, 90, 30);
    const running = embedTsne(
      weighed,
      await startOf(),
      { iterations: 1_000_000 },
      { signal: controller.signal },
    );
    setTimeout(() => controller.abort(), 50);
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
  });
});

describe('UMAP', () => {
  const dense = ({ k, places, weights }: NeighbourWeights) => {
    const table = new Float64Array(N * N);
    for (const [at, place] of places.entries()) table[Math.floor(at / k) * N + place] = weights[at]!;
    return table;
  };

  test("has umap-learn's fuzzy graph", async () => {
    const own = dense(await weighNeighbours(set, 14, null));
    for (const [i, expected] of judge.umap.graph.entries())
      for (let j = 0; j < N; j++) {
        const [a, b] = [own[i * N + j]!, own[j * N + i]!];
        expect(Math.abs(a + b - a * b - expected[j])).toBeLessThan(1e-4);
      }
  });

  test("is as trustworthy as umap-learn's and the same bits on any number of threads", async () => {
    const threads = getThreads();
    const found = [];
    for (const count of [1, 3]) {
      setThreads(count);
      found.push(await embedUmap(await weighNeighbours(set, 14, null), await startOf(), { seed: 4 }));
    }
    setThreads(threads);
    expect(found[1]).toEqual(found[0]);
    expect(await trustOf(found[0]!)).toBeGreaterThan(judge.umap.trustworthiness - 0.02);
  });
});

describe('neighbours to embed', () => {
  test('are never the vector itself, also where several are equal', async () => {
    const equal = ImageSet.from(new Float32Array(6 * 2), { channels: 1, height: 1, width: 2 });
    const { places } = await weighNeighbours(equal, 3, 2);
    for (let i = 0; i < 6; i++) {
      const own = [...places.subarray(3 * i, 3 * i + 3)];
      expect(own).not.toContain(i);
      expect(new Set(own).size).toBe(3);
    }
    equal.close();
  });

  test('are at least one and fewer than the vectors', async () => {
    await expect(weighNeighbours(set, 0, 30)).rejects.toThrow('from 1 to 299');
    await expect(weighNeighbours(set, 300, 30)).rejects.toThrow('Received 300');
  });
});
