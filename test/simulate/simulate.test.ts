import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { Dataset } from '../../src/dataset/dataset.ts';
import type { SimulateOptions } from '../../src/simulate/options.ts';
import { simulate } from '../../src/simulate/simulate.ts';

const forever = fileURLToPath(new URL('./simulateForever.mjs', import.meta.url));

async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'brightcell-simulate-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** All that a data set says of its cells, and a checksum of each shard. */
async function contentOf(path: string): Promise<unknown> {
  const dataset = await Dataset.open(path, 'read');
  try {
    const rows = await dataset.query('SELECT * FROM cells ORDER BY id');
    const shards = (await readdir(join(path, 'images'))).sort();
    const hash = async (name: string) =>
      createHash('sha256')
        .update(await readFile(join(path, 'images', name)))
        .digest('hex');
    return { rows: JSON.stringify(rows), shards: await Promise.all(shards.map(hash)) };
  } finally {
    await dataset.close();
  }
}

test('a data set holds the types alike, the faults asked for, and the truth of each cell', () =>
  withFolder(async folder => {
    const out = join(folder, 'cells');
    const report = await simulate(out, { cells: 500, faults: 0.24, seed: 5, size: [32, 32] });
    expect(report).toMatchObject({ out, cells: 500, before: 0, seed: 5, confounded: false, sessions: 12 });
    for (const { count } of report.classes) expect(Math.abs(count - 125)).toBeLessThan(4);
    const faults = report.truths.filter(({ name }) => name !== 'good');
    expect(faults).toHaveLength(6);
    for (const { count } of faults) expect(Math.abs(count - 20)).toBeLessThan(4);
    const dataset = await Dataset.open(out, 'read');
    try {
      expect(dataset.count).toBe(500);
      expect(dataset.header).toMatchObject({
        classes: ['THP1', 'MCF7', 'MB231', 'PBMC'],
        height: 32,
        width: 32,
      });
      expect(dataset.header.provenance.options).toMatchObject({ seed: 5, cells: 500, faults: 0.24 });
      const { group, label } = await dataset.cells();
      expect(new Set(group).size).toBe(12);
      expect(group[0]).toMatch(/^session-\d\d$/);
      expect(new Set(label).size).toBe(4);
    } finally {
      await dataset.close();
    }
  }));

test('weights make types rare or leave them out', () =>
  withFolder(async folder => {
    const options = { cells: 400, size: [8, 8] as [number, number], weights: { PBMC: 0.1, MB231: 0 } };
    const { classes } = await simulate(join(folder, 'cells'), options);
    const count = Object.fromEntries(classes.map(({ name, count }) => [name, count]));
    expect(count.MB231).toBe(0);
    expect(count.PBMC).toBeGreaterThan(14);
    expect(count.PBMC).toBeLessThan(24);
    expect(Math.abs(count.THP1! - count.MCF7!)).toBeLessThan(6);
  }));

test('no faults is possible', () =>
  withFolder(async folder => {
    const { truths } = await simulate(join(folder, 'cells'), { cells: 50, faults: 0, size: [8, 8] });
    expect(truths[0]).toEqual({ name: 'good', count: 50 });
  }));

const long: SimulateOptions = { cells: 700, size: [256, 256], seed: 2 };

test('a stopped simulation goes on where it stopped, to the same data set', () =>
  withFolder(async folder => {
    const stop = new AbortController();
    const out = join(folder, 'stopped');
    const stopped = simulate(out, long, { signal: stop.signal, onProgress: () => stop.abort() });
    await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
    const report = await simulate(out, long);
    expect(report.before).toBe(512);
    const straight = await simulate(join(folder, 'straight'), long);
    expect(report.classes).toEqual(straight.classes);
    expect(report.truths).toEqual(straight.truths);
    expect(await contentOf(out)).toEqual(await contentOf(join(folder, 'straight')));
    expect((await simulate(out, long)).before).toBe(700);
  }));

