import { open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, test } from 'vitest';
import { Dataset } from '../../src/dataset/dataset.ts';
import { cell, cellRange, header, withFolder } from './cells.ts';

test('what was appended is read back after opening again', () =>
  withFolder(async folder => {
    const path = join(folder, 'cells');
    const created = await Dataset.create(path, header());
    await created.append(cellRange(0, 10));
    await created.append(cellRange(10, 25));
    await created.close();
    const dataset = await Dataset.open(path, 'read');
    expect(dataset.count).toBe(25);
    const images = dataset.images();
    for (let i = 0; i < 25; i++) expect(images.read(i)).toEqual(cell(i).pixels);
    const table = await dataset.cells();
    expect([...table.id]).toEqual(Array.from({ length: 25 }, (_, i) => i));
    expect([...table.label]).toEqual(Array.from({ length: 25 }, (_, i) => i % 2));
    expect(table.group).toEqual(Array.from({ length: 25 }, (_, i) => cell(i).group));
    expect([...table.split]).toEqual(new Array(25).fill(-1));
    const [row] = await dataset.query('SELECT * FROM cells WHERE id = $1', [13]);
    expect(row).toMatchObject({ source: 'images/13.png', raw_height: 26, raw_width: 102, shard: 0, row: 13 });
    await dataset.close();
  }));

test('a shard is full at its size and the next one follows', () =>
  withFolder(async folder => {
    const path = join(folder, 'cells');
    const dataset = await Dataset.create(path, header({ cellsPerShard: 4 }));
    await dataset.append(cellRange(0, 3));
    await dataset.append(cellRange(3, 14));
    expect(await readdir(join(path, 'images'))).toEqual(['00000.npy', '00001.npy', '00002.npy', '00003.npy']);
    const images = dataset.images();
    for (let i = 0; i < 14; i++) expect(images.read(i)).toEqual(cell(i).pixels);
    const last = await readFile(join(path, 'images', '00003.npy'));
    expect(last.length).toBe(128 + 2 * 48);
    expect(last.toString('latin1', 10, 70)).toContain("'descr': '|u1', 'fortran_order': False, 'shape': (2,");
    await dataset.close();
  }));

test('sixteen-bit pixels keep every bit', () =>
  withFolder(async folder => {
    const pixels = Uint16Array.from({ length: 48 }, (_, i) => i * 1395);
    const dataset = await Dataset.create(join(folder, 'cells'), header({ pixelType: 'uint16' }));
    await dataset.append([cell(0, { pixels })]);
    expect(dataset.images().read(0)).toEqual(pixels);
    await dataset.close();
  }));

test('a data set is not created where something stands', () =>
  withFolder(async folder => {
    const notes = join(folder, 'notes.txt');
    await writeFile(notes, 'mine');
    await expect(Dataset.create(folder, header())).rejects.toMatchObject({ code: 'dataset-exists' });
    await expect(Dataset.create(notes, header())).rejects.toMatchObject({ code: 'dataset-exists' });
    expect(await readdir(folder)).toEqual(['notes.txt']);
  }));

test('a folder without dataset.json is no data set', () =>
  withFolder(async folder => {
    const missing = { code: 'dataset-missing' };
    await expect(Dataset.open(folder, 'read')).rejects.toMatchObject(missing);
    await expect(Dataset.open(join(folder, 'absent'), 'read')).rejects.toMatchObject(missing);
  }));

test('a creation that was killed before dataset.json is taken over', () =>
  withFolder(async folder => {
    const path = join(folder, 'cells');
    await (await Dataset.create(path, header())).close();
    await rm(join(path, 'dataset.json'));
    const dataset = await Dataset.create(path, header());
    await dataset.append(cellRange(0, 2));
    expect(dataset.count).toBe(2);
    await dataset.close();
  }));

