import { existsSync } from 'node:fs';
import { readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Dataset } from '../../src/dataset/dataset.ts';
import { importImages } from '../../src/import/importImages.ts';
import type { ImportOptions } from '../../src/import/options.ts';
import { withFolder } from '../dataset/cells.ts';
import { encodeTiff, grayPixels, grayPng, writeImages, writeTree } from './files.ts';

async function cellsOf(path: string): Promise<Record<string, unknown>[]> {
  const dataset = await Dataset.open(path, 'read');
  const rows = await dataset.query(
    'SELECT source, frame, label, "group", split, truth, raw_height AS h, raw_width AS w FROM cells ORDER BY id',
  );
  const { classes } = dataset.header;
  await dataset.close();
  return rows.map(row => ({ ...row, label: classes[Number(row.label)] ?? null }));
}

test('class folders are imported in the order of their names, folders in them too', () =>
  withFolder(async folder => {
    const root = join(folder, 'in');
    const names = ['B cell/2.png', 'B cell/10.png', 'Zellen größer/день 1/Ж.png', 'a/x/y/1.png', 'a/x.png'];
    await writeImages(root, names);
    await writeTree(root, { 'a/notes.txt': 'x', '.hidden/1.png': 'x', 'a/.DS_Store': 'x', 'a/._1.png': 'x' });
    const report = await importImages(root, join(folder, 'out'), { groupFrom: '(день \\d)' });
    expect(report).toMatchObject({
      layout: 'class folders',
      cells: 5,
      added: 5,
      alreadyThere: 0,
      failed: { count: 0, byReason: [] },
      skipped: 1,
      pixelType: 'uint8',
      classes: [
        { name: 'B cell', count: 2 },
        { name: 'Zellen größer', count: 1 },
        { name: 'a', count: 2 },
      ],
      warnings: [],
    });
    const cells = await cellsOf(join(folder, 'out'));
    expect(cells.map(cell => [cell.source, cell.label, cell.group])).toEqual([
      ['B cell/10.png', 'B cell', null],
      ['B cell/2.png', 'B cell', null],
      ['Zellen größer/день 1/Ж.png', 'Zellen größer', 'день 1'],
      ['a/x/y/1.png', 'a', null],
      ['a/x.png', 'a', null],
    ]);
    expect(cells[0]).toMatchObject({ h: 11, w: 13, frame: 0, split: null });
  }));

test('class folders under train, val and test bring their split', () =>
  withFolder(async folder => {
    await writeImages(folder, ['Train/a/1.png', 'Train/b/1.png', 'valid/a/1.png', 'test/b/1.png']);
    const report = await importImages(folder, join(folder, 'out'));
    expect(report.layout).toBe('class folders under split folders');
    const cells = await cellsOf(join(folder, 'out'));
    expect(cells.map(cell => [cell.label, cell.split])).toEqual([
      ['a', 'train'],
      ['b', 'train'],
      ['b', 'test'],
      ['a', 'validation'],
    ]);
  }));

test('a folder of images named by class is recognised and said so; other flat folders are refused', () =>
  withFolder(async folder => {
    const root = join(folder, 'in');
    await writeImages(root, ['MB_231_01.png', 'MB_231_2.png', 'THP1_7.png']);
    const report = await importImages(root, join(folder, 'out'));
    expect(report.classes).toEqual([
      { name: 'MB_231', count: 2 },
      { name: 'THP1', count: 1 },
    ]);
    expect(report.warnings.join()).toMatch(/classes were taken from what stands in each name/);
    await writeImages(root, ['scan.png']);
    await expect(importImages(root, join(folder, 'other'))).rejects.toThrow(
      /Received 1 other names, such as scan\.png/,
    );
    const chosen = await importImages(root, join(folder, 'other'), { classFrom: 'prefix' });
    expect(chosen).toMatchObject({ added: 3, failed: { count: 1 }, warnings: [] });
    await expect(importImages(root, join(folder, 'third'), { classFrom: 'folder' })).rejects.toThrow(
      /lie in it directly/,
    );
  }));

