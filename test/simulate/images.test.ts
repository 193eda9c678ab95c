import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { Dataset } from '../../src/dataset/dataset.ts';
import { importImages } from '../../src/import/importImages.ts';
import type { SimulateOptions } from '../../src/simulate/options.ts';
import { simulate } from '../../src/simulate/simulate.ts';

const options: SimulateOptions = { cells: 80, seed: 11, faults: 0.3, images: true };

async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'brightcell-images-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function rowsOf(folder: string): Promise<Record<string, string>[]> {
  const [head, ...lines] = (await readFile(join(folder, 'cells.csv'), 'utf8')).trimEnd().split('\n');
  const columns = head!.split(',');
  return lines.map(line => Object.fromEntries(line.split(',').map((value, i) => [columns[i], value])));
}

test('every image is a gray PNG of its raw size in the folder of its class, listed with its truth', () =>
  withFolder(async folder => {
    await simulate(folder, options);
    const rows = await rowsOf(folder);
    expect(rows).toHaveLength(80);
    for (const { path, label, group, truth, rawHeight, rawWidth, radius } of rows) {
      const image = await sharp(join(folder, path!)).metadata();
      expect([image.format, image.channels, image.height, image.width]).toEqual([
        'png',
        1,
        Number(rawHeight),
        Number(rawWidth),
      ]);
      expect(path!.startsWith(`${label}/${group}-`)).toBe(true);
      if (truth !== 'debris') expect(radius === '').toBe(truth === 'empty');
    }
    const files = await Promise.all(
      ['THP1', 'MCF7', 'MB231', 'PBMC'].map(name => readdir(join(folder, name))),
    );
    expect(files.flat()).toHaveLength(80);
  }));

test('imported, the images are the cells of the data set of the same seed', () =>
  withFolder(async folder => {
    const report = await simulate(join(folder, 'images'), options);
    const { images: _, ...stored } = options;
    const direct = await simulate(join(folder, 'direct'), { ...stored, size: [48, 48] });
    expect(direct.truths).toEqual(report.truths);
    await importImages(join(folder, 'images'), join(folder, 'imported'), { format: 'csv', size: [48, 48] });
    const [one, two] = await Promise.all(
      ['direct', 'imported'].map(name => Dataset.open(join(folder, name), 'read')),
    );
    try {
      expect(two!.count).toBe(80);
      const frames = await one!.query('SELECT id, frame, raw_height FROM cells');
      const sources = await two!.query('SELECT id, source, raw_height FROM cells');
      const byIndex = new Map(
        sources.map(row => [Number(/(\d+)\.png$/.exec(row.source as string)![1]), row]),
      );
      for (const { id, frame, raw_height } of frames) {
        const same = byIndex.get(Number(frame))!;
        expect(same.raw_height).toBe(raw_height);
        expect(two!.images().read(Number(same.id))).toEqual(one!.images().read(Number(id)));
      }
    } finally {
      await one!.close();
      await two!.close();
    }
  }));

test('what a stopped run wrote is kept, what is missing is written again', () =>
  withFolder(async folder => {
    await simulate(folder, options);
    const rows = await rowsOf(folder);
    const [lost, kept] = [join(folder, rows[3]!.path!), join(folder, rows[4]!.path!)];
    const [pixels, { mtimeMs }] = [await readFile(lost), await stat(kept)];
    await rm(lost);
    await rm(join(folder, 'cells.csv'));
    expect((await simulate(folder, options)).before).toBe(79);
    expect(await readFile(lost)).toEqual(pixels);
    expect((await stat(kept)).mtimeMs).toBe(mtimeMs);
    expect(await rowsOf(folder)).toEqual(rows);
  }));

test('cells.csv is not there before every image is', () =>
  withFolder(async folder => {
    const stop = new AbortController();
    stop.abort();
    await expect(simulate(folder, options, { signal: stop.signal })).rejects.toMatchObject({
      code: 'cancelled',
    });
    expect(await readdir(folder)).not.toContain('cells.csv');
  }));

test('images of other options are left alone', () =>
  withFolder(async folder => {
    await simulate(folder, options);
    const other = simulate(folder, { ...options, seed: 12 });
    await expect(other).rejects.toMatchObject({ code: 'dataset-exists' });
  }));
