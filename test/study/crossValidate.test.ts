import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { printCrossValidation } from '../../src/cli/train.ts';
import { Dataset } from '../../src/dataset/dataset.ts';
import { split } from '../../src/dataset/split.ts';
import { type CrossValidationReport, crossValidate } from '../../src/study/crossValidate.ts';
import { brightcell } from '../cli/brightcell.ts';
import { makeToy, type Toy } from '../train/toyDataset.ts';

let toy: Toy;
beforeAll(async () => {
  toy = await makeToy([20, 10, 10], { discs: true });
});
afterAll(() => toy.remove());

test('without a split of so many folds it says how to make one, and changes nothing', async () => {
  const fingerprint = async () => {
    const dataset = await Dataset.open(toy.dataset, 'read');
    try {
      return await dataset.fingerprint();
    } finally {
      await dataset.close();
    }
  };
  const before = await fingerprint();
  await expect(crossValidate(toy.dataset, 4, { model: 'centroid', out: toy.runs })).rejects.toMatchObject({
    code: 'dataset-unsplit',
    message: expect.stringContaining('--folds 4'),
  });
  expect(await fingerprint()).toBe(before);
});

test('every cell is judged once, by a run that has not seen it', async () => {
  await split(toy.dataset, { folds: 3 });
  const { code, stdout } = await brightcell([
    ...['--json', 'train', toy.dataset, '--model', 'centroid', '--cross-validate', '3'],
    ...['--out', toy.runs, '--name', 'cv'],
  ]);
  expect(code).toBe(0);
  const report: CrossValidationReport = JSON.parse(stdout);
  expect(report.runs.map(one => one.fold)).toEqual([0, 1, 2]);
  expect(report.scores.cells).toBe(120);
  expect(report.runs.reduce((sum, one) => sum + one.testCells, 0)).toBe(120);
  const right = report.runs.reduce((sum, one) => sum + one.testCells * one.accuracy, 0);
  expect(report.scores.accuracy).toBeCloseTo(right / 120, 9);
  const config = JSON.parse(await readFile(join(report.runs[2]!.run, 'config.json'), 'utf8'));
  expect(config.fold).toBe(2);
  expect(JSON.parse(await readFile(report.file, 'utf8')).folds).toBe(3);
  expect(await printCrossValidation(report)).toContain('All 120 cells');
}, 120_000);

test('a fold of its own is refused', async () => {
  await expect(
    crossValidate(toy.dataset, 4, { model: 'centroid', out: toy.runs, fold: 1 }),
  ).rejects.toMatchObject({ code: 'option-invalid' });
});
