import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Dataset } from '../../src/dataset/dataset.ts';
import { split } from '../../src/dataset/split.ts';
import type { Progress } from '../../src/job.ts';
import { train as trainAny } from '../../src/methods/train.ts';
import { simulate } from '../../src/simulate/simulate.ts';
import { type EvaluationReport, evaluate } from '../../src/study/evaluateRun.ts';
import { train } from '../../src/train/train.ts';

let folder: string;
let dataset: string;
let run: string;
let report: EvaluationReport;
const progress: Progress[] = [];

const tiny = {
  name: 'tiny',
  layers: [
    { type: 'conv', filters: 6, kernel: 5, stride: 2 },
    { type: 'maxPool', size: 2 },
    { type: 'relu' },
    { type: 'batchNorm' },
    { type: 'dense', units: 'classes' },
  ],
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'brightcell-evaluate-'));
  dataset = join(folder, 'cells');
  await simulate(dataset, { cells: 240, size: [24, 24], faults: 0, seed: 5 });
  await split(dataset, { by: 'cell', fractions: [0.5, 0.2, 0.3] });
  run = await trainTiny(dataset, 'first');
  report = await evaluate(run, {}, { onProgress: one => progress.push(one) });
});
afterAll(() => rm(folder, { recursive: true }));

async function trainTiny(path: string, name: string, fold?: number): Promise<string> {
  const model = join(folder, 'tiny.json');
  await writeFile(model, JSON.stringify(tiny));
  const settings = { model, epochs: 2, batchSize: 40, augmentation: false, fold } as const;
  return (await train(path, { ...settings, out: join(folder, 'runs'), name })).run;
}

