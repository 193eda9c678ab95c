import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ClassifyOptions, classify, type Prediction } from '../../src/classifiers/classify.ts';
import { loadClassifier } from '../../src/classifiers/loadClassifier.ts';
import { Dataset } from '../../src/dataset/dataset.ts';
import { train } from '../../src/train/train.ts';
import { makeToy, type Toy } from '../train/toyDataset.ts';

const cells = 600; // more than two chunks of images
let toy: Toy;
let run: string;
let images: string;
let expected: Float32Array;

beforeAll(async () => {
  toy = await makeToy([40, 12, 160]);
  const options = { model: toy.network, out: toy.runs, epochs: 6, batchSize: 16, learningRate: 0.02 };
  run = (await train(toy.dataset, options)).run;
  images = join(toy.folder, 'images');
  await mkdir(join(images, 'deeper'), { recursive: true });
  const dataset = await Dataset.open(toy.dataset, 'read');
  const set = dataset.images();
  for (let row = 0; row < cells; row++) {
    const png = await sharp(set.read(row) as Uint8Array, { raw: { width: 16, height: 16, channels: 1 } })
      .png()
      .toBuffer();
    await writeFile(join(images, row % 2 ? 'deeper' : '.', `${String(row).padStart(4, '0')}.png`), png);
  }
  const classifier = await loadClassifier(run);
  expected = await classifier.predict(
    set,
    Int32Array.from({ length: cells }, (_, row) => row),
  );
  classifier.dispose();
  await dataset.close();
});
afterAll(() => toy.remove());

/** Row of the data set that a file was made of. */
const rowOf = (source: string) => Number(/(\d+)\.png$/.exec(source)![1]);

async function gather(inputs: string[], options: ClassifyOptions = {}) {
  const all: Prediction[] = [];
  const chunks: number[] = [];
  const report = await classify(run, inputs, {
    ...options,
    onPredictions: predictions => {
      chunks.push(predictions.length);
      all.push(...predictions);
    },
  });
  return { all, chunks, report };
}

describe('classifying a folder', () => {
  test('gives each image what the stored cell gets, in chunks and in order', async () => {
    const { all, chunks, report } = await gather([images]);
    expect(report).toMatchObject({ classified: cells, failed: { count: 0 }, out: null, warnings: [] });
    expect(report.perClass.reduce((a, b) => a + b)).toBe(cells);
    expect(Math.max(...chunks)).toBeLessThanOrEqual(256);
    expect(all.map(one => one.source)).toEqual([...all.map(one => one.source)].sort());
    for (const { source, probabilities, class: best, className } of all) {
      const row = rowOf(source);
      for (let k = 0; k < 3; k++) expect(probabilities[k]).toBeCloseTo(expected[row * 3 + k]!, 4);
      expect(probabilities[best]).toBe(Math.max(...probabilities));
      expect(className).toBe(report.classes[best]);
    }
  });

  test('reports files that cannot be read by reason and goes on, or stops at the first with strict', async () => {
    const folder = join(toy.folder, 'spoiled');
    await mkdir(folder);
    await writeFile(join(folder, 'a.png'), '');
    await writeFile(join(folder, 'b.png'), 'no image');
    await writeFile(join(folder, 'c.png'), await readFile(join(images, '0000.png')));
    await writeFile(join(folder, 'notes.txt'), 'not looked at');
    const { report } = await gather([folder]);
    expect(report.classified).toBe(1);
    expect(report.failed.count).toBe(2);
    expect(report.failed.byReason.map(one => one.reason)).toContain('file is empty');
    await expect(gather([folder], { strict: true })).rejects.toMatchObject({
      code: 'image-unreadable',
      message: expect.stringContaining('a.png'),
    });
  });

  test('scales 16 bits a pixel to the depth of the model, and says so', async () => {
    const path = join(toy.folder, 'deep.png');
    const raw = await sharp(join(images, '0000.png')).raw().toBuffer();
    const wide = Uint16Array.from({ length: 256 }, (_, i) => raw[(i * raw.length) / 256]! * 257);
    await sharp(wide, { raw: { width: 16, height: 16, channels: 1 } })
      .toColourspace('grey16')
      .png()
      .toFile(path);
    const { all, report } = await gather([path]);
    expect(report.warnings.join()).toMatch(/1 image was scaled to the 8 bits/);
    for (let k = 0; k < 3; k++) expect(all[0]!.probabilities[k]).toBeCloseTo(expected[k]!, 4);
  });
});

