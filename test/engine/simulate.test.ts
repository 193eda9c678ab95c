import { expect, test } from 'vitest';
import { addon } from '../../src/engine/addon.ts';
import { prepareImage, qualityFeatures } from '../../src/engine/prepare.ts';
import {
  cellTypes,
  type RenderRequest,
  renderCells,
  simulatedParameters,
  truths,
} from '../../src/engine/simulate.ts';
import { getThreads, setThreads } from '../../src/engine/threads.ts';

const request: RenderRequest = {
  seed: 7,
  confounded: false,
  faults: 0.4,
  sessions: 12,
  weights: [1, 1, 1, 1],
  first: 0,
  count: 60,
};

test('types and truths have the names of the native core', () => {
  expect(addon.simulatedTypes).toEqual(cellTypes);
  expect(addon.simulatedTruths).toEqual(truths);
});

test('a cell depends on its seed and index alone, not on chunks', async () => {
  const whole = await renderCells(request);
  const parts = [
    await renderCells({ ...request, count: 23 }),
    await renderCells({ ...request, first: 23, count: 37 }),
  ];
  expect(Buffer.compare(Buffer.concat(parts.map(part => part.pixels)), whole.pixels)).toBe(0);
  expect(parts.flatMap(part => [...part.parameters])).toEqual([...whole.parameters]);
  expect(parts.flatMap(part => [...part.truth])).toEqual([...whole.truth]);
});

test('pixels do not depend on the number of threads', async () => {
  const before = getThreads();
  try {
    setThreads(1);
    const one = await renderCells({ ...request, size: [32, 40] });
    setThreads(3);
    const three = await renderCells({ ...request, size: [32, 40] });
    expect(Buffer.compare(three.pixels, one.pixels)).toBe(0);
    expect([...three.quality]).toEqual([...one.quality]);
  } finally {
    setThreads(before);
  }
});

test('another seed gives other cells', async () => {
  const one = await renderCells({ ...request, count: 8 });
  const other = await renderCells({ ...request, count: 8, seed: 8 });
  expect([...other.parameters]).not.toEqual([...one.parameters]);
});

test('raw images are from 21 x 102 to 68 x 440 pixels, and of many sizes between', async () => {
  const { rawHeight, rawWidth, pixels } = await renderCells({ ...request, count: 600, sessions: 200 });
  expect(Math.min(...rawHeight)).toBeGreaterThanOrEqual(21);
  expect(Math.max(...rawHeight)).toBeLessThanOrEqual(68);
  expect(Math.min(...rawWidth)).toBeGreaterThanOrEqual(102);
  expect(Math.max(...rawWidth)).toBeLessThanOrEqual(440);
  expect(new Set(rawHeight).size).toBeGreaterThan(35);
  expect(Math.max(...rawWidth)).toBeGreaterThan(400);
  expect(pixels.length).toBe(rawHeight.reduce((sum, height, i) => sum + height * rawWidth[i]!, 0));
});

test('prepared cells are the raw ones, prepared as an import does it', async () => {
  const raw = await renderCells({ ...request, count: 12 });
  const stored = await renderCells({ ...request, count: 12, size: [64, 48] });
  let offset = 0;
  for (let i = 0; i < 12; i++) {
    const [height, width] = [raw.rawHeight[i]!, raw.rawWidth[i]!];
    const pixels = raw.pixels.slice(offset, (offset += height * width));
    const preparation = { height: 64, width: 48, channels: 'gray', fit: 'stretch' } as const;
    const expected = await prepareImage({ pixels, height, width, channels: 1 }, preparation);
    expect(stored.pixels.subarray(i * 64 * 48, (i + 1) * 64 * 48)).toEqual(expected.pixels);
    const quality = stored.quality.subarray(i * qualityFeatures.length, (i + 1) * qualityFeatures.length);
    expect(quality).toEqual(expected.quality);
  }
});

test('the first and the last possible index and seed can be drawn', async () => {
  const far = await renderCells({ ...request, seed: Number.MAX_SAFE_INTEGER, first: 99_999_998, count: 2 });
  expect(far.pixels.length).toBeGreaterThan(2 * 21 * 102);
});

test('a cell that is cut has a quarter to seven tenths of itself outside, every other cell nothing', async () => {
  const rendered = await renderCells({ ...request, count: 600 });
  const outside = columnOf(rendered.parameters, 'outside');
  for (let i = 0; i < 600; i++) {
    const truth = truths[rendered.truth[i]!];
    if (truth === 'cut') {
      expect(outside[i]).toBeGreaterThan(0.25);
      expect(outside[i]).toBeLessThan(0.7);
    } else expect(outside[i] || 0).toBe(0);
  }
});

test('a defocused cell is blurred at least twice as much as any other', async () => {
  const rendered = await renderCells({ ...request, count: 600 });
  const blur = columnOf(rendered.parameters, 'blur');
  const of = (defocused: boolean) =>
    blur.filter((_, i) => (truths[rendered.truth[i]!] === 'defocused') === defocused);
  expect(Math.min(...of(true))).toBeGreaterThan(2 * Math.max(...of(false)));
});

test('an empty image has no cell, and what varies in it is noise', async () => {
  const { truth, pixels, rawHeight, rawWidth, parameters } = await renderCells({ ...request, count: 300 });
  const radius = columnOf(parameters, 'radius');
  const ranges: Record<string, number[]> = { good: [], empty: [] };
  let offset = 0;
  for (let i = 0; i < 300; i++) {
    const image = pixels.subarray(offset, (offset += rawHeight[i]! * rawWidth[i]!));
    const name = truths[truth[i]!]!;
    if (name === 'empty') expect(radius[i]).toBeNaN();
    ranges[name]?.push(spreadOfCoarse(image, rawHeight[i]!, rawWidth[i]!));
  }
  const sorted = (values: number[]) => values.sort((a, b) => a - b);
  const [good, empty] = [sorted(ranges.good!), sorted(ranges.empty!)];
  expect(empty.length).toBeGreaterThan(10);
  expect(empty[empty.length >> 1]!).toBeLessThan(good[good.length >> 1]! / 2);
});

function columnOf(parameters: Float32Array, name: string): number[] {
  const at = simulatedParameters.indexOf(name);
  return Array.from(parameters).filter((_, i) => i % simulatedParameters.length === at);
}

/** Standard deviation of means over blocks of 4 x 16 pixels: what is larger than noise. */
function spreadOfCoarse(image: Uint8Array, height: number, width: number): number {
  const means: number[] = [];
  for (let top = 0; top + 4 <= height; top += 4)
    for (let left = 0; left + 16 <= width; left += 16) {
      let sum = 0;
      for (let y = top; y < top + 4; y++) for (let x = left; x < left + 16; x++) sum += image[y * width + x]!;
      means.push(sum / 64);
    }
  const mean = means.reduce((a, b) => a + b) / means.length;
  return Math.sqrt(means.reduce((sum, value) => sum + (value - mean) ** 2, 0) / means.length);
}