test('a killed simulation goes on where it stopped, to the same data set', () =>
  withFolder(async folder => {
    const options: SimulateOptions = { cells: 700, size: [400, 400], seed: 2 };
    const out = join(folder, 'killed');
    const child = spawn(process.execPath, [forever, out, JSON.stringify(options)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await ended;
    const report = await simulate(out, options);
    expect(report.before).toBeGreaterThan(0);
    expect(report.before).toBeLessThan(700);
    await simulate(join(folder, 'straight'), options);
    expect(await contentOf(out)).toEqual(await contentOf(join(folder, 'straight')));
  }));

test('a data set with other options, and other files, are left alone', () =>
  withFolder(async folder => {
    const out = join(folder, 'cells');
    await simulate(out, { cells: 20, size: [8, 8] });
    const other = simulate(out, { cells: 21, size: [8, 8] });
    await expect(other).rejects.toMatchObject({
      code: 'dataset-exists',
      message: expect.stringContaining('same options'),
    });
    await mkdir(join(folder, 'mine'));
    await writeFile(join(folder, 'mine', 'notes.txt'), 'mine');
    await expect(simulate(join(folder, 'mine'), { cells: 20 })).rejects.toMatchObject({
      code: 'dataset-exists',
    });
    expect(await readdir(join(folder, 'mine'))).toEqual(['notes.txt']);
  }));

test('progress counts up to all cells', () =>
  withFolder(async folder => {
    const seen: number[] = [];
    await simulate(
      join(folder, 'cells'),
      { cells: 300, size: [512, 512] },
      {
        onProgress: ({ stage, done, total }) => {
          expect([stage, total]).toEqual(['simulating', 300]);
          seen.push(done);
        },
      },
    );
    expect(seen).toEqual([128, 256, 300]);
  }));

test.each<[unknown, RegExp]>([
  [{}, /cells must be a whole number from 1 to 100000000\. Received undefined/],
  [{ cells: 0 }, /cells must be .* Received 0/],
  [{ cells: 1.5 }, /cells must be .* Received 1\.5/],
  [{ cells: Number.NaN }, /cells must be .* Received NaN/],
  [{ cells: 1e9 }, /cells must be .* Received 1000000000/],
  [{ cells: 9, seed: -1 }, /seed must be a whole number from 0 .* Received -1/],
  [{ cells: 9, faults: 1 }, /faults must be a number from 0 to below 1\. Received 1/],
  [{ cells: 9, faults: Number.NaN }, /faults must be .* Received NaN/],
  [{ cells: 9, sessions: 0 }, /sessions must be a whole number from 1 to 1000\. Received 0/],
  [
    { cells: 9, sessions: 3, confounded: true },
    /sessions must be a whole number from 4 to 1000\. Received 3/,
  ],
  [
    { cells: 9, weights: { HeLa: 1 } },
    /weights must name cell types: THP1, MCF7, MB231, PBMC\. Received HeLa/,
  ],
  [{ cells: 9, weights: { THP1: -1 } }, /weight of THP1 must be .* Received -1/],
  [{ cells: 9, weights: { THP1: 0, MCF7: 0, MB231: 0, PBMC: 0 } }, /At least one weight/],
  [{ cells: 9, size: [0, 4] }, /size must be \[height, width\]/],
  [{ cells: 9, images: true, size: [4, 4] }, /size belongs to a data set/],
  [{ cells: 9, confounded: 'yes' }, /confounded must be true or false\. Received yes/],
  [{ cells: 9, colour: true }, /Options of simulate must be of: .* Received colour/],
])('%j is refused with what must hold', async (options, message) => {
  const refused = simulate(join(tmpdir(), 'never-made'), options as SimulateOptions);
  await expect(refused).rejects.toMatchObject({
    code: 'option-invalid',
    message: expect.stringMatching(message),
  });
});
