import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { brightcell, temporaryFolder } from './brightcell.ts';

const folder = temporaryFolder();
const images = join(folder, 'images');
const run = (...args: string[]) => brightcell(args, { cwd: folder });

beforeAll(async () => {
  for (const name of ['round', 'long']) {
    mkdirSync(join(images, name), { recursive: true });
    for (let i = 0; i < 12; i++) await drawNoise(join(images, name, `${i}.png`), 20 + i, 30, i);
  }
});

async function drawNoise(path: string, height: number, width: number, seed: number): Promise<void> {
  const pixels = Buffer.from(Array.from({ length: height * width }, (_, i) => (i * 7919 + seed * 31) % 251));
  await sharp(pixels, { raw: { width, height, channels: 1 } })
    .png()
    .toFile(path);
}

describe('brightcell import', () => {
  test('says what it made of the images and what to type next', async () => {
    const { code, stdout, stderr } = await run('import', 'images', '--out', 'cells', '--size', '32x48');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/Imported 24 cells/);
    expect(stdout).toMatch(/long +12\n round +12/);
    expect(stdout).toContain('Next: brightcell screen cells');
    const header = JSON.parse(readFileSync(join(folder, 'cells/dataset.json'), 'utf8'));
    expect(header).toMatchObject({ height: 32, width: 48, classes: ['long', 'round'] });
  });

  test('with --json gives one object', async () => {
    const { code, stdout } = await run('import', 'images', '--out', 'json', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ cells: 24, added: 24, failed: { count: 0 } });
  });

  test('again with the same arguments adds nothing', async () => {
    const { code, stdout } = await run('import', 'images', '--out', 'cells', '--size', '32x48', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ cells: 24, added: 0 });
  });

  test('a thousand bad files make a short summary', async () => {
    cpSync(images, join(folder, 'spoiled'), { recursive: true });
    for (let i = 0; i < 1000; i++) writeFileSync(join(folder, 'spoiled/round', `bad${i}.png`), 'no image');
    const { code, stdout } = await run('import', 'spoiled', '--out', 'spoiled-cells');
    expect(code).toBe(0);
    expect(stdout).toContain('1,000 images could not be read');
    expect(stdout.split('\n').length).toBeLessThan(25);
    expect(existsSync(join(folder, 'spoiled-cells/import-failures.csv'))).toBe(true);
  });

  test('with --strict the first bad file stops it', async () => {
    const { code, stderr } = await run('import', 'spoiled', '--out', 'strict-cells', '--strict');
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/bad\d+\.png/);
    expect(stderr).not.toContain('    at ');
  });

  test('an empty folder is refused with the remedy', async () => {
    mkdirSync(join(folder, 'empty'));
    const { code, stderr, stdout } = await run('import', 'empty', '--out', 'none');
    expect(code).toBe(2);
    expect(stderr).toContain('empty');
    expect(stdout).toBe('');
    expect(existsSync(join(folder, 'none'))).toBe(false);
  });

  test('a CSV that names missing images reports each and imports the rest', async () => {
    writeFileSync(
      join(images, 'some.csv'),
      'path,label\nround/0.png,round\nround/1.png,round\nlong/0.png,long\ngone/1.png,long\ngone/2.png,long\n',
    );
    const { code, stdout } = await run('import', 'images/some.csv', '--out', 'some', '--json');
    expect(code).toBe(0);
    const report = JSON.parse(stdout);
    expect(report.cells).toBe(3);
    expect(report.failed.count).toBe(2);
    expect(JSON.stringify(report.failed.byReason)).toContain('gone/1.png');
  });

  test('settings out of range are refused before anything is made', async () => {
    for (const option of [
      '--size=NaN',
      '--size=0x5',
      '--size=-3',
      '--channels=red',
      '--depth=12',
      '--fit=best',
    ]) {
      const { code, stderr } = await run('import', 'images', '--out', 'wrong', option);
      expect({ option, code }).toEqual({ option, code: 2 });
      expect(stderr).toContain(option.split('=')[0]);
    }
    expect(existsSync(join(folder, 'wrong'))).toBe(false);
  });
});
