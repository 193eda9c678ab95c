import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { brightcell, temporaryFolder } from './brightcell.ts';

const folder = temporaryFolder();
const run = (...args: string[]) => brightcell(args, { cwd: folder });

describe('brightcell simulate', () => {
  test('makes a data set and says what is in it', async () => {
    const { code, stdout, stderr } = await run('simulate', '--cells', '80', '--out', 'cells');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/Simulated 80 cells/);
    expect(stdout).toMatch(/THP1 +20 /);
    expect(stdout).toMatch(/defocused +\d/);
    expect(stdout).toContain('Next: brightcell screen cells');
    expect(existsSync(join(folder, 'cells/dataset.json'))).toBe(true);
  });

  test('with --images makes class folders and a list of them', async () => {
    const { code, stdout } = await run('simulate', '--cells', '40', '--out', 'images', '--images', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ cells: 40, confounded: false });
    expect(readdirSync(join(folder, 'images')).sort()).toEqual(
      expect.arrayContaining(['MB231', 'MCF7', 'PBMC', 'THP1', 'cells.csv']),
    );
    expect(readFileSync(join(folder, 'images/cells.csv'), 'utf8').trim().split('\n')).toHaveLength(41);
  });

  test('the same seed gives the same cells, whatever the number of threads', async () => {
    const shards = [];
    for (const threads of ['1', '2']) {
      const args = ['--cells', '60', '--seed', '7', '--out', `seed-${threads}`, '--threads', threads];
      expect(await run('simulate', ...args)).toMatchObject({ code: 0 });
      shards.push(readFileSync(join(folder, `seed-${threads}/images/00000.npy`)));
    }
    expect(shards[0]!.equals(shards[1]!)).toBe(true);
  });

  test('settings out of range are refused before anything is made', async () => {
    for (const option of [
      '--cells=0',
      '--cells=NaN',
      '--faults=1.5',
      '--seed=-1',
      '--weights=PBMC',
      '--sessions=0',
    ]) {
      const { code, stderr } = await run('simulate', '--cells', '10', '--out', 'wrong', option);
      expect({ option, code }).toEqual({ option, code: 2 });
      expect(stderr).toContain(option.split('=')[0]);
    }
    const { code, stderr } = await run('simulate', '--cells', '10', '--out', 'wrong', '--weights', 'HeLa=1');
    expect(code).toBe(2);
    expect(stderr).toContain('HeLa');
    expect(existsSync(join(folder, 'wrong'))).toBe(false);
  });

  test('Ctrl-C stops it cleanly, and the same command goes on', async () => {
    const args = ['simulate', '--cells', '4500', '--out', 'stopped'];
    const started = performance.now();
    const stopped = await brightcell(args, {
      cwd: folder,
      interruptWhen: () =>
        existsSync(join(folder, 'stopped/images/00000.npy')) || performance.now() - started > 4000,
    });
    expect(stopped.code).toBe(130);
    expect(stopped.stderr).toContain('Run the same command to go on.');
    const small = await run('simulate', '--cells', '4500', '--out', 'stopped', '--seed', '5');
    expect(small.code).not.toBe(0);
    const whole = await run(...args, '--json');
    expect(whole.code).toBe(0);
    expect(JSON.parse(whole.stdout).cells).toBe(4500);
  });
});
