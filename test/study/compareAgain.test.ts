import { existsSync } from 'node:fs';
import { cp, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { split } from '../../src/dataset/split.ts';
import { compare } from '../../src/study/compare.ts';
import type { CompareReport } from '../../src/study/compareReport.ts';
import { brightcell } from '../cli/brightcell.ts';
import { makeToy, type Toy } from '../train/toyDataset.ts';

let toy: Toy;
let out: string;
let report: CompareReport;
const tiny = { epochs: 3, batchSize: 30, augmentation: false } as const;
const methods = () => ['centroid', { name: 'tiny', method: toy.network, settings: tiny }];

beforeAll(async () => {
  toy = await makeToy([40, 12, 15], { discs: true });
  out = join(toy.folder, 'comparison');
  report = await compare(toy.dataset, { methods: methods(), out });
}, 240_000);
afterAll(() => toy.remove());

const finished = (of: CompareReport, name: string) => {
  const method = of.methods.find(one => one.name === name)!;
  if ('failure' in method) throw new Error(method.failure.message);
  return method;
};

describe('the same call again', () => {
  test('keeps what is finished, adds a method, and gives the same scores', async () => {
    const again = await compare(toy.dataset, {
      methods: ['centroid', 'pixels+centroid', methods()[1]!],
      out,
    });
    expect(finished(again, 'centroid').kept).toBe(true);
    expect(finished(again, 'tiny').kept).toBe(true);
    expect(finished(again, 'pixels+centroid').kept).toBe(false);
    const scores = (of: CompareReport, name: string) =>
      of.parts.map(one => one.comparison.methods.find(method => method.method === name)!.scores);
    expect(scores(again, 'tiny')).toEqual(scores(report, 'tiny'));
    expect(scores(again, 'pixels+centroid')).toEqual(scores(again, 'centroid'));
    // Two methods that say the same: no cell on which only one is right.
    expect(again.parts[1]!.comparison.pairs[0]).toMatchObject({ onlyFirst: 0, onlySecond: 0, p: 1 });
  });

  test('with other settings or another seed fits that method anew', async () => {
    const own = join(toy.folder, 'own');
    const one = { name: 'tiny', method: toy.network, settings: tiny };
    await compare(toy.dataset, { methods: [one], out: own });
    const other = await compare(toy.dataset, {
      methods: [{ ...one, settings: { ...tiny, epochs: 2 } }],
      out: own,
    });
    expect(finished(other, 'tiny')).toMatchObject({ kept: false, fit: { settings: { epochs: 2 } } });
    const seeded = await compare(toy.dataset, { methods: [one], out: own, seed: 5 });
    expect(finished(seeded, 'tiny')).toMatchObject({ kept: false, fit: { settings: { seed: 5 } } });
  });

  test('on a data set whose split has changed fits everything anew', async () => {
    const copy = join(toy.folder, 'copy');
    await cp(toy.dataset, copy, { recursive: true });
    const own = join(toy.folder, 'changed');
    await compare(copy, { methods: ['centroid'], out: own });
    await split(copy, { by: 'cell', seed: 9 });
    expect(finished(await compare(copy, { methods: ['centroid'], out: own }), 'centroid').kept).toBe(false);
  });

  test('after a kill goes on where it was', async () => {
    const own = join(toy.folder, 'killed');
    const config = join(toy.folder, 'methods.json');
    await writeFile(
      config,
      JSON.stringify({
        centroid: {},
        slow: { method: toy.network, epochs: 5000, patience: 0, augmentation: false },
      }),
    );
    const done = join(own, 'methods', 'centroid', 'score.json');
    const slow = join(own, 'methods', 'slow', 'task.json');
    const args = ['compare', toy.dataset, '--config', config, '--out', own];
    const killed = await brightcell(args, {
      interruptWhen: () => existsSync(done) && existsSync(slow),
      signal: 'SIGKILL',
    });
    expect(killed.code).toBeNull();
    const again = await compare(toy.dataset, {
      methods: ['centroid', { ...(methods()[1] as object), name: 'slow' }],
      out: own,
    });
    expect(finished(again, 'centroid').kept).toBe(true);
    expect(finished(again, 'slow').kept).toBe(false);
  });

  test('stopped by Ctrl-C says how to go on and leaves no lock', async () => {
    const own = join(toy.folder, 'stopped');
    const slow = join(own, 'methods', 'tiny', 'task.json');
    const config = join(toy.folder, 'slow.json');
    await writeFile(
      config,
      JSON.stringify({ tiny: { method: toy.network, epochs: 5000, patience: 0, augmentation: false } }),
    );
    const stopped = await brightcell(['compare', toy.dataset, '--config', config, '--out', own], {
      interruptWhen: () => existsSync(slow),
    });
    expect(stopped.code).toBe(130);
    expect(stopped.stderr).toContain('Go on with the same command');
    expect(await readdir(own)).toEqual(['methods']);
  });
});