test('a CSV file gives path, label, group, split and truth, under any column names', () =>
  withFolder(async folder => {
    await writeImages(folder, ['img/1.png', 'img/a b.png', 'img/ü,3.png']);
    await writeTree(folder, {
      'cells.csv':
        '\uFEFFpath,label,group,split,truth\r\nimg/1.png,x,run 1,train,good\r\n' +
        '"img/ü,3.png",y,,VALID,\r\nimg\\a b.png,,run 2,test,empty\r\nimg/1.png,x,run 1,train,good\r\n',
      'german.csv': 'Datei;Klasse;Spender\nimg/1.png;x;d1\nimg/a b.png;y;d2\n',
    });
    const report = await importImages(folder, join(folder, 'out'));
    expect(report.layout).toBe('CSV list with the columns path, label, group, split, truth');
    expect(report.warnings).toEqual([
      '1 images are listed more than once; each was taken once.',
      '1 cells have no label.',
    ]);
    expect((await cellsOf(join(folder, 'out'))).map(({ h: _, w: __, frame: ___, ...cell }) => cell)).toEqual([
      { source: 'img/1.png', label: 'x', group: 'run 1', split: 'train', truth: 'good' },
      { source: 'img/ü,3.png', label: 'y', group: null, split: 'validation', truth: null },
      { source: 'img/a b.png', label: null, group: 'run 2', split: 'test', truth: 'empty' },
    ]);
    const german = join(folder, 'german.csv');
    const columns = { pathColumn: 'Datei', labelColumn: 'klasse', groupColumn: 'Spender' };
    await importImages(german, join(folder, 'out2'), columns);
    expect((await cellsOf(join(folder, 'out2'))).map(cell => [cell.label, cell.group])).toEqual([
      ['x', 'd1'],
      ['y', 'd2'],
    ]);
    await expect(importImages(german, join(folder, 'out3'))).rejects.toThrow(
      /must have a column "path".*Received the columns Datei, Klasse, Spender\. .*--path-column/,
    );
  }));

test("the public data set's lists are read in both spellings, labels as numbers or names", () =>
  withFolder(async folder => {
    const names = ['THP1/1.png', 'THP1/2 b.png', 'MCF7/1.png'];
    await writeImages(folder, names);
    await writeTree(folder, {
      'Train.txt': 'THP1/1.png 1\nMCF7/1.png 0\n',
      'Valid.txt': 'THP1/2 b.png THP1\n\nTHP1/3.png 9\nonly-a-path\n',
      'labels.txt': 'MCF7 0\nTHP1 1\nPBMC 2\n',
    });
    const report = await importImages(folder, join(folder, 'out'));
    expect(report.classes).toEqual([
      { name: 'MCF7', count: 1 },
      { name: 'THP1', count: 2 },
      { name: 'PBMC', count: 0 },
    ]);
    expect(report.failed.byReason.map(({ reason, examples }) => [reason, examples])).toEqual([
      ['label "9" is not in labels.txt', ['THP1/3.png']],
      ['the line is not a path and a label', ['line 4 of Valid.txt']],
    ]);
    expect((await cellsOf(join(folder, 'out'))).map(cell => [cell.label, cell.split])).toEqual([
      ['THP1', 'train'],
      ['MCF7', 'train'],
      ['THP1', 'validation'],
    ]);
    await rename(join(folder, 'Train.txt'), join(folder, 'train.txt'));
    await rename(join(folder, 'Valid.txt'), join(folder, 'val.txt'));
    await writeFile(join(folder, 'labels.txt'), 'MCF7\nTHP1\n');
    const again = await importImages(folder, join(folder, 'out2'));
    expect(again.classes.map(({ count }) => count)).toEqual([1, 2]);
    await writeFile(join(folder, 'Test.txt'), 'gone/1.png 0\ngone/2.png 1\n');
    await writeFile(join(folder, 'test.txt'), 'gone/1.png 0\n');
    await expect(importImages(folder, join(folder, 'out3'))).rejects.toThrow(
      /one list a split. Received .*Test\.txt, test\.txt/,
    );
  }));

