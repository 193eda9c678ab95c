import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { brightcell, temporaryFolder } from './brightcell.ts';

const folder = temporaryFolder();
const run = (...args: string[]) => brightcell(args, { cwd: folder });

beforeAll(async () => {
  await run('simulate', '--cells', '60', '--size', '48x48', '--out', 'cells');
});

describe('brightcell features', () => {
  test('measures, says how many, and writes a file', async () => {
    const { code, stdout, stderr } = await run('features', 'cells', '--out', 'cells.csv');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/Measured \d{3} features of 60 cells in .* s\.\n/);
    expect(stdout).toContain('Written to cells.csv.');
    expect(readFileSync(join(folder, 'cells.csv'), 'utf8').trim().split('\n')).toHaveLength(61);
  });

  test('the second time measures nothing, and with --again everything', async () => {
    expect(JSON.parse((await run('features', 'cells', '--json')).stdout)).toMatchObject({
      measured: 0,
      cells: 60,
    });
    const { stdout } = await run('features', 'cells', '--again', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ measured: 60 });
  });

  test('a wrong ending and a missing data set are wrong uses', async () => {
    expect(await run('features', 'cells', '--out', 'cells.txt')).toMatchObject({ code: 2 });
    expect(await run('features', 'nowhere')).toMatchObject({ code: 2 });
  });
});