test('a newer format and a broken description are told apart', () =>
  withFolder(async folder => {
    const path = join(folder, 'cells');
    await (await Dataset.create(path, header())).close();
    const file = join(path, 'dataset.json');
    const json = JSON.parse(await readFile(file, 'utf8'));
    await writeFile(file, JSON.stringify({ ...json, formatVersion: 2, new: true }));
    await expect(Dataset.open(path, 'read')).rejects.toMatchObject({ code: 'dataset-newer' });
    await writeFile(file, JSON.stringify({ ...json, height: -8 }));
    await expect(Dataset.open(path, 'read')).rejects.toMatchObject({ code: 'dataset-corrupt' });
    await writeFile(file, '{"formatVersion": 1, "classes"');
    await expect(Dataset.open(path, 'read')).rejects.toThrow(/dataset\.json must be the JSON description/);
  }));

test('a cell that does not fit is refused and nothing of its batch is kept', () =>
  withFolder(async folder => {
    const dataset = await Dataset.create(join(folder, 'cells'), header());
    const wrong = [
      { pixels: new Uint8Array(47) },
      { pixels: new Uint16Array(48) },
      { label: 2 },
      { label: Number.NaN },
      { rawHeight: -1 },
      { frame: 0.5 },
      { quality: new Float32Array(1000) },
      { split: 'training' as 'train' },
    ];
    for (const changes of wrong)
      await expect(dataset.append([cell(0), cell(1, changes)])).rejects.toThrow(
        /images\/1\.png .* must have/,
      );
    expect(dataset.count).toBe(0);
    await dataset.append([cell(0, { label: -1 })]);
    expect((await dataset.cells()).count).toBe(0);
    expect((await dataset.cells({ includeUnlabelled: true })).count).toBe(1);
    await dataset.close();
  }));

test('classes are added behind those that are there', () =>
  withFolder(async folder => {
    const path = join(folder, 'cells');
    const dataset = await Dataset.create(path, header());
    await dataset.addClasses(['T cell', 'NK cell']);
    await dataset.append([cell(0, { label: 2 })]);
    await dataset.close();
    const again = await Dataset.open(path, 'read');
    expect(again.header.classes).toEqual(['B cell', 'T cell', 'NK cell']);
    await expect(again.addClasses(['x'])).rejects.toMatchObject({ code: 'option-invalid' });
    await again.close();
    await expect(again.cells()).rejects.toThrow(/was closed/);
  }));

test('a split replaces the one before, and rejected cells are left out of what is read', () =>
  withFolder(async folder => {
    const dataset = await Dataset.create(join(folder, 'cells'), header());
    await dataset.append(cellRange(0, 6));
    await dataset.writeSplit({ id: Int32Array.of(0, 1, 2), split: ['test', 'test', 'train'] }, { seed: 1 });
    await dataset.writeSplit(
      { id: Int32Array.of(5, 1, 2), split: ['test', null, 'validation'], fold: Int16Array.of(3, -1, 0) },
      { seed: 2 },
    );
    const table = await dataset.cells();
    expect([...table.split]).toEqual([-1, -1, 1, -1, -1, 2]);
    expect([...table.fold]).toEqual([-1, -1, 0, -1, -1, 3]);
    expect(await dataset.settings('split')).toEqual({ seed: 2 });
    await dataset.writeVerdicts([{ id: 5, verdict: 'rejected', reason: 'empty', by: 'screen' }], { seed: 3 });
    expect([...(await dataset.cells({ split: 'test' })).id]).toEqual([]);
    expect([...(await dataset.cells({ split: 'test', includeRejected: true })).id]).toEqual([5]);
    await dataset.close();
  }));

