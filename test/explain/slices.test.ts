import { expect, test } from 'vitest';
import type { LayerFilters } from '../../src/explain/filters.ts';
import { drawSlices } from '../../src/explain/sliceFigure.ts';

/** Filters whose weights are all k / 10 of filter k. */
function layer(filters: number, channels: number): LayerFilters {
  const size = channels * 9;
  return {
    ...{ name: 'conv2', type: 'conv', index: 4, shape: [filters, 5, 5], filters, channels, kernel: [3, 3] },
    weights: Float32Array.from({ length: filters * size }, (_, i) => Math.floor(i / size) / 10),
    bias: new Float32Array(filters),
    excitements: [],
  };
}

const texts = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]+)</g)].map(([, words]) => words);
const pictures = (svg: string) => svg.match(/<image\b/g)?.length;

test('of a layer the two filters of the largest weights are shown, a slice a map', async () => {
  const { name, svg } = (await drawSlices(layer(6, 20)))!;
  expect(name).toBe('conv2-slices');
  expect(texts(svg)).toEqual(expect.arrayContaining(['filter 5', 'filter 6', '1', '20']));
  expect(texts(svg)).not.toContain('filter 4');
  expect(pictures(svg)! - 2 * 20).toBeLessThanOrEqual(1); // and the scale
});

test('chosen filters are shown where the layer has them', async () => {
  const { svg } = (await drawSlices(layer(6, 3), [0, 2, 90]))!;
  expect(texts(svg)).toEqual(expect.arrayContaining(['filter 1', 'filter 3']));
  expect(texts(svg)).not.toContain('filter 91');
  expect(await drawSlices(layer(6, 3), [90])).toBeUndefined();
});

test('of many maps those of the largest weights are shown', async () => {
  const wide = layer(1, 300);
  wide.weights.fill(0.1).fill(2, 250 * 9, 251 * 9);
  const { svg } = (await drawSlices(wide))!;
  expect(texts(svg)).toContain('251');
  expect(texts(svg)).not.toContain('300');
  expect(texts(svg).join(' ')).toContain('128 of 300');
});