test('a thousand bad files make a short summary, a full list beside, and do not stop the rest', () =>
  withFolder(async folder => {
    const files: Record<string, string | Buffer> = { 'in/a/good.png': await grayPng(9, 9, 1) };
    for (let i = 0; i < 1000; i++) files[`in/b/${i}, "${i}".png`] = i % 4 === 0 ? '' : `text ${i}`;
    const half = await grayPng(50, 50, 2);
    files['in/a/half.png'] = half.subarray(0, half.length / 2);
    await writeTree(folder, files);
    const report = await importImages(join(folder, 'in'), join(folder, 'out'));
    expect(report).toMatchObject({ added: 1, failed: { count: 1001 } });
    expect(report.failed.byReason.slice(0, 2)).toEqual([
      {
        reason: 'not an image, whatever its name says',
        count: 750,
        examples: ['b/1, "1".png', 'b/10, "10".png', 'b/101, "101".png'],
      },
      {
        reason: 'file is empty',
        count: 250,
        examples: ['b/0, "0".png', 'b/100, "100".png', 'b/104, "104".png'],
      },
    ]);
    expect(report.failed.byReason).toHaveLength(3);
    expect(report.warnings).toContain('The class b has no cell.');
    const list = (await readFile(join(folder, 'out', 'import-failures.csv'), 'utf8')).trim().split('\n');
    expect(list).toHaveLength(1002);
    expect(list).toContain('"b/0, ""0"".png",file is empty');
  }));

test('strict stops at the first bad file and keeps what came before', () =>
  withFolder(async folder => {
    await writeImages(folder, ['in/a/1.png', 'in/b/1.png']);
    await writeTree(folder, { 'in/b/0.png': 'text' });
    const stopped = importImages(join(folder, 'in'), join(folder, 'out'), { strict: true });
    await expect(stopped).rejects.toMatchObject({ code: 'image-unreadable' });
    await expect(stopped).rejects.toThrow(/b\/0\.png is not: not an image/);
    expect((await cellsOf(join(folder, 'out'))).map(cell => cell.source)).toEqual(['a/1.png']);
  }));

test('an interrupted import goes on where it stopped, and a finished one adds nothing', () =>
  withFolder(async folder => {
    const [root, out] = [join(folder, 'in'), join(folder, 'out')];
    const stack = encodeTiff([1, 2, 3].map(n => ({ pixels: grayPixels(5, 6, n), height: 5, width: 6 })));
    await writeImages(root, ['a/1.png', 'a/2.png', 'b/1.png']);
    await writeTree(root, { 'b/stack.tif': stack });
    const first = await importImages(root, out);
    expect(first).toMatchObject({ added: 6, alreadyThere: 0 });
    await writeImages(root, ['a/0.png', 'c/1.png']);
    const second = await importImages(root, out);
    expect(second).toMatchObject({ cells: 8, added: 2, alreadyThere: 6 });
    expect(await importImages(root, out)).toMatchObject({ cells: 8, added: 0, alreadyThere: 8 });
    const cells = await cellsOf(out);
    expect(cells.map(cell => `${cell.label} ${cell.source} ${cell.frame}`)).toEqual([
      'a a/1.png 0',
      'a a/2.png 0',
      'b b/1.png 0',
      'b b/stack.tif 0',
      'b b/stack.tif 1',
      'b b/stack.tif 2',
      'a a/0.png 0',
      'c c/1.png 0',
    ]);
    await writeImages(join(folder, 'other'), ['a/1.png']);
    const changed = importImages(root, out, { size: [64, 64] });
    await expect(changed).rejects.toMatchObject({ code: 'dataset-exists' });
    await expect(changed).rejects.toThrow(/began with: size 128 x 128.* Received size 64 x 64/);
    await expect(importImages(join(folder, 'other'), out)).rejects.toThrow(
      /hold an earlier import of .*other, but holds/,
    );
  }));

