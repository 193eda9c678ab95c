import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { Dataset } from '../../src/dataset/dataset.ts';
import { fillDisk, withSmallDisk } from '../smallDisk.ts';
import { cell, cellRange, header, withFolder } from './cells.ts';

const built = fileURLToPath(new URL('../../dist/dataset/dataset.js', import.meta.url));
const writer = fileURLToPath(new URL('./appendForever.mjs', import.meta.url));

async function makeDataset(path: string, count: number): Promise<void> {
  const dataset = await Dataset.create(path, header({ cellsPerShard: 8 }));
  await dataset.append(cellRange(0, count));
  await dataset.close();
}

test('a short, a foreign and a missing shard are named', () =>
  withFolder(async folder => {
    const path = join(folder, 'cells');
    await makeDataset(path, 20);
    const shard = join(path, 'images', '00001.npy');
    const whole = await readFile(shard);
    const expectCorrupt = async (message: RegExp) => {
      for (const mode of ['read', 'write'] as const) {
        const error = await Dataset.open(path, mode).catch(error => error);
        expect(error).toMatchObject({ code: 'dataset-corrupt', fields: { path: shard } });
        expect(error.message).toMatch(message);
      }
    };
    await truncate(shard, whole.length - 1);
    await expectCorrupt(/must be at least 512 bytes long. Received 511 bytes/);
    await writeFile(shard, Buffer.concat([Buffer.from('garbage'), whole.subarray(7)]));
    await expectCorrupt(/must be a NumPy array file/);
    const other = whole.toString('latin1').replace('(8, 1, 8, 6)', '(8, 1, 6, 8)');
    await writeFile(shard, Buffer.from(other, 'latin1'));
    await expectCorrupt(/must hold \|u1 \[at least 8, 1, 8, 6\]. Received \|u1 \[8, 1, 6, 8\]/);
    await writeFile(shard, '');
    await expectCorrupt(/must be a NumPy array file/);
    await rm(shard);
    await expectCorrupt(/must be there and readable/);
    await writeFile(shard, whole);
    await (await Dataset.open(path, 'read')).close();
  }));

test('a spoiled or missing catalogue is named', () =>
  withFolder(async folder => {
    const path = join(folder, 'cells');
    await makeDataset(path, 3);
    await writeFile(join(path, 'catalogue.duckdb'), 'not a database');
    await expect(Dataset.open(path, 'read')).rejects.toThrow(/catalogue\.duckdb must be the catalogue/);
    await rm(join(path, 'catalogue.duckdb'));
    await expect(Dataset.open(path, 'write')).rejects.toMatchObject({ code: 'dataset-corrupt' });
    expect(await readdir(path)).not.toContain('catalogue.duckdb');
  }));

test('what was not committed is ignored by a reader and cut off by a writer', () =>
  withFolder(async folder => {
    const path = join(folder, 'cells');
    await makeDataset(path, 12);
    const shard = join(path, 'images', '00001.npy');
    const { size } = await stat(shard);
    await appendFile(shard, Buffer.alloc(1000, 7));
    await writeFile(join(path, 'images', '00002.npy'), 'half a header');
    const reader = await Dataset.open(path, 'read');
    expect(reader.images().count).toBe(12);
    await reader.close();
    expect((await stat(shard)).size).toBe(size + 1000);
    const dataset = await Dataset.open(path, 'write');
    expect((await stat(shard)).size).toBe(size);
    expect(await readdir(join(path, 'images'))).toEqual(['00000.npy', '00001.npy']);
    await dataset.append(cellRange(12, 20));
    for (let i = 0; i < 20; i++) expect(dataset.images().read(i)).toEqual(cell(i).pixels);
    await dataset.close();
  }));

test('readers share, a writer is alone, in one process', () =>
  withFolder(async folder => {
    const path = join(folder, 'cells');
    await makeDataset(path, 3);
    const [a, b] = [await Dataset.open(path, 'read'), await Dataset.open(path, 'read')];
    await expect(Dataset.open(path, 'write')).rejects.toMatchObject({ code: 'dataset-locked' });
    await a.close();
    await a.close();
    expect((await b.cells()).count).toBe(3);
    await expect(Dataset.open(path, 'write')).rejects.toMatchObject({ code: 'dataset-locked' });
    await b.close();
    const writing = await Dataset.open(path, 'write');
    await expect(Dataset.open(path, 'read')).rejects.toMatchObject({ code: 'dataset-locked' });
    await expect(Dataset.open(path, 'write')).rejects.toThrow(/in use by this process itself/);
    await writing.close();
    await (await Dataset.open(path, 'write')).close();
  }));

