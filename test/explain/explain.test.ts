import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CnnClassifier } from '../../src/classifiers/cnn.ts';
import { Dataset } from '../../src/dataset/dataset.ts';
import { decodeNpyHeader } from '../../src/dataset/npy.ts';
import { explainFilters } from '../../src/explain/explainFilters.ts';
import { explainOcclusion } from '../../src/explain/explainOcclusion.ts';
import { findExcitements, readFilters } from '../../src/explain/filters.ts';
import { nameLayers } from '../../src/explain/layers.ts';
import { train } from '../../src/methods/train.ts';
import { makeToy, type Toy } from '../train/toyDataset.ts';

let toy: Toy;
let run: string;
let plain: string;
const classes = ['flat & <wide>', 'level', 'a class with quite a long name, as there are'];
beforeAll(async () => {
  toy = await makeToy([30, 10, 12], { classes });
  run = (await train(toy.dataset, { model: toy.network, out: toy.runs, name: 'net', epochs: 3, seed: 1 }))
    .run;
  plain = (await train(toy.dataset, { model: 'knn', out: toy.runs, name: 'knn' })).run;
});
afterAll(() => toy.remove());

const fail = (work: Promise<unknown>) =>
  work.then(
    () => ({}),
    error => error as Error & { code: string },
  );

