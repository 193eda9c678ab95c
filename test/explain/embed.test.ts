import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CnnClassifier } from '../../src/classifiers/cnn.ts';
import { loadClassifier } from '../../src/classifiers/loadClassifier.ts';
import { Dataset } from '../../src/dataset/dataset.ts';
import { getThreads, setThreads } from '../../src/engine/threads.ts';
import { type EmbedOptions, embedCells } from '../../src/explain/embed.ts';
import { drawEmbedding } from '../../src/explain/embedFigures.ts';
import { explainEmbed } from '../../src/explain/explainEmbed.ts';
import { chooseOutputs } from '../../src/explain/outputs.ts';
import { drawCloud, mostSymbols } from '../../src/explain/pointCloud.ts';
import { reduceOutput } from '../../src/explain/reduce.ts';
import { drawFigure, makeSeries } from '../../src/figures/figure.ts';
import { train } from '../../src/methods/train.ts';
import { makeToy, type Toy } from '../train/toyDataset.ts';

let toy: Toy;
let run: string;
let plain: string;

beforeAll(async () => {
  toy = await makeToy([40, 12, 30]);
  const settings = {
    out: toy.runs,
    name: 'net',
    epochs: 20,
    batchSize: 16,
    learningRate: 0.02,
    augmentation: false,
  };
  run = (await train(toy.dataset, { model: toy.network, ...settings })).run;
  plain = (await train(toy.dataset, { model: 'features+logistic', out: toy.runs, name: 'plain' })).run;
});
afterAll(() => toy.remove());

/** Embeds without writing anything. */
async function embed(path: string, options: EmbedOptions = {}) {
  const classifier = await loadClassifier(path);
  const dataset = await Dataset.open(toy.dataset, 'read');
  try {
    return await embedCells(classifier, dataset, options);
  } finally {
    await dataset.close();
    classifier.dispose();
  }
}

async function readParquet(path: string) {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const rows = (await connection.runAndReadAll(`SELECT * FROM '${path}'`)).getRowObjects();
  connection.closeSync();
  instance.closeSync();
  return rows;
}

describe('embedding the layers of a network', () => {
  test('writes points, scores and figures into the run folder', async () => {
    const report = await explainEmbed(run, undefined, { iterations: 250 });
    expect(report.out).toBe(join(run, 'explain', 'embed'));
    expect(report.layers.map(one => one.name)).toEqual(['input', 'maxPool1', 'dense1']);
    expect(report.cells).toBe(90);
    for (const file of report.files) expect(existsSync(file), file).toBe(true);
    const json = JSON.parse(await readFile(join(report.out, 'embed.json'), 'utf8'));
    expect(json.layers).toEqual(JSON.parse(JSON.stringify(report.layers)));
    const points = await readParquet(join(report.out, 'coordinates.parquet'));
    expect(points).toHaveLength(3 * 90);
    expect(points[0]).toMatchObject({ layer: 'input', split: 'test', class: 'flat' });
    expect(points.every(({ x, y }) => Number.isFinite(x) && Number.isFinite(y))).toBe(true);
    const lines = (await readFile(join(report.out, 'coordinates.csv'), 'utf8')).trim().split('\n');
    expect(lines).toHaveLength(1 + 3 * 90);
    for (const name of ['classes', 'separability'])
      expect(report.files).toContain(join(report.out, 'figures', `${name}.png`));
    await rm(report.out, { recursive: true });
  });

  test('names every layer but those that change nothing, or those that are asked for', async () => {
    const all = await embed(run, { layers: 'all', method: 'pca' });
    expect(all.layers.map(one => one.name)).toEqual([
      ...['input', 'conv1', 'relu1', 'batchNorm1', 'maxPool1', 'dense1'],
    ]);
    const some = await embed(run, { layers: ['dense1', '0', 'dropout1'], method: 'pca' });
    expect(some.layers.map(one => [one.name, one.shape])).toEqual([
      ['dense1', [3, 1, 1]],
      ['conv1', [8, 7, 7]],
      ['dropout1', [8, 7, 7]],
    ]);
  });

  test('a layer that does not exist lists those that do', async () => {
    await expect(embed(run, { layers: ['conv7'] })).rejects.toThrow(
      'There is no layer "conv7" in this model. There are: input (1 x 16 x 16), conv1 (8 x 7 x 7), relu1',
    );
  });

  test('components keep the distances of what the layer gives', async () => {
    const classifier = (await loadClassifier(run)) as CnnClassifier;
    const dataset = await Dataset.open(toy.dataset, 'read');
    const rows = Int32Array.of(5, 90, 130, 200, 12, 44);
    const [output] = chooseOutputs(classifier, ['conv1']);
    const images = dataset.images();
    const given = await classifier.network.activations(
      { images, rows, normalisation: classifier.normalisation },
      0,
    );
    const { values, components, kept } = await reduceOutput(output!, images, rows);
    expect(kept).toBeCloseTo(1, 5);
    const between = (of: Float32Array, D: number, i: number, j: number) =>
      Math.sqrt(of.subarray(i * D, (i + 1) * D).reduce((sum, x, d) => sum + (x - of[j * D + d]!) ** 2, 0));
    for (const [i, j] of [
      [0, 1],
      [2, 5],
      [3, 4],
    ] as const)
      expect(between(values, components, i, j) / between(given, output!.dimensions, i, j)).toBeCloseTo(1, 4);
    await dataset.close();
    classifier.dispose();
  });

  test('classes that the network tells apart are apart at its end, and pictures are trustworthy', async () => {
    const { layers } = await embed(run, { part: 'all', cells: 200, iterations: 500 });
    const [first, last] = [layers[0]!, layers.at(-1)!];
    expect(last.probe!.accuracy).toBeGreaterThan(0.95);
    expect(last.silhouette!).toBeGreaterThan(first.silhouette! + 0.1);
    for (const { trustworthiness } of layers) expect(trustworthiness).toBeGreaterThan(0.75);
  });

  test('is the same bits on any number of threads', async () => {
    const threads = getThreads();
    const found = [];
    for (const count of [1, 3]) {
      setThreads(count);
      found.push(await embed(run, { iterations: 60, layers: ['dense1'] }));
    }
    setThreads(threads);
    expect(found[1]).toEqual(found[0]);
  });
});

