import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { brightcell, mainFile, runProcess, temporaryFolder } from './brightcell.ts';

const folder = temporaryFolder();
const run = (...args: string[]) => brightcell(args, { cwd: folder });
const cells = 1500;

beforeAll(async () => {
  const outcome = await run('simulate', '--images', '--cells', String(cells), '--out', 'images');
  expect(outcome.code).toBe(0);
}, 120_000);

/** Sends a signal to an import as soon as its first images are on the disk. */
const importUntil = (out: string, signal: NodeJS.Signals) =>
  brightcell(['import', 'images', '--out', out], {
    cwd: folder,
    signal,
    interruptWhen: () => existsSync(join(folder, out, 'images/00000.npy')),
  });

describe('an import that is stopped', () => {
  test('by Ctrl-C says what stands and how to go on, and goes on', async () => {
    const stopped = await importUntil('interrupted', 'SIGINT');
    expect(stopped.code).toBe(130);
    expect(stopped.stdout).toBe('');
    expect(stopped.stderr).toContain('Stopping at the next safe point');
    expect(stopped.stderr).toContain('What was imported is kept. Run the same command to go on.');
    const report = JSON.parse((await run('import', 'images', '--out', 'interrupted', '--json')).stdout);
    expect(report.cells).toBe(cells);
    expect(report.added).toBeLessThan(cells);
  });

  test('by kill -9 has lost nothing committed, and goes on', async () => {
    const killed = await importUntil('killed', 'SIGKILL');
    expect(killed.code).toBe(null);
    const report = JSON.parse((await run('import', 'images', '--out', 'killed', '--json')).stdout);
    expect(report.cells).toBe(cells);
  });

  test('leaves the same data set as one that never stopped', async () => {
    expect((await run('import', 'images', '--out', 'whole')).code).toBe(0);
    const results = [];
    for (const name of ['whole', 'interrupted', 'killed']) {
      results.push(JSON.parse((await run('split', name, '--json')).stdout).splits);
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });
});

test('a second writer is refused while the first goes on', async () => {
  let second: ReturnType<typeof run> | undefined;
  const first = await brightcell(['import', 'images', '--out', 'shared'], {
    cwd: folder,
    signal: 'SIGCONT', // does nothing to the first
    interruptWhen: () => {
      if (!existsSync(join(folder, 'shared/images/00000.npy'))) return false;
      second = run('split', 'shared');
      return true;
    },
  });
  expect(first.code).toBe(0);
  const refused = await second!;
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('shared');
  expect(refused.stdout).toBe('');
});

test('on a terminal there is a progress bar with rate and time left, otherwise none', async () => {
  const command = `${process.execPath} ${mainFile} import images --out terminal`;
  const shown = await runProcess('script', ['-qec', command, '/dev/null'], { cwd: folder });
  expect(shown.code).toBe(0);
  expect(shown.stdout).toMatch(/\w+ [█░]+ \d+ % {2}[\d,]+ of 1,500 images {2}[\d,.]+\/s {2}[\d.]+ s left/);
  expect(shown.stdout).toContain('Imported 1,500 cells');
  const piped = await run('import', 'images', '--out', 'piped');
  expect(piped.stderr).toBe('');
});
