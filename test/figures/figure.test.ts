import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { logTicks, shortNumber } from '../../src/figures/axes.ts';
import { bandFigure } from '../../src/figures/bandFigure.ts';
import { drawFigure, makeSeries, writeFigure } from '../../src/figures/figure.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'brightcell-figure-'));
});
afterAll(() => rm(folder, { recursive: true }));

const points = ['knn', 'a < b & "c"'].flatMap((series, m) =>
  [100, 1000, 10_000].map((x, i) => ({ series, x, mean: 0.5 + 0.1 * i + 0.05 * m, low: 0.45, high: 0.8 })),
);
const figure = bandFigure(
  'Accuracy against volume',
  ['knn', 'a < b & "c"'],
  [
    {
      title: 'Test part',
      points,
      x: { label: 'training images', log: true },
      y: { label: 'accuracy (share)' },
    },
  ],
  { notes: ['Lines: means.'], columns: 1 },
);

describe('a figure', () => {
  test('is a whole SVG document with title, legend, axes and units', async () => {
    const svg = await drawFigure(figure);
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" width="\d+" height="\d+"/);
    for (const words of [
      'Accuracy against volume',
      'Test part',
      'training images',
      'accuracy (share)',
      '10,000',
      'a &lt; b &amp; "c"',
    ])
      expect(svg).toContain(words);
    expect(svg).not.toContain('NaN');
    expect(svg).not.toContain('\u26a0'); // Plot's sign of a warning
  });

  test('is the same each time', async () => {
    expect(await drawFigure(figure)).toBe(await drawFigure(figure));
  });

  test('is written as SVG and, at twice its size and on white, as PNG', async () => {
    const [svg, png] = await writeFigure(folder, 'volume', figure);
    const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(await readFile(svg!, 'utf8'))!;
    const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([2 * Number(width), 2 * Number(height)]);
    expect([...data.subarray(0, 3)]).toEqual([255, 255, 255]);
    expect(data.some(value => value < 64)).toBe(true);
  });
});

test('one point alone is a figure without a warning', async () => {
  const [one] = points;
  const panel = { title: 'One', points: [one!], x: { label: 'steps', log: false }, y: { label: 'share' } };
  const svg = await drawFigure(bandFigure('One point', ['knn'], [panel], { notes: [], columns: 1 }));
  expect(svg).not.toContain('\u26a0');
});

test('series differ by colour and by symbol', () => {
  const series = makeSeries(Array.from({ length: 20 }, (_, i) => `method ${i}`));
  expect(new Set(series.map(one => `${one.colour} ${String(one.symbol)}`)).size).toBe(20);
});

describe('the ticks of a logarithmic axis', () => {
  test('hold every value between them and are few', () => {
    for (const values of [[3], [120, 180], [0.02, 4.9], [0.3, 5042], [1e-4, 1e5], [1, 1]]) {
      const { domain, ticks } = logTicks(values);
      expect(domain![0]).toBeLessThanOrEqual(Math.min(...values));
      expect(domain![1]).toBeGreaterThanOrEqual(Math.max(...values));
      expect(domain![1]).toBeGreaterThan(domain![0]);
      expect(ticks!.length).toBeGreaterThanOrEqual(2);
      expect(ticks!.length).toBeLessThanOrEqual(8);
    }
    expect(logTicks([])).toEqual({});
  });

  test('are short', () => {
    expect([0.0312, 1.24, 45, 1234, 12_345].map(shortNumber)).toEqual([
      '0.031',
      '1.2',
      '45',
      '1,234',
      '12,345',
    ]);
  });
});