test('readers share, a writer is alone, across processes', () =>
  withFolder(async folder => {
    const path = join(folder, 'cells');
    await makeDataset(path, 3);
    const openElsewhere = (mode: string) => {
      const script = `const { Dataset } = await import(${JSON.stringify(built)});
        await Dataset.open(${JSON.stringify(path)}, '${mode}').then(
          async dataset => { console.log('opened'); await dataset.close(); },
          error => console.log(error.code, error.message));`;
      return execFileSync(process.execPath, ['--input-type=module', '-e', script]).toString();
    };
    const reader = await Dataset.open(path, 'read');
    expect(openElsewhere('read')).toMatch(/^opened/);
    expect(openElsewhere('write')).toMatch(/^dataset-locked/);
    await reader.close();
    const writing = await Dataset.open(path, 'write');
    expect(openElsewhere('read')).toMatch(new RegExp(`^dataset-locked .*in use by process ${process.pid}`));
    expect(openElsewhere('write')).toMatch(/^dataset-locked/);
    await writing.close();
  }));

test('kill -9 at any moment loses nothing that was committed', () =>
  withFolder(async folder => {
    const path = join(folder, 'cells');
    await (await Dataset.create(path, header({ cellsPerShard: 50 }))).close();
    let before = 0;
    for (let kill = 0; kill < 8; kill++) {
      const child = execFile(process.execPath, [writer, built, path]);
      let confirmed = 0;
      child.stdout!.on('data', text => {
        confirmed = Number(String(text).trim().split('\n').at(-1));
      });
      await once(child.stdout!, 'data');
      await new Promise(resolve => setTimeout(resolve, 20 + 37 * kill + Math.random() * 60));
      child.kill('SIGKILL');
      await once(child, 'close');
      const reader = await Dataset.open(path, 'read');
      expect(reader.count).toBeGreaterThanOrEqual(confirmed);
      expect(reader.count).toBeGreaterThan(before);
      before = reader.count;
      await reader.close();
      const dataset = await Dataset.open(path, 'write');
      expect(dataset.count).toBe(before);
      expect(await dataset.verify()).toEqual([]);
      for (const id of [0, before >> 1, before - 1])
        expect(dataset.images().read(id)).toEqual(cell(id).pixels);
      const right = await dataset.query(
        "SELECT count(*) AS n FROM cells WHERE source = 'images/' || id || '.png'",
      );
      expect(right).toEqual([{ n: before }]);
      await dataset.close();
    }
  }));

test('a full disk is said so, and what was committed stays', context =>
  withFolder(folder => {
    const place = join(folder, 'small');
    return withSmallDisk(context, { place, megabytes: 3 }, () => fillAndGoOn(place));
  }));

async function fillAndGoOn(place: string): Promise<void> {
  const path = join(place, 'cells');
  let dataset = await Dataset.create(path, header());
  await dataset.append(cellRange(0, 100));
  fillDisk(join(place, 'other'));
  for (let attempt = 0; attempt < 2; attempt++)
    await expect(dataset.append(cellRange(100, 20_100))).rejects.toMatchObject({ code: 'disk-full' });
  expect(dataset.count).toBe(100);
  // Small batches need more room in the catalogue than in the shard: now that is what fails.
  const appendToTheEnd = async () => {
    for (;;) await dataset.append(cellRange(dataset.count, dataset.count + 3));
  };
  await expect(appendToTheEnd()).rejects.toMatchObject({ code: 'disk-full' });
  const { count } = dataset;
  await dataset.close();
  dataset = await Dataset.open(path, 'read');
  expect(dataset.count).toBe(count);
  expect(await dataset.verify()).toEqual([]);
  await dataset.close();
  await rm(join(place, 'other'));
  dataset = await Dataset.open(path, 'write');
  await dataset.append(cellRange(count, count + 1000));
  expect(dataset.count).toBe(count + 1000);
  expect(await dataset.verify()).toEqual([]);
  await dataset.close();
}