test('screening never overrides a verdict given by hand', () =>
  withFolder(async folder => {
    const dataset = await Dataset.create(join(folder, 'cells'), header());
    await dataset.append(cellRange(0, 3));
    const verdict = { id: 1, verdict: 'accepted', reason: null, by: 'hand' } as const;
    await dataset.writeVerdicts([verdict], {});
    const screened = [0, 1].map(id => ({ id, verdict: 'rejected', reason: 'ghost', by: 'screen' }) as const);
    await dataset.writeVerdicts(screened, { limit: 3 });
    const rows = 'SELECT verdict, reason, verdict_by FROM cells ORDER BY id';
    expect(await dataset.query(rows)).toEqual([
      { verdict: 'rejected', reason: 'ghost', verdict_by: 'screen' },
      { verdict: 'accepted', reason: null, verdict_by: 'hand' },
      { verdict: null, reason: null, verdict_by: null },
    ]);
    await dataset.writeVerdicts([{ ...verdict, verdict: null }], {});
    expect((await dataset.query(rows))[1]).toEqual({ verdict: null, reason: null, verdict_by: null });
    expect(await dataset.settings('screen')).toEqual({ limit: 3 });
    await expect(dataset.writeVerdicts([{ ...verdict, id: 3 }], {})).rejects.toThrow(
      /from 0 to 2. Received 3/,
    );
    await expect(dataset.writeSplit({ id: Int32Array.of(-1), split: ['test'] }, {})).rejects.toThrow(
      /Received -1/,
    );
    await dataset.close();
  }));

test('queries cannot change the catalogue', () =>
  withFolder(async folder => {
    const dataset = await Dataset.create(join(folder, 'cells'), header());
    await dataset.append(cellRange(0, 3));
    await expect(dataset.query('DELETE FROM cells')).rejects.toThrow(/read-only/);
    await expect(dataset.query('COMMIT; DELETE FROM cells')).rejects.toThrow(/one SQL statement/);
    expect(await dataset.query('SELECT count(*) AS n FROM cells')).toEqual([{ n: 3 }]);
    await dataset.close();
  }));

test('the same content has the same fingerprint, and any change another', () =>
  withFolder(async folder => {
    const make = async (name: string, end: number, perShard: number) => {
      const dataset = await Dataset.create(join(folder, name), header({ cellsPerShard: perShard }));
      for (let i = 0; i < end; i += 3) await dataset.append(cellRange(i, Math.min(end, i + 3)));
      return dataset;
    };
    const [a, b, c] = [await make('a', 9, 4), await make('b', 9, 100), await make('c', 8, 100)];
    const first = await a.fingerprint();
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect(await b.fingerprint()).toBe(first);
    expect(await c.fingerprint()).not.toBe(first);
    await b.writeSplit({ id: Int32Array.of(0), split: ['test'] }, {});
    expect(await b.fingerprint()).not.toBe(first);
    await a.writeVerdicts([{ id: 0, verdict: 'rejected', reason: 'x', by: 'hand' }], {});
    expect(await a.fingerprint()).not.toBe(first);
    for (const dataset of [a, b, c]) await dataset.close();
  }));

test('verifying finds the one image in which a bit has flipped', () =>
  withFolder(async folder => {
    const path = join(folder, 'cells');
    const dataset = await Dataset.create(path, header({ cellsPerShard: 7 }));
    await dataset.append(cellRange(0, 20));
    expect(await dataset.verify()).toEqual([]);
    const shard = join(path, 'images', '00001.npy');
    const file = await open(shard, 'r+');
    await file.write(Uint8Array.of((cell(9).pixels[5]! ^ 4) & 255), 0, 1, 128 + 2 * 48 + 5);
    await file.close();
    expect(await dataset.verify()).toEqual([{ id: 9, shard, row: 2, source: 'images/9.png' }]);
    await dataset.close();
  }));

test('the catalogue is plain DuckDB for other tools', () =>
  withFolder(async folder => {
    const path = join(folder, 'cells');
    const dataset = await Dataset.create(path, header());
    await dataset.append(cellRange(0, 3));
    await dataset.close();
    const instance = await DuckDBInstance.create(join(path, 'catalogue.duckdb'), {
      access_mode: 'READ_ONLY',
    });
    const connection = await instance.connect();
    const reader = await connection.runAndReadAll('SELECT source, label FROM cells ORDER BY id');
    expect(reader.getRows()).toEqual([
      ['images/0.png', 0],
      ['images/1.png', 1],
      ['images/2.png', 0],
    ]);
    connection.closeSync();
    instance.closeSync();
  }));
