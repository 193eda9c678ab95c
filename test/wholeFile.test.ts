import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { asDiskFull, replaceWhole, writeTogether, writeWholeFile } from '../src/wholeFile.ts';

let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'brightcell-whole-'));
  path = join(folder, 'file.txt');
});
afterAll(() => rm(folder, { recursive: true }));

test('a failure while writing leaves the old file and nothing else', async () => {
  await writeWholeFile(path, 'old');
  const broken = writeWholeFile(path, async file => {
    await file.appendFile('half of the n');
    throw new Error('power cut');
  });
  await expect(broken).rejects.toThrow('power cut');
  expect(await readFile(path, 'utf8')).toBe('old');
  expect(await readdir(folder)).toEqual(['file.txt']);
});

test('what another program writes takes its place only when it is complete', async () => {
  await replaceWhole(path, temporary => writeFile(temporary, 'new'));
  expect(await readFile(path, 'utf8')).toBe('new');
  expect(await readdir(folder)).toEqual(['file.txt']);
});

test.skipIf(process.platform !== 'linux')(
  'a full disk is reported with the path and leaves nothing',
  async () => {
    const full = writeWholeFile(path, async () => {
      await writeFile('/dev/full', 'x');
    });
    await expect(full).rejects.toMatchObject({ code: 'disk-full', fields: { path } });
    expect(await readFile(path, 'utf8')).toBe('new');
    expect(await readdir(folder)).toEqual(['file.txt']);
  },
);

test('files that belong together take the places of the old ones only when all are there', async () => {
  const out = join(folder, 'deep', 'together');
  const write = (text: string, fail: boolean) =>
    writeTogether(out, async stage => {
      await writeWholeFile(join(stage, 'a.txt'), text);
      await mkdir(join(stage, 'inner'));
      if (fail) await writeWholeFile(join(stage, 'inner', 'b.txt'), () => writeFile('/dev/full', 'x'));
      await writeWholeFile(join(stage, 'inner', 'b.txt'), text);
    });
  const names = async () => (await readdir(out, { recursive: true })).sort();
  if (process.platform === 'linux') {
    await expect(write('first', true)).rejects.toMatchObject({ code: 'disk-full', fields: { path: out } });
    expect(await readdir(folder)).toEqual(['file.txt']);
  }
  expect(await write('old', false)).toEqual([join(out, 'a.txt'), join(out, 'inner', 'b.txt')]);
  await writeFile(join(out, 'own.txt'), 'kept');
  if (process.platform === 'linux') await expect(write('new', true)).rejects.toThrow(`to write ${out}.`);
  expect(await readFile(join(out, 'a.txt'), 'utf8')).toBe('old');
  expect(await names()).toEqual(['a.txt', 'inner', 'inner/b.txt', 'own.txt']);
  await write('new', false);
  expect(await readFile(join(out, 'inner', 'b.txt'), 'utf8')).toBe('new');
  expect(await names()).toEqual(['a.txt', 'inner', 'inner/b.txt', 'own.txt']);
});

test('other errors stay as they are', () => {
  const error = Object.assign(new Error('denied'), { code: 'EACCES' });
  expect(asDiskFull(error, path)).toBe(error);
});