describe('embedding for a plain method', () => {
  test('takes its pixels and its vectors, standardised', async () => {
    const { layers } = await embed(plain, { method: 'umap' });
    expect(layers.map(one => one.name)).toEqual(['pixels', 'features']);
    expect(layers.map(one => one.components)).toEqual([50, 50]);
    expect(layers.every(one => one.coordinates.every(Number.isFinite))).toBe(true);
    expect(layers[1]!.divergence).toBeNull();
  });
});

describe('which cells are embedded', () => {
  test('a sample has of each class its share; the same seed draws the same', async () => {
    const options = { part: 'train', cells: 60, method: 'pca', layers: ['dense1'] } as const;
    const { cells } = await embed(run, { ...options, seed: 3 });
    expect([0, 1, 2].map(k => cells.label.filter(label => label === k).length)).toEqual([20, 20, 20]);
    expect(new Set(cells.split)).toEqual(new Set(['train']));
    expect((await embed(run, { ...options, seed: 3 })).cells).toEqual(cells);
    expect((await embed(run, { ...options, seed: 4 })).cells.id).not.toEqual(cells.id);
  });

  test('settings that cannot be, or belong to another method, are refused', async () => {
    await expect(embed(run, { cells: 3 })).rejects.toThrow('cells must be a whole number from 10');
    await expect(embed(run, { perplexity: 90 })).rejects.toThrow('perplexity must be from 1 to 89');
    await expect(embed(run, { method: 'umap', perplexity: 5 })).rejects.toThrow(
      'perplexity is a setting of tsne',
    );
    await expect(embed(run, { neighbours: 5 })).rejects.toThrow('neighbours is a setting of umap');
    await expect(embed(run, { layers: [] })).rejects.toThrow('at least one');
  });

  test('a data set of other classes, and one without enough cells, are refused', async () => {
    const other = await makeToy([4, 1, 12], { classes: ['round', 'square'] });
    await expect(explainEmbed(run, other.dataset)).rejects.toMatchObject({ code: 'model-mismatch' });
    await other.remove();
    const small = await makeToy([4, 1, 2]);
    await expect(explainEmbed(run, small.dataset)).rejects.toThrow(
      'at least 10 accepted, labelled cells to embed. Received 6',
    );
    await small.remove();
  });

  test('stops on request and leaves nothing behind', async () => {
    const controller = new AbortController();
    const out = join(toy.folder, 'stopped');
    const running = explainEmbed(
      run,
      undefined,
      { iterations: 1_000_000, out },
      { signal: controller.signal },
    );
    setTimeout(() => controller.abort(), 300);
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
    expect(existsSync(out)).toBe(false);
  });
});

describe('figures of embeddings', () => {
  test('have a mark for each cell while they are few, and groups a picture of their own', async () => {
    const embedding = await embed(run, { layers: ['dense1'], method: 'pca' });
    expect((await drawEmbedding(embedding)).map(one => one.name)).toEqual(['classes']);
    const group = embedding.cells.id.length;
    embedding.cells.group = Array.from({ length: group }, (_, i) => `run ${i % 20}`);
    const figures = await drawEmbedding(embedding);
    expect(figures.map(one => one.name)).toEqual(['classes', 'groups']);
    expect(figures[1]!.svg).toContain('7 other groups');
    expect(figures[0]!.svg.match(/<path[^>]*transform/g)!.length).toBeGreaterThanOrEqual(group);
  });

  test('of many cells hold a picture instead of marks', async () => {
    const N = mostSymbols + 1000;
    const coordinates = Float32Array.from({ length: 2 * N }, (_, i) => Math.sin(i * 12.9898) * 10);
    const series = makeSeries(['a', 'b']);
    const cloud = {
      title: '',
      coordinates,
      series: Int32Array.from({ length: N }, (_, i) => i % 2),
      side: 300,
    };
    const panels = [await drawCloud(cloud, series)];
    const svg = await drawFigure({ title: 'Many', notes: [], series, panels, columns: 1 });
    expect(svg).toContain('data:image/png;base64,');
    expect(svg.length).toBeLessThan(2_000_000);
    expect(svg.match(/<path/g)?.length ?? 0).toBeLessThan(50);
    expect(svg.match(/>b</g)).toHaveLength(1);
  });

  test('of many cells of more classes than there are colours have names in the middle of each', async () => {
    const N = mostSymbols + 1;
    const coordinates = Float32Array.from({ length: 2 * N }, (_, i) => Math.sin(i * 12.9898) * 10);
    const series = makeSeries(Array.from({ length: 9 }, (_, i) => `type ${i}`));
    const cloud = {
      title: '',
      coordinates,
      series: Int32Array.from({ length: N }, (_, i) => i % 9),
      side: 300,
    };
    const panels = [await drawCloud(cloud, series)];
    const svg = await drawFigure({ title: 'Many', notes: [], series, panels, columns: 1 });
    expect(svg.match(/>type 8</g)).toHaveLength(2);
  });
});
