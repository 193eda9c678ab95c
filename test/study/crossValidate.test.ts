import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
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

test('a cross-validation that was killed goes on to the same figures, and keeps finished folds', async () => {
  await split(toy.dataset, { folds: 3 });
  const args = ['--json', 'train', toy.dataset, '--cross-validate', '3', '--model', toy.network];
  const command = (name: string) => [...args, '--epochs', '40', '--out', toy.runs, '--name', name];
  const checkpoint = join(toy.runs, 'killed-1', 'checkpoints', 'last.safetensors');
  const killed = await brightcell(command('killed'), {
    signal: 'SIGKILL',
    interruptWhen: () => existsSync(checkpoint),
  });
  expect(killed.code).toBe(null);
  const first = join(toy.runs, 'killed-0', 'checkpoints', 'last.safetensors');
  const before = await stat(first);
  const report: CrossValidationReport = JSON.parse((await brightcell(command('killed'))).stdout);
  expect((await stat(first)).mtimeMs).toBe(before.mtimeMs);
  const sessions = JSON.parse(await readFile(join(toy.runs, 'killed-1', 'provenance.json'), 'utf8')).sessions;
  expect(sessions.length).toBe(2);
  expect(sessions[1].fromEpoch).toBeGreaterThan(0);
  const whole: CrossValidationReport = JSON.parse((await brightcell(command('whole'))).stdout);
  expect(report.scores).toEqual(whole.scores);
  expect(report.runs.map(one => one.accuracy)).toEqual(whole.runs.map(one => one.accuracy));
}, 180_000);

test('runs with other settings are not gone on with', async () => {
  await split(toy.dataset, { folds: 3 });
  const options = { out: toy.runs, name: 'other', model: 'knn' };
  const first = await crossValidate(toy.dataset, 3, { ...options, settings: { k: 3 } });
  expect((await crossValidate(toy.dataset, 3, { ...options, settings: { k: 3 } })).scores).toEqual(
    first.scores,
  );
  for (const other of [{ settings: { k: 5 } }, { model: 'centroid' }, { model: toy.network, epochs: 2 }]) {
    await expect(crossValidate(toy.dataset, 3, { ...options, ...other })).rejects.toMatchObject({
      code: 'run-exists',
      message: expect.stringContaining('other-0'),
    });
  }
}, 120_000);

test('a fold of its own is refused', async () => {
  await expect(
    crossValidate(toy.dataset, 4, { model: 'centroid', out: toy.runs, fold: 1 }),
  ).rejects.toMatchObject({ code: 'option-invalid' });
});