describe('explain occlusion', () => {
  test('writes numbers, maps and figures of cells of every class of the test part of the run', async () => {
    const report = await explainOcclusion(run, [], { perClass: 2, mask: 4, steps: 8, sanityCells: 2 });
    expect(report).toMatchObject({
      inputs: [toy.dataset],
      out: join(run, 'explain/occlusion'),
      warnings: [],
    });
    expect(report.cells.map(one => one.label)).toEqual([0, 0, 1, 1, 2, 2]);
    expect(report.perClass.map(({ name, cells }) => [name, cells])).toEqual(classes.map(name => [name, 2]));
    const dataset = await Dataset.open(toy.dataset, 'read');
    const test = await dataset.cells({ split: 'test' });
    await dataset.close();
    for (const { id } of report.cells) expect(test.id.includes(id!)).toBe(true);
    for (const { regions, measured, positions } of report.cells) {
      expect(positions).toBe(256);
      expect(measured).toBeLessThanOrEqual(256);
      const areas = [regions.inside, regions.edge, regions.background].reduce(
        (sum, one) => sum + one.area,
        0,
      );
      expect(areas).toBeCloseTo(1, 9);
    }
    expect(report.attributions!.sanity.map(({ from }) => from)).toEqual(['dense1', 'conv1']);
    const json = JSON.parse(await readFile(join(report.out, 'occlusion.json'), 'utf8'));
    expect(json.cells[0].probabilities.length).toBe(3);
    const maps = await readFile(join(report.out, 'cell-maps.npy'));
    expect(decodeNpyHeader(maps, 'maps')).toMatchObject({ type: '<f4', shape: [6, 3, 16, 16] });
    expect((await readFile(join(report.out, 'cells.csv'), 'utf8')).split('\n').length).toBe(8);
    const figures = await readdir(join(report.out, 'figures'));
    expect(figures.filter(name => name.endsWith('.svg')).sort()).toEqual([
      'cells-0-flat-wide.svg',
      'cells-1-level.svg',
      'cells-2-a-class-with-quite-a-long-name-as-there-are.svg',
      'classes.svg',
      'sanity.svg',
    ]);
    for (const name of figures) {
      const path = join(report.out, 'figures', name);
      if (name.endsWith('.png')) expect((await sharp(path).metadata()).width).toBeGreaterThan(300);
      else expect(await readFile(path, 'utf8')).not.toMatch(/NaN|undefined|<wide>|Infinity/);
    }
  });

  test('again gives the same, and removes the figures of classes that are not asked for any more', async () => {
    const options = { perClass: 1, mask: 4, gradients: false, classes: ['level'] };
    const [first, second] = [
      await explainOcclusion(run, [], options),
      await explainOcclusion(run, [], options),
    ];
    expect({ ...first, seconds: 0 }).toEqual({ ...second, seconds: 0 });
    expect((await readdir(join(run, 'explain/occlusion/figures'))).sort()).toEqual([
      'cells-1-level.png',
      'cells-1-level.svg',
      'classes.png',
      'classes.svg',
    ]);
  });

  test('takes any classifier, and cells by id, by source and by outcome', async () => {
    const out = join(toy.folder, 'knn-explained');
    const byId = await explainOcclusion(plain, [toy.dataset], { ids: [5, 77], mask: 5, out });
    expect(byId.cells.map(({ id }) => id)).toEqual([5, 77]);
    expect(byId.attributions).toBe(null);
    const { source } = byId.cells[1]!;
    const bySource = await explainOcclusion(plain, [toy.dataset], { source, split: 'train', out });
    expect(bySource.cells.map(one => one.source)).toEqual([source]);
    expect(bySource.warnings).toEqual([expect.stringMatching(/No cells of .* were there/)]);
    const right = await explainOcclusion(plain, [toy.dataset], { outcome: 'right', perClass: 3, out });
    expect(right.cells.length).toBe(9);
    expect(right.cells.every(({ label, predicted }) => label === predicted)).toBe(true);
    expect(await fail(explainOcclusion(plain, [toy.dataset], { outcome: 'wrong', out }))).toMatchObject({
      code: 'source-invalid',
      message: expect.stringMatching(/none that are named wrongly/),
    });
  });

  test('takes image files, prepared as the training images were; the class is the one that is named', async () => {
    const folder = join(toy.folder, 'images');
    await mkdir(folder, { recursive: true });
    for (const [i, [width, height]] of [
      [31, 17],
      [9, 40],
    ].entries())
      await sharp({
        create: { width: width!, height: height!, channels: 3, background: { r: 80, g: 90, b: 40 * i } },
      })
        .png()
        .toFile(join(folder, `${i}.png`));
    const out = join(toy.folder, 'files-explained');
    const report = await explainOcclusion(run, [folder], { out, positions: 20 });
    expect(report.cells.map(({ label, id }) => [label, id])).toEqual([
      [null, null],
      [null, null],
    ]);
    expect(report.cells.map(({ target, predicted }) => target - predicted)).toEqual([0, 0]);
    await writeFile(join(folder, 'torn.png'), 'no image');
    expect(await fail(explainOcclusion(run, [folder], { out }))).toMatchObject({ code: 'image-unreadable' });
  });

  test('refuses what cannot be, and writes nothing', async () => {
    const out = join(toy.folder, 'refused');
    for (const [options, code, words] of [
      [{ classes: ['round'] }, 'option-invalid', /among the model's: .*Received round/],
      [{ ids: [1, 5000] }, 'option-invalid', /0 to \d+. Received 5000/],
      [{ source: 'nowhere' }, 'source-invalid', /none from "nowhere"/],
      [{ layer: 'conv7' }, 'option-invalid', /no convolution "conv7".*conv1/],
      [{ perClass: 0 }, 'option-invalid', /perClass/],
      [{ steps: 0 }, 'option-invalid', /steps/],
      [{ baseline: 'black' as 'mean' }, 'option-invalid', /mean, blur/],
      [{ layer: 'conv1', gradients: false }, 'option-invalid', /layer must go with/],
    ] as const)
      expect(await fail(explainOcclusion(run, [], { ...options, out }))).toMatchObject({
        code,
        message: expect.stringMatching(words),
      });
    expect(await fail(explainOcclusion(plain, [], { steps: 4, out }))).toMatchObject({
      code: 'option-invalid',
    });
    expect(await fail(explainOcclusion(run, ['nowhere'], { out }))).toMatchObject({ code: 'source-invalid' });
    expect(await fail(explainOcclusion(join(run, 'model'), [], { out }))).toMatchObject({
      code: 'source-invalid',
    });
    expect(existsSync(out)).toBe(false);
  });

  test('refuses a data set of other classes or of other images', async () => {
    const other = await makeToy([3, 1, 2], { classes: ['flat', 'round'] });
    try {
      const error = await fail(explainOcclusion(run, [other.dataset]));
      expect(error).toMatchObject({ code: 'model-mismatch', message: expect.stringMatching(/flat, round/) });
    } finally {
      await other.remove();
    }
  });

  test('stops when it is asked to', async () => {
    const signal = AbortSignal.abort();
    expect(await fail(explainOcclusion(run, [], {}, { signal }))).toMatchObject({ code: 'cancelled' });
  });
});

describe('explain filters', () => {
  test('writes the weights of the layers, and the cells that excite each filter most', async () => {
    const report = await explainFilters(run, [], { perClass: 5, most: 3 });
    expect(report).toMatchObject({
      cells: 15,
      layers: [{ name: 'conv1', filters: 8, channels: 1, kernel: [3, 3] }],
    });
    const rows = (await readFile(join(report.out, 'conv1-excitements.csv'), 'utf8')).trim().split('\n');
    expect(rows.length).toBe(1 + 8 * 3);
    const weights = await readFile(join(report.out, 'conv1-weights.npy'));
    expect(decodeNpyHeader(weights, 'weights').shape).toEqual([8, 1, 3, 3]);
    expect((await readdir(join(report.out, 'figures'))).length).toBe(4);
  });

  test('finds for each filter the largest numbers that the layer gives, a place a cell', async () => {
    const classifier = await CnnClassifier.load(join(run, 'model'));
    const dataset = await Dataset.open(toy.dataset, 'read');
    try {
      const { network, normalisation } = classifier;
      const input = {
        images: dataset.images(),
        rows: Int32Array.from({ length: 60 }, (_, i) => i * 2),
        normalisation,
      };
      const [layer] = nameLayers(network.spec);
      const found = await findExcitements(network, input, layer!, 4);
      const [maps, rows, columns] = layer!.shape;
      const values = await network.activations(input, 0);
      for (let map = 0; map < maps; map++) {
        const peaks = Array.from({ length: 60 }, (_, cell) => {
          const at = (cell * maps + map) * rows * columns;
          const own = [...values.subarray(at, at + rows * columns)];
          const value = Math.max(...own);
          return { cell, value, at: own.indexOf(value) };
        }).sort((a, b) => b.value - a.value || a.cell - b.cell);
        expect(
          found[map]!.map(({ cell, value, row, column }) => ({ cell, value, at: row * columns + column })),
        ).toEqual(peaks.slice(0, 4));
      }
      const [first] = readFilters(network, ['conv1']);
      expect(first!.weights).toEqual(network.weights().find(({ name }) => name === '0.conv.weights')!.data);
    } finally {
      await dataset.close();
      classifier.dispose();
    }
  });

  test('needs a network, and layers that there are', async () => {
    expect(await fail(explainFilters(plain))).toMatchObject({
      code: 'option-invalid',
      message: expect.stringMatching(/no network/),
    });
    expect(await fail(explainFilters(run, [], { layers: ['conv2'] }))).toMatchObject({
      code: 'option-invalid',
      message: expect.stringMatching(/There are: conv1/),
    });
    expect(await fail(explainFilters(run, [], { slices: [1] }))).toMatchObject({
      code: 'option-invalid',
      message: expect.stringMatching(/deeper convolutions/),
    });
  });

  test('draws the filters alone where no cells are wanted', async () => {
    const report = await explainFilters(join(run, 'model'), [], {
      most: 0,
      out: join(toy.folder, 'filters'),
    });
    expect(report.cells).toBe(0);
    expect((await readdir(join(report.out, 'figures'))).sort()).toEqual([
      'conv1-filters.png',
      'conv1-filters.svg',
    ]);
  });
});