test('a cancelled import keeps what it has committed and can go on', () =>
  withFolder(async folder => {
    const [root, out] = [join(folder, 'in'), join(folder, 'out')];
    await writeImages(
      root,
      Array.from({ length: 40 }, (_, i) => `${'ab'[i % 2]}/${i}.png`),
    );
    const controller = new AbortController();
    const job = { signal: controller.signal, onProgress: () => controller.abort() };
    await expect(importImages(root, out, {}, job)).rejects.toMatchObject({ code: 'cancelled' });
    expect(await importImages(root, out)).toMatchObject({ cells: 40 });
  }));

test('progress ends at the number of images', () =>
  withFolder(async folder => {
    await writeImages(folder, ['in/a/1.png', 'in/b/1.png', 'in/b/2.png']);
    const seen: unknown[] = [];
    const onProgress = (progress: unknown) => seen.push(progress);
    await importImages(join(folder, 'in'), join(folder, 'out'), {}, { onProgress });
    expect(seen.at(-1)).toEqual({ stage: 'importing', done: 3, total: 3, unit: 'images' });
  }));

test('sources without images are refused with what is wrong', () =>
  withFolder(async folder => {
    const out = join(folder, 'out');
    await writeTree(folder, {
      'empty/.keep': '',
      'notes/a/readme.txt': 'x',
      'one.png': 'x',
      'gone.csv': 'path,label\n1.png,a\n2.png,b\n',
      'none.csv': '',
      'head.csv': 'path,label\n',
      'binary.csv': 'path,label\n\xff\xfe\x00\x01"\n',
    });
    const refuse = async (source: string, message: RegExp, options: ImportOptions = {}) => {
      const error = await importImages(join(folder, source), out, options).catch(error => error);
      expect(error.message).toMatch(message);
      expect(error.code).toBe('source-invalid');
      expect(existsSync(out)).toBe(false);
    };
    await refuse('absent', /it cannot be found/);
    await refuse('empty', /holds none; it is empty/);
    await refuse('notes', /holds none; its 1 files are of other kinds/);
    await refuse('one.png', /for one image give its folder/);
    await refuse('gone.csv', /none of 2 can: file not found \(2; 1\.png\)/);
    await refuse('none.csv', /begin with a header such as "path,label", but is empty/);
    await refuse('head.csv', /no row below its header/);
    await refuse('empty', /must hold Train\.txt, Valid\.txt or Test\.txt/, { format: 'lists' });
    await refuse('empty', /must hold a file cells\.csv/, { format: 'csv' });
    await refuse('one.png', /must be an \.npz file/, { format: 'npz' });
  }));

test('wrong options are refused by name', () =>
  withFolder(async folder => {
    await writeImages(folder, ['in/a/1.png']);
    const wrong: [ImportOptions, RegExp][] = [
      [{ size: [0, 128] }, /size/],
      [{ size: [Number.NaN, 128] }, /size/],
      [{ size: [128, 5000] }, /size/],
      [{ channels: [] }, /channels/],
      [{ channels: [-1] }, /channels/],
      [{ fit: 'crop' as 'pad' }, /fit/],
      [{ depth: 12 as 8 }, /depth/],
      [{ groupFrom: '(' }, /regular expression/],
      [{ classes: ['a'] }, /classes must be used with the format lists or npz\. .* is read as folders/],
      [{ pathColumn: 'a' }, /pathColumn must be used with the format csv/],
      [{ sise: [1, 1] } as ImportOptions, /sise/],
    ];
    for (const [options, message] of wrong) {
      const error = await importImages(join(folder, 'in'), join(folder, 'out'), options).catch(
        error => error,
      );
      expect(error.message).toMatch(message);
      expect(error.code).toBe('option-invalid');
    }
  }));

