import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseHTML } from 'linkedom';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ReproduceReport, reproduce } from '../../src/reproduce/reproduce.ts';
import { simulate } from '../../src/simulate/simulate.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'brightcell-reproduce-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const small = { epochs: 1, explain: false, methods: ['kNN', 'CNN'] as ['kNN', 'CNN'] };

describe('a reproduction on simulated cells', () => {
  let out: string;
  let made: ReproduceReport;
  beforeAll(async () => {
    out = join(folder, 'simulated');
    made = await reproduce(out, { ...small, cells: 240 });
  }, 240_000);

  test("sets a number beside each of the paper's that was measured, and none where it was not", () => {
    const of = (where: string) => made.numbers.filter(one => one.where === where);
    expect(of('Table II').length).toBe(4 * 2 * 8);
    expect(of('Table III').length).toBe(3 * 4 * 4);
    expect(
      of('Table IV')
        .filter(one => one.ours !== null)
        .every(one => one.method === 'kNN' || one.method === 'CNN'),
    ).toBe(true);
    const whole = of('Table II').filter(one => one.volume === 240);
    expect(whole.filter(one => one.ours !== null).length).toBe(4);
    expect(whole.every(one => one.paper === null)).toBe(true);
    expect(
      made.numbers.find(one => one.where === 'Table IV' && one.what === 'recall' && one.method === 'SVM'),
    ).toMatchObject({
      class: 'THP1',
      paper: 0.982,
      ours: null,
    });
  });

  test('says in words that the cells are simulated, in the result and first in the report', async () => {
    expect(made.simulated).toBe(true);
    expect(made.reasons[0]).toContain('simulated');
    const { document } = parseHTML(await readFile(made.report, 'utf8'));
    expect(document.querySelector('main h2')!.textContent).toBe("Beside the paper's numbers");
    expect(document.querySelector('main')!.textContent).toContain(made.reasons[0]);
    expect(document.querySelectorAll('#comparison, #volume, #confusion').length).toBe(3);
  });

  test('goes on with what is finished, and refuses other options in the same folder', async () => {
    const weights = join(out, 'runs', 'CNN', 'model', 'weights.safetensors');
    const before = (await stat(weights)).mtimeMs;
    const again = await reproduce(out, { ...small, cells: 240 });
    expect(again.numbers).toEqual(made.numbers);
    expect((await stat(weights)).mtimeMs).toBe(before);
    await expect(reproduce(out, { ...small, cells: 300 })).rejects.toMatchObject({ code: 'option-invalid' });
  }, 120_000);
});

test('the public data set is taken with its own split, from its list files', async () => {
  const source = join(folder, 'public');
  await simulate(source, { cells: 200, images: true, seed: 4 });
  const classes = ['THP1', 'MCF7', 'MB231', 'PBMC'];
  const lists = { 'Train.txt': [] as string[], 'Valid.txt': [] as string[], 'Test.txt': [] as string[] };
  for (const [k, name] of classes.entries())
    for (const [i, file] of (await readdir(join(source, name))).sort().entries())
      lists[(['Train.txt', 'Train.txt', 'Valid.txt', 'Test.txt'] as const)[i % 4]!].push(
        `${name}/${file} ${k}`,
      );
  for (const [name, lines] of Object.entries(lists))
    await writeFile(join(source, name), `${lines.join('\n')}\n`);
  await writeFile(join(source, 'labels.txt'), classes.map((name, k) => `${name} ${k}\n`).join(''));
  await rm(join(source, 'cells.csv'));
  const made = await reproduce(join(folder, 'lists'), { ...small, methods: ['CNN'], folders: [source] });
  expect(made.simulated).toBe(false);
  expect(made.cells).toBe(200);
  expect(made.reasons.join(' ')).toContain('The split is the one of the list files');
}, 240_000);

test("cells to simulate with a folder, and methods without the paper's own, are refused", async () => {
  const refused = { code: 'option-invalid' };
  await expect(reproduce(join(folder, 'x'), { folders: ['images'], cells: 500 })).rejects.toMatchObject(
    refused,
  );
  await expect(reproduce(join(folder, 'x'), { methods: ['kNN'] })).rejects.toMatchObject(refused);
});
