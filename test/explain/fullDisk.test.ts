// What explaining, auditing and reporting leave when the disk is full: what was there before, and nothing else.
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { audit } from '../../src/audit/audit.ts';
import { explainEmbed } from '../../src/explain/explainEmbed.ts';
import { explainFilters } from '../../src/explain/explainFilters.ts';
import { explainOcclusion } from '../../src/explain/explainOcclusion.ts';
import { train } from '../../src/methods/train.ts';
import { report } from '../../src/report/report.ts';
import { fillDisk, withSmallDisk } from '../smallDisk.ts';
import { makeToy, type Toy } from '../train/toyDataset.ts';

let toy: Toy;
let run: string;
beforeAll(async () => {
  toy = await makeToy([40, 12, 30]);
  const settings = { out: toy.runs, name: 'net', epochs: 3, batchSize: 16, augmentation: false } as const;
  run = (await train(toy.dataset, { model: toy.network, ...settings })).run;
});
afterAll(() => toy.remove());

test.for<[string, (out: string) => Promise<unknown>]>([
  ['occlusion', out => explainOcclusion(run, [], { out, perClass: 1, positions: 50 })],
  ['filters', out => explainFilters(run, [], { out, perClass: 5 })],
  ['embed', out => explainEmbed(run, undefined, { out, method: 'pca', layers: ['input'] })],
  ['audit', out => audit(toy.dataset, undefined, { out, parts: ['leak'] })],
  ['report', out => report([run], { out: join(out, 'report.html'), explain: false })],
])('%s on a full disk says so and leaves what was there', ([name, write], context) => {
  const place = join(toy.folder, `disk-${name}`);
  return withSmallDisk(context, { place, megabytes: 8 }, async () => {
    const out = join(place, 'made');
    const ballast = join(place, 'ballast');
    if (name !== 'report') {
      fillDisk(ballast);
      await expect(write(out)).rejects.toMatchObject({
        code: 'disk-full',
        message: expect.stringContaining(out),
      });
      expect(await readdir(place)).toEqual(['ballast']);
      await rm(ballast);
    }
    await mkdir(out, { recursive: true });
    await write(out);
    const before = await contentOf(out);
    expect(before.length).toBeGreaterThan(0);
    fillDisk(ballast);
    await expect(write(out)).rejects.toMatchObject({ code: 'disk-full' });
    expect(await contentOf(out)).toEqual(before);
  });
});

test('a report whose explanations found no room is not written, and says so', context => {
  const place = join(toy.folder, 'disk-runs');
  return withSmallDisk(context, { place, megabytes: 4 }, async () => {
    const { run: own } = await train(toy.dataset, { model: 'centroid', out: place, name: 'small' });
    const before = await readdir(own);
    fillDisk(join(place, 'ballast'));
    await expect(report([own])).rejects.toMatchObject({ code: 'disk-full' });
    expect((await readdir(own)).sort()).toEqual(before.sort());
  });
});

/** Names, and sizes and contents of files. */
async function contentOf(folder: string): Promise<[string, string][]> {
  const names = (await readdir(folder, { recursive: true })).sort();
  const read = async (name: string): Promise<[string, string]> => {
    const path = join(folder, name);
    return [name, (await stat(path)).isFile() ? await readFile(path, 'latin1') : ''];
  };
  return Promise.all(names.map(read));
}
