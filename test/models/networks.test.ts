import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LayerSpec } from '../../src/engine/networkSpec.ts';
import { formatLayerTable, measureLayers, totalOf } from '../../src/models/layerTable.ts';
import { buildNetwork, networkNames } from '../../src/models/registry.ts';

const paper = { channels: 1, height: 128, width: 128 };
let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'brightcell-networks-'))));
afterAll(() => rm(folder, { recursive: true }));

async function writeNetwork(content: unknown): Promise<string> {
  const path = join(folder, `${Math.random().toString(36).slice(2)}.json`);
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

describe('the published networks', () => {
  test('cellnet costs 43.8 million multiply-adds and has the outputs of the paper', async () => {
    const rows = measureLayers(await buildNetwork('cellnet', paper, 4));
    expect(totalOf(rows, 'multiplyAdds') / 1e6).toBeCloseTo(43.8, 1);
    expect(rows.filter(row => row.type === 'maxPool').map(row => row.output)).toEqual([
      [32, 32, 32],
      [64, 8, 8],
      [128, 4, 4],
    ]);
    expect(rows.filter(row => row.type === 'dense').map(row => row.output[0])).toEqual([2048, 64, 4]);
    expect(rows.slice(0, 4).map(row => row.type)).toEqual(['conv', 'maxPool', 'relu', 'batchNorm']);
  });

  test('cellnet-table1 costs 443 million multiply-adds and flattens 32768 numbers', async () => {
    const rows = measureLayers(await buildNetwork('cellnet-table1', paper, 4));
    expect(Math.round(totalOf(rows, 'multiplyAdds') / 1e6)).toBe(443);
    const dense = rows.findIndex(row => row.type === 'dense');
    expect(rows[dense - 1]!.output.reduce((a, b) => a * b)).toBe(32768);
    expect(rows.filter(row => row.type === 'dense').map(row => row.output[0])).toEqual([64, 4]);
  });

  test('gao2017 has the maps and units that were published', async () => {
    const { layers } = await buildNetwork('gao2017', paper, 6);
    const sizes = layers.flatMap(layer =>
      layer.type === 'conv' ? [layer.filters] : layer.type === 'dense' ? [layer.units] : [],
    );
    expect(sizes).toEqual([6, 16, 32, 150, 6]);
  });

  test('oei2019 has the thirteen convolutions of VGG-16 and one hidden dense layer of 512', async () => {
    const rows = measureLayers(await buildNetwork('oei2019', paper, 4));
    const filters = [64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512];
    expect(rows.filter(row => row.type === 'conv').map(row => row.output[0])).toEqual(filters);
    expect(rows.filter(row => row.type === 'maxPool').map(row => row.output.join(' x '))).toEqual([
      '64 x 64 x 64',
      '128 x 32 x 32',
      '256 x 16 x 16',
      '512 x 8 x 8',
      '512 x 4 x 4',
    ]);
    expect(rows.filter(row => row.type === 'dense').map(row => row.output[0])).toEqual([512, 4]);
    expect(Math.round(totalOf(rows, 'multiplyAdds') / 1e6)).toBe(4996);
  });

  test('every named network takes other classes and channels, and prints its table', async () => {
    for (const name of networkNames) {
      const spec = await buildNetwork(name, { channels: 3, height: 96, width: 64 }, 16);
      expect(measureLayers(spec).at(-1)!.output).toEqual([16, 1, 1]);
      expect(formatLayerTable(spec)).toMatch(/total +[\d,]+ +[\d,]+$/);
    }
  });

  test('parameters count weights, biases, gamma and beta', async () => {
    const rows = measureLayers(await buildNetwork('cellnet', paper, 4));
    const expected = [
      32 * 121 + 32,
      64,
      64 * 32 * 36 + 64,
      128,
      128 * 64 * 9 + 128,
      256,
      2048 * 2049,
      64 * 2049,
      4 * 65,
    ];
    expect(totalOf(rows, 'parameters')).toBe(expected.reduce((a, b) => a + b));
  });

  test('an unknown name is refused with the names that there are', async () => {
    await expect(buildNetwork('alexnet', paper, 4)).rejects.toMatchObject({
      code: 'option-invalid',
      message: expect.stringContaining('cellnet, cellnet-table1, gao2017'),
    });
    await expect(buildNetwork('toString', paper, 4)).rejects.toMatchObject({ code: 'option-invalid' });
  });

  test('a network that does not fit small images names the layer', async () => {
    await expect(buildNetwork('gao2017', { channels: 1, height: 8, width: 8 }, 4)).rejects.toMatchObject({
      code: 'network-invalid',
      message: expect.stringMatching(/Layer \d+ \(maxPool\)/),
    });
  });
});

describe('a network of the user', () => {
  const layers = [
    { type: 'conv', filters: 8, kernel: [3, 5], padding: [1, 1, 2, 2] },
    { type: 'relu' },
    { type: 'averagePool', size: 2 },
    { type: 'dropout', rate: 0.5 },
    { type: 'dense', units: 'classes' },
  ];

  test('takes images of any shape and as many classes as there are', async () => {
    const path = await writeNetwork({ name: 'mine', layers });
    const spec = await buildNetwork(path, { channels: 2, height: 40, width: 31 }, 3);
    expect(spec.name).toBe('mine');
    expect(measureLayers(spec).map(row => row.output)).toEqual([
      [8, 40, 31],
      [8, 40, 31],
      [8, 20, 15],
      [8, 20, 15],
      [3, 1, 1],
    ]);
  });

  const withLayer = (layer: unknown) => ({ layers: [layer, ...layers] });
  test.each<[string, unknown, RegExp]>([
    ['text that is not JSON', '{', /not JSON/],
    ['no layers', { layers: [] }, /"layers"/],
    ['an unknown layer', withLayer({ type: 'softmax' }), /Layer 0 \(softmax\).*conv, maxPool/],
    ['no filters', withLayer({ type: 'conv', kernel: 3 }), /Layer 0 \(conv\), "filters"/],
    ['a negative kernel', withLayer({ type: 'conv', filters: 2, kernel: -3 }), /Layer 0 \(conv\), "kernel"/],
    ['a misspelt field', withLayer({ type: 'conv', filters: 2, kernel: 3, strides: 2 }), /strides/],
    ['a rate of 1', withLayer({ type: 'dropout', rate: 1 }), /Layer 0 \(dropout\), "rate"/],
    ['a last layer that is not dense', { layers: [{ type: 'relu' }] }, /last layer must be dense/],
    ['a wrong number of classes', { layers: [{ type: 'dense', units: 5 }] }, /3 units.*Received 5/],
    ['"classes" before the end', withLayer({ type: 'dense', units: 'classes' }), /Layer 0 \(dense\)/],
    ['another input', { input: { channels: 1, height: 64, width: 64 }, layers }, /1 x 64 x 64.*--size 64x64/],
    ['a window too large', withLayer({ type: 'maxPool', size: 200 }), /Layer 0 \(maxPool\).*200 x 200/],
  ])('with %s is refused by name', async (_, content, message) => {
    const path = await writeNetwork(content);
    await expect(buildNetwork(path, paper, 3)).rejects.toMatchObject({
      code: 'network-invalid',
      message: expect.stringMatching(message),
    });
  });

  test('that is not there is refused with its path', async () => {
    const path = join(folder, 'absent.json') as string;
    await expect(buildNetwork(path, paper, 3)).rejects.toMatchObject({
      code: 'network-invalid',
      message: expect.stringContaining(path),
    });
  });

  test('layers are data: the spec goes through JSON unchanged', async () => {
    const spec = await buildNetwork(await writeNetwork({ layers }), paper, 3);
    expect(JSON.parse(JSON.stringify(spec))).toEqual(spec);
    expect((spec.layers[0] as Extract<LayerSpec, { type: 'conv' }>).stride).toBe(1);
  });
});