test('links are followed, but not in circles', () =>
  withFolder(async folder => {
    await writeImages(folder, ['in/a/1.png', 'elsewhere/2.png']);
    await symlink(join(folder, 'elsewhere'), join(folder, 'in', 'b'));
    await symlink(join(folder, 'in'), join(folder, 'in', 'a', 'loop'));
    await symlink(join(folder, 'nowhere'), join(folder, 'in', 'a', 'broken.png'));
    const report = await importImages(join(folder, 'in'), join(folder, 'out'));
    expect(report.classes).toEqual([
      { name: 'a', count: 1 },
      { name: 'b', count: 1 },
    ]);
    expect(report.failed.byReason.map(({ reason, examples }) => [reason, examples[0]])).toEqual([
      ['link leads nowhere', 'a/broken.png'],
      ['link leads back to a folder above it', 'a/loop'],
    ]);
  }));

test('one class alone is imported with a warning', () =>
  withFolder(async folder => {
    await writeImages(folder, ['in/a/1.png', 'in/a/2.png']);
    const { warnings } = await importImages(join(folder, 'in'), join(folder, 'out'));
    expect(warnings).toEqual(['All labelled cells are of the class a; training needs two classes or more.']);
  }));

test('a 16-bit image makes a 16-bit data set; 8-bit ones in it are scaled, and the report says so', () =>
  withFolder(async folder => {
    const values = Uint16Array.from([0, 1000, 40_000, 65_535]);
    const wide = encodeTiff([{ pixels: values, height: 2, width: 2 }]);
    const narrow = encodeTiff([{ pixels: Uint8Array.from([0, 4, 155, 255]), height: 2, width: 2 }]);
    await writeTree(folder, { 'in/a/1.tif': wide, 'in/b/1.tif': narrow });
    const read = async (out: string) => {
      const dataset = await Dataset.open(out, 'read');
      const images = dataset.images();
      const pixels = Array.from({ length: dataset.count }, (_, id) => [...images.read(id)]);
      await dataset.close();
      return pixels;
    };
    const size: [number, number] = [2, 2];
    const auto = await importImages(join(folder, 'in'), join(folder, 'auto'), { size });
    expect(auto).toMatchObject({ pixelType: 'uint16', rescaled: 1, failed: { count: 0 } });
    expect(await read(join(folder, 'auto'))).toEqual([[...values], [0, 4 * 257, 155 * 257, 65_535]]);
    const eight = await importImages(join(folder, 'in'), join(folder, 'eight'), { size, depth: 8 });
    expect(eight).toMatchObject({ pixelType: 'uint8', rescaled: 1, failed: { count: 0 } });
    expect(await read(join(folder, 'eight'))).toEqual([
      [0, 4, 156, 255],
      [0, 4, 155, 255],
    ]);
  }));

test('channels are chosen by number, and an image that lacks one is a failure', () =>
  withFolder(async folder => {
    const file = 'in/a/gray.png';
    await writeImages(folder, [file]);
    const { default: sharp } = await import('sharp');
    const rgb = Buffer.from([10, 20, 30, 40, 50, 60]);
    const colour = await sharp(rgb, { raw: { width: 2, height: 1, channels: 3 } })
      .png()
      .toBuffer();
    await writeTree(folder, { 'in/b/rgb.png': colour });
    const options: ImportOptions = { channels: [2, 0], size: [1, 2] };
    const report = await importImages(join(folder, 'in'), join(folder, 'out'), options);
    expect(report.failed.byReason).toMatchObject([{ reason: 'has no channel 2, only 1 from 0', count: 1 }]);
    const dataset = await Dataset.open(join(folder, 'out'), 'read');
    expect([...dataset.images().read(0)]).toEqual([30, 60, 10, 40]);
    await dataset.close();
  }));
