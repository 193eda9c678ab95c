import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Dataset } from '../../src/dataset/dataset.ts';
import { train } from '../../src/methods/train.ts';
import { brightcell } from '../cli/brightcell.ts';
import { withFolder } from '../dataset/cells.ts';
import { tinyNetwork } from '../train/toyDataset.ts';

let made: { path: string; remove: () => void };
beforeAll(async () => {
  made = await new Promise(ready => {
    void withFolder(async folder => {
      const path = join(folder, 'cells');
      await brightcell([
        ...[
          'simulate',
          '--out',
          path,
          '--cells',
          '240',
          '--size',
          '24x24',
          '--faults',
          '0',
          '--sessions',
          '6',
        ],
      ]);
      await new Promise<void>(remove => ready({ path, remove }));
    });
  });
}, 60_000);
afterAll(() => made.remove());

const stored = async () => {
  const dataset = await Dataset.open(made.path, 'read');
  try {
    return { split: [...(await dataset.cells()).split], settings: await dataset.settings('split') };
  } finally {
    await dataset.close();
  }
};

test('a wrong setting leaves the data set without a split', async () => {
  const wrong = { model: 'centroid', splitBy: 'group', epochs: 3 } as const;
  await expect(train(made.path, wrong)).rejects.toMatchObject({ code: 'option-invalid' });
  await expect(train(made.path, { model: 'centroid', splitBy: 'run' as 'group' })).rejects.toThrow(/splitBy/);
  await expect(train(made.path, { model: 'centroid', replaceSplit: true })).rejects.toThrow(/splitBy/);
  await expect(train(made.path, { splitBy: 'group', fold: 1 })).rejects.toThrow(/fold 1/);
  await expect(train(made.path, { splitBy: 'group', resume: 'runs/x' })).rejects.toThrow(/splitBy/);
  expect(new Set((await stored()).split)).toEqual(new Set([-1]));
});

test('one command splits by group and trains, and the run says how its data set was split', async () => {
  const out = join(made.path, '..', 'runs');
  const args = ['--model', 'features+centroid', '--split-by', 'group', '--out', out];
  const first = await brightcell(['train', made.path, ...args, '--name', 'first']);
  expect(first).toMatchObject({ code: 0, stdout: expect.stringContaining('Split by group, seed 0.') });
  const { settings, split } = await stored();
  expect(settings).toMatchObject({ by: 'group', seed: 0 });
  const provenance = JSON.parse(await readFile(join(out, 'first', 'provenance.json'), 'utf8'));
  expect(provenance.dataset.split).toEqual(settings);

  const again = await brightcell(['train', made.path, ...args, '--name', 'again']);
  expect(again.stdout).toContain('Trained on the split by group that stood, seed 0.');
  expect((await stored()).split).toEqual(split);
  expect(await brightcell(['evaluate', join(out, 'first')])).toMatchObject({ code: 0 });

  const folds = await brightcell(['train', made.path, ...args, '--cross-validate', '3']);
  expect(folds).toMatchObject({ code: 2, stderr: expect.stringContaining('--replace-split') });
  const replaced = await brightcell([
    ...['train', made.path, ...args, '--cross-validate', '3', '--replace-split', '--name', 'cv'],
  ]);
  expect(replaced.code).toBe(0);
  expect((await stored()).settings).toMatchObject({ by: 'group', folds: 3 });
  expect(await brightcell(['evaluate', join(out, 'first')])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Train again'),
  });
}, 180_000);

test('a share of backgrounds goes into the run, and not together with no augmentation', async () => {
  const out = join(made.path, '..', 'replaced');
  const network = join(made.path, '..', 'tiny.json');
  await writeFile(network, JSON.stringify(tinyNetwork));
  const args = ['train', made.path, '--model', network, '--epochs', '1', '--replace-background', '0.5'];
  const both = await brightcell([...args, '--no-augmentation']);
  expect(both).toMatchObject({ code: 2, stderr: expect.stringContaining('Give one of them') });
  const { code } = await brightcell([...args, '--split-by', 'group', '--out', out, '--name', 'one']);
  expect(code).toBe(0);
  const config = JSON.parse(await readFile(join(out, 'one', 'config.json'), 'utf8'));
  expect(config.augmentation).toMatchObject({ replaceBackground: 0.5, rotateDegrees: 20 });
}, 60_000);
