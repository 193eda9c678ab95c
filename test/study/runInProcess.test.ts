import { readdirSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Dataset } from '../../src/dataset/dataset.ts';
import type { MethodTask } from '../../src/study/methodTask.ts';
import { runInProcess } from '../../src/study/runInProcess.ts';
import { makeToy, type Toy } from '../train/toyDataset.ts';

let toy: Toy;
let fingerprint: string;
beforeAll(async () => {
  toy = await makeToy([30, 6, 6], { discs: true });
  const dataset = await Dataset.open(toy.dataset, 'read');
  fingerprint = await dataset.fingerprint();
  await dataset.close();
});
afterAll(() => toy.remove());

async function taskOf(method: string, settings: Record<string, unknown> = {}): Promise<MethodTask> {
  const folder = join(toy.folder, `task-${Math.random().toString(36).slice(2)}`);
  await mkdir(folder);
  const parts: MethodTask['parts'] = ['validation', 'test'];
  return {
    method,
    settings,
    dataset: toy.dataset,
    fingerprint,
    seed: 0,
    fold: null,
    cells: null,
    parts,
    folder,
  };
}

const endless = { epochs: 100_000, patience: 0, augmentation: false };

/** Numbers of the child processes that do a step of a study. */
function findChildren(): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .filter(name => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
        return (
          parent === process.pid && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('methodProcess')
        );
      } catch {
        return false; // it ended meanwhile
      }
    })
    .map(Number);
}

describe('a step of a study in a process of its own', () => {
  test('gives its figures', async () => {
    const task = await taskOf('centroid');
    expect(await runInProcess('fit', task)).toMatchObject({ trainingCells: 90 });
    expect(await runInProcess('score', task)).toMatchObject({
      classes: ['flat', 'level', 'upright'],
      parts: [
        { part: 'validation', cells: 18 },
        { part: 'test', cells: 18 },
      ],
    });
  });

  test("measures memory without its parent's", async () => {
    const large = new Uint8Array(700e6).fill(1);
    const { startBytes, peakBytes } = await runInProcess('fit', await taskOf('centroid'));
    expect(large.at(-1)).toBe(1);
    expect(startBytes).toBeLessThan(400e6);
    expect(peakBytes).toBeLessThan(500e6);
  });

  test('throws what the work threw', async () => {
    const changed = { ...(await taskOf('centroid')), fingerprint: '0'.repeat(64) };
    await expect(runInProcess('fit', changed)).rejects.toMatchObject({ code: 'dataset-changed' });
    await expect(runInProcess('score', await taskOf('centroid'))).rejects.toMatchObject({
      code: 'model-missing',
    });
  });

  test.runIf(process.platform === 'linux')('that is killed is an error that says so', async () => {
    const step = runInProcess('fit', await taskOf(toy.network, endless), {
      onProgress: () => {
        for (const pid of findChildren()) process.kill(pid, 'SIGKILL');
      },
    });
    await expect(step).rejects.toMatchObject({
      code: 'method-crashed',
      message: expect.stringMatching(/ended with SIGKILL\. Most likely no memory was left/),
    });
  });

  test('stops with the job, and ends', async () => {
    const controller = new AbortController();
    const step = runInProcess('fit', await taskOf(toy.network, endless), {
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    await expect(step).rejects.toMatchObject({ code: 'cancelled' });
    if (process.platform === 'linux') expect(findChildren()).toEqual([]);
    const late = runInProcess('fit', await taskOf('centroid'), { signal: AbortSignal.abort() });
    await expect(late).rejects.toMatchObject({ code: 'cancelled' });
  });
});