test('classifying a data set takes its accepted cells by id', async () => {
  const { all } = await gather([toy.dataset, join(images, '0000.png')]);
  expect(all).toHaveLength(637);
  expect(all[3]!.source).toBe(`${toy.dataset}#3`);
  expect([...all[3]!.probabilities]).toEqual([...expected.subarray(9, 12)]);
});

describe('a file of predictions', () => {
  test('as CSV has a row an image and gives probabilities back exactly', async () => {
    const out = join(toy.folder, 'made/for/it/p.csv');
    const { all, report } = await gather([images], { out });
    expect(report.out).toBe(out);
    const [header, ...lines] = (await readFile(out, 'utf8')).trim().split('\n');
    expect(header).toBe('source,frame,predicted,probability_flat,probability_level,probability_upright');
    expect(lines).toHaveLength(cells);
    lines.forEach((line, i) => {
      const [source, frame, predicted, ...probabilities] = line.split(',');
      expect([source, frame, predicted]).toEqual([all[i]!.source, '0', all[i]!.className]);
      expect(Float32Array.from(probabilities, Number)).toEqual(all[i]!.probabilities);
    });
  });

  test('as JSON lines says the same', async () => {
    const out = join(toy.folder, 'p.jsonl');
    const { all } = await gather([images], { out });
    const lines = (await readFile(out, 'utf8'))
      .trim()
      .split('\n')
      .map(line => JSON.parse(line));
    expect(lines.map(line => line.predicted)).toEqual(all.map(one => one.className));
    expect(Object.keys(lines[0].probabilities)).toEqual(['flat', 'level', 'upright']);
    expect(Math.fround(lines[5].probabilities.level)).toBe(all[5]!.probabilities[1]);
  });

  test('as Parquet says the same to another reader', async () => {
    const out = join(toy.folder, 'p.parquet');
    const { all } = await gather([images], { out });
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    const reader = await connection.runAndReadAll(`SELECT * FROM '${out}'`);
    const rows = reader.getRowObjectsJS();
    expect(rows.map(row => row.source)).toEqual(all.map(one => one.source));
    expect(rows.map(row => row.predicted)).toEqual(all.map(one => one.className));
    expect(Math.fround(rows[7]!.probability_upright as number)).toBe(all[7]!.probabilities[2]);
    connection.closeSync();
  });

  test.each(['csv', 'jsonl', 'parquet'] as const)(
    'as %s is whole or not there when stopped',
    async format => {
      const folder = join(toy.folder, `stopped-${format}`);
      await mkdir(folder);
      const stop = new AbortController();
      const options = { out: join(folder, 'p'), format, onPredictions: () => stop.abort() };
      await expect(classify(run, [images], options, { signal: stop.signal })).rejects.toMatchObject({
        code: 'cancelled',
      });
      expect(await readdir(folder)).toEqual([]);
    },
  );

  test('of no known ending is refused with the endings there are', async () => {
    await expect(gather([images], { out: 'p.xlsx' })).rejects.toMatchObject({
      code: 'option-invalid',
      message: expect.stringContaining('csv, jsonl, parquet'),
    });
  });
});

describe('classifying is refused', () => {
  test('without a model, and by a run that was never finished', async () => {
    await expect(classify(toy.folder, [images])).rejects.toMatchObject({ code: 'model-missing' });
    const unfinished = join(toy.runs, 'unfinished');
    await mkdir(join(unfinished, 'checkpoints'), { recursive: true });
    await writeFile(join(unfinished, 'config.json'), '{}');
    await expect(classify(unfinished, [images])).rejects.toMatchObject({
      code: 'model-missing',
      message: expect.stringContaining('--resume'),
    });
  });

  test('for an input that is not there or holds no image, before anything is classified', async () => {
    const empty = join(toy.folder, 'empty');
    await mkdir(empty);
    for (const input of [join(toy.folder, 'nowhere'), empty]) {
      await expect(gather([input])).rejects.toMatchObject({
        code: 'source-invalid',
        message: expect.stringContaining(input),
      });
    }
    await rm(empty, { recursive: true });
  });

  test('for a data set that was prepared in another way', async () => {
    const other = join(toy.folder, 'other');
    const header = (await Dataset.open(toy.dataset, 'read').then(async dataset => {
      await dataset.close();
      return dataset.header;
    }))!;
    const { cellsPerShard: _, ...rest } = header;
    const preparation = { ...header.preparation, fit: 'centre' as const };
    await (await Dataset.create(other, { ...rest, preparation })).close();
    await expect(gather([other])).rejects.toMatchObject({
      code: 'model-mismatch',
      message: expect.stringMatching(/fit stretch.*fit centre/),
    });
  });
});