describe('a run on its own data set', () => {
  test('is scored on every cell of the validation and the test part', async () => {
    const counts = await countParts(dataset);
    expect(report.parts.map(({ part, scores }) => [part, scores.cells])).toEqual([
      ['validation', counts.validation],
      ['test', counts.test],
    ]);
    expect(report).toMatchObject({ method: 'tiny', fold: null, cautions: [] });
    expect(progress.at(-1)).toMatchObject({ done: counts.validation! + counts.test!, unit: 'images' });
  });

  test('has its files, and they agree with each other', async () => {
    const names = (await readdir(join(run, 'evaluation'))).sort();
    expect(names).toEqual([
      ...[
        'confusion-test.csv',
        'confusion-validation.csv',
        'curves-test.csv',
        'curves-validation.csv',
        'figures',
      ],
      ...['intervals-test.csv', 'intervals-validation.csv'],
      ...[
        'operating-points-test.csv',
        'operating-points-validation.csv',
        'predictions.csv',
        'predictions.parquet',
      ],
      ...['scores-test.csv', 'scores-validation.csv', 'scores.json'],
    ]);
    const written = (await readdir(join(run, 'evaluation'), { recursive: true, withFileTypes: true }))
      .filter(entry => entry.isFile())
      .map(entry => join(entry.parentPath, entry.name));
    expect(report.files.toSorted()).toEqual(written.sort());
    const figures = ['confusion', 'operating-points', 'precision-recall', 'reliability', 'roc'].flatMap(
      name => ['test', 'validation'].flatMap(part => [`${name}-${part}.png`, `${name}-${part}.svg`]),
    );
    expect(await readdir(join(run, 'evaluation', 'figures'))).toEqual(figures);
    const scores = JSON.parse(await readFile(join(run, 'evaluation', 'scores.json'), 'utf8'));
    expect(scores.parts).toEqual(JSON.parse(JSON.stringify(report.parts)));
    const [counted] = await query(
      `SELECT count(*) AS n, count(*) FILTER (label = predicted) AS hits FROM '${run}/evaluation/predictions.parquet' WHERE part = 'test'`,
    );
    const test = report.parts[1]!.scores;
    expect(Number(counted!.n)).toBe(test.cells);
    expect(Number(counted!.hits) / test.cells).toBeCloseTo(test.accuracy, 12);
    const csv = (await readFile(join(run, 'evaluation', 'predictions.csv'), 'utf8')).trimEnd().split('\n');
    expect(csv).toHaveLength(1 + report.parts[0]!.scores.cells + test.cells);
  });

  test("predictions carry the data set's own labels, sources and groups", async () => {
    const predicted = await query(
      `SELECT id, source, frame, "group", label FROM '${run}/evaluation/predictions.parquet' WHERE part = 'test' ORDER BY id`,
    );
    const data = await Dataset.open(dataset, 'read');
    const cells = await data.query(
      `SELECT id, source, frame, "group", label FROM cells WHERE split = 'test' AND label >= 0 ORDER BY id`,
    );
    const classes = data.header.classes;
    await data.close();
    expect(predicted).toEqual(cells.map(cell => ({ ...cell, label: classes[cell.label as number] })));
  });

  test('scored on what it was trained on says so, and leaves no scores of other parts', async () => {
    const out = join(folder, 'own');
    await evaluate(run, { out });
    const { parts } = await evaluate(run, { out, splits: ['train'] });
    expect(parts.map(one => one.part)).toEqual(['train']);
    expect(parts[0]!.cautions[0]).toContain('were trained on');
    expect((await readdir(out)).filter(name => /^(scores|confusion)-/.test(name)).sort()).toEqual([
      'confusion-train.csv',
      'scores-train.csv',
    ]);
    expect((await readdir(join(out, 'figures'))).filter(name => !name.includes('-train.'))).toEqual([]);
  });

  test('gives the same scores each time', async () => {
    const again = await evaluate(run, { out: join(folder, 'again') });
    expect(again.parts).toEqual(report.parts);
  });

  test('can be cancelled and then leaves no files', async () => {
    const out = join(folder, 'cancelled');
    const stop = evaluate(run, { out }, { signal: AbortSignal.abort() });
    await expect(stop).rejects.toMatchObject({ code: 'cancelled' });
    await expect(readdir(out)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('a calibrated model', () => {
  let doubtful: EvaluationReport;
  beforeAll(async () => {
    const runs = join(folder, 'calibrated');
    const { run } = await trainAny(dataset, { model: 'features+forest', out: runs });
    doubtful = await evaluate(run, { purities: [0.8] });
  });

  test('says what scaling, unknown cells and sets are worth on each part', () => {
    for (const { doubts, scores } of doubtful.parts) {
      expect(doubts!.calibratedOn).toBe(doubtful.parts[0]!.scores.cells);
      const expected = ['leastAmbiguous', 'adaptive'].flatMap(kind =>
        [false, true].flatMap(byClass => [0.9, 0.95, 0.99].map(coverage => [kind, byClass, coverage])),
      );
      expect(doubts!.sets.map(one => [one.kind, one.byClass, one.coverage])).toEqual(expected);
      for (const { covered, leastOfClass, meanSize } of doubts!.sets) {
        expect(leastOfClass).toBeLessThanOrEqual(covered);
        expect(meanSize).toBeGreaterThanOrEqual(covered);
        expect(meanSize).toBeLessThanOrEqual(scores.perClass.length);
      }
      expect(JSON.stringify(doubts)).not.toContain('null');
    }
  });

  test('was scaled so that its validation log loss is no larger, and covers the validation part as promised', () => {
    const { doubts, scores } = doubtful.parts[0]!;
    expect(scores.logLoss).toBeLessThanOrEqual(doubts!.beforeScaling.logLoss + 1e-9);
    for (const { covered, coverage } of doubts!.sets) expect(covered).toBeGreaterThanOrEqual(coverage);
    for (const { asked, refused } of doubts!.unknown.rates) expect(refused).toBeLessThanOrEqual(asked);
  });

  test('has operating points for the purity asked, chosen on the validation part', () => {
    for (const { operatingPoints } of doubtful.parts) {
      expect(operatingPoints.chosenOn).toBe('validation');
      expect(operatingPoints.points.map(one => one.target)).toEqual(operatingPoints.points.map(() => 0.8));
    }
  });
});

describe('figures on images that were trained on do not go unnoticed', () => {
  test('a data set that was split again is refused, and allowed only with a caution', async () => {
    const copy = join(folder, 'split-again');
    await cp(dataset, copy, { recursive: true });
    const own = await trainTiny(copy, 'again');
    await split(copy, { by: 'cell', seed: 99 });
    await expect(evaluate(own)).rejects.toMatchObject({ code: 'dataset-changed' });
    const { cautions } = await evaluate(own, { allowChanged: true });
    expect(cautions.join()).toContain('not test figures');
  });

  test('another data set is searched for images that were trained on', async () => {
    const copy = join(folder, 'copy');
    await cp(dataset, copy, { recursive: true });
    const counts = await countParts(dataset);
    const { parts, cautions, out } = await evaluate(run, { dataset: copy });
    expect(parts.map(({ part, scores }) => [part, scores.cells])).toEqual([
      ['all', counts.train! + counts.validation! + counts.test!],
    ]);
    expect(cautions).toEqual([expect.stringMatching(`^${counts.train} of the .* were trained on`)]);
    expect(out).toBe(join(run, 'evaluation-copy'));
  });

  test('another data set with images of its own needs no caution', async () => {
    const other = join(folder, 'other');
    await simulate(other, { cells: 60, size: [24, 24], faults: 0, seed: 6 });
    expect((await evaluate(run, { dataset: other })).cautions).toEqual([]);
  });

  test('a test part of one group alone is said to be one', async () => {
    const groups = join(folder, 'groups');
    await simulate(groups, { cells: 160, size: [24, 24], faults: 0, sessions: 3, seed: 8 });
    await split(groups, { by: 'group', fractions: [0.34, 0.33, 0.33] });
    const { parts } = await evaluate(await trainTiny(groups, 'by-group'));
    for (const { groups, cautions } of parts) {
      expect(groups).toEqual([]);
      expect(cautions.join()).toContain('are of one group');
    }
  });

  test('a run of a fold is evaluated on that fold', async () => {
    const folds = join(folder, 'folds');
    await cp(dataset, folds, { recursive: true });
    await split(folds, { folds: 4 });
    const { parts, fold, cautions } = await evaluate(await trainTiny(folds, 'fold-2', 2));
    const data = await Dataset.open(folds, 'read');
    const sizes = await data.query(
      'SELECT fold, count(*) AS n FROM cells WHERE fold >= 0 GROUP BY fold ORDER BY fold',
    );
    await data.close();
    expect(fold).toBe(2);
    expect(cautions).toEqual([]);
    expect(parts.map(({ part, scores }) => [part, scores.cells])).toEqual([
      ['validation', sizes[3]!.n],
      ['test', sizes[2]!.n],
    ]);
  });
});

describe('what cannot be evaluated is refused', () => {
  test('a folder that is no run', async () => {
    await expect(evaluate(folder)).rejects.toMatchObject({ code: 'run-missing' });
  });

  test('images of another size', async () => {
    const large = join(folder, 'large');
    await simulate(large, { cells: 20, size: [32, 24], faults: 0 });
    await expect(evaluate(run, { dataset: large })).rejects.toMatchObject({
      code: 'model-mismatch',
      message: expect.stringContaining('prepared'),
    });
  });

  test('classes that the model does not know', async () => {
    const more = join(folder, 'more');
    await cp(dataset, more, { recursive: true });
    const data = await Dataset.open(more, 'write');
    await data.addClasses(['yeast']);
    await data.close();
    await expect(evaluate(run, { dataset: more })).rejects.toMatchObject({
      code: 'model-mismatch',
      message: expect.stringContaining('yeast'),
    });
  });

  test('a damaged provenance', async () => {
    const broken = join(folder, 'broken');
    await cp(run, broken, { recursive: true });
    await writeFile(join(broken, 'provenance.json'), '{"dataset": 3');
    await expect(evaluate(broken)).rejects.toMatchObject({ code: 'model-corrupt' });
  });
});

async function countParts(path: string): Promise<Record<string, number>> {
  const data = await Dataset.open(path, 'read');
  const rows = await data.query(
    'SELECT split, count(*) AS n FROM cells WHERE label >= 0 AND split IS NOT NULL GROUP BY split',
  );
  await data.close();
  return Object.fromEntries(rows.map(row => [row.split, row.n]));
}

async function query(sql: string): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const rows = (await connection.runAndReadAll(sql)).getRowObjectsJS();
  connection.closeSync();
  instance.closeSync();
  return rows;
}
