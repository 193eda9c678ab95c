import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Dataset } from '../../src/dataset/dataset.ts';
import { split } from '../../src/dataset/split.ts';
import { readPredictionsParquet } from '../../src/evaluate/predictions.ts';
import { scorePredictions } from '../../src/evaluate/score.ts';
import type { Progress } from '../../src/job.ts';
import { train } from '../../src/methods/train.ts';
import { compare } from '../../src/study/compare.ts';
import type { CompareReport } from '../../src/study/compareReport.ts';
import { makeToy, type Toy } from '../train/toyDataset.ts';

let toy: Toy;
let out: string;
let report: CompareReport;
const progress: Progress[] = [];
const tiny = { epochs: 3, batchSize: 30, augmentation: false } as const;
const methods = () => [
  'centroid',
  { name: 'tiny', method: toy.network, settings: tiny },
  { name: 'too large', method: 'gao2017', settings: { epochs: 1 } },
];

beforeAll(async () => {
  toy = await makeToy([40, 12, 15], { discs: true });
  out = join(toy.folder, 'comparison');
  report = await compare(toy.dataset, { methods: methods(), out }, { onProgress: one => progress.push(one) });
}, 240_000);
afterAll(() => toy.remove());

const finished = (of: CompareReport, name: string) => {
  const method = of.methods.find(one => one.name === name)!;
  if ('failure' in method) throw new Error(method.failure.message);
  return method;
};

describe('methods on one split', () => {
  test('are scored on the same validation and test cells, and every pair is tested', () => {
    expect(report.parts.map(({ part, comparison }) => [part, comparison.cells])).toEqual([
      ['validation', 36],
      ['test', 45],
    ]);
    for (const { comparison } of report.parts) {
      expect(comparison.methods.map(one => one.method)).toEqual(['centroid', 'tiny']);
      expect(comparison.pairs).toHaveLength(1);
    }
  });

  test('have scores that are those of the predictions they left', async () => {
    const path = join(out, 'methods', 'centroid', 'evaluation', 'predictions.parquet');
    const table = await readPredictionsParquet(path, report.classes);
    const from = table.part.indexOf('test');
    const scores = scorePredictions({
      classes: report.classes,
      labels: table.labels.slice(from),
      probabilities: table.probabilities.slice(from * 3),
    });
    expect(report.parts[1]!.comparison.methods[0]!.scores).toEqual(scores);
    expect(finished(report, 'centroid').score.parts[1]).toMatchObject({
      part: 'test',
      accuracy: scores.accuracy,
    });
  });

  test('that fail are reported with their reason and do not end the others', () => {
    expect(report.methods[2]).toMatchObject({
      name: 'too large',
      failure: { stage: 'fit', code: 'network-invalid', message: expect.stringContaining('does not fit') },
    });
  });

  test('are measured: time, processor time and memory, each in a process of its own', () => {
    for (const name of ['centroid', 'tiny']) {
      const { fit, score } = finished(report, name);
      expect(fit!.trainingCells).toBe(120);
      for (const one of [fit!, score]) {
        expect(one.cpuSeconds).toBeGreaterThan(0);
        expect(one.peakBytes).toBeGreaterThanOrEqual(one.startBytes);
        expect(one.startBytes).toBeGreaterThan(20e6);
        expect(one.peakBytes).toBeLessThan(600e6);
      }
      expect(fit!.seconds).toBeGreaterThan(0);
      expect(score.thousandSeconds).toBeGreaterThan(0);
    }
  });

  test('keep the settings that they completed', () => {
    expect(finished(report, 'tiny').fit!.settings).toMatchObject({
      epochs: 3,
      batchSize: 30,
      seed: 0,
      augmentation: null,
    });
  });

  test('leave JSON, CSV, figures, and predictions and a model each', async () => {
    const names = report.files.map(file => file.slice(out.length + 1)).sort();
    expect(names).toEqual([
      'comparison.json',
      ...['classes-test', 'classes-validation', 'cost', 'scores-test', 'scores-validation'].flatMap(name => [
        `figures/${name}.png`,
        `figures/${name}.svg`,
      ]),
      'pairs.csv',
      'scores.csv',
    ]);
    expect(report.files.every(file => existsSync(file))).toBe(true);
    const written = JSON.parse(await readFile(join(out, 'comparison.json'), 'utf8'));
    expect(written.parts).toEqual(JSON.parse(JSON.stringify(report.parts)));
    expect(await readdir(join(out, 'methods', 'tiny'))).toEqual(
      expect.arrayContaining(['evaluation', 'fit.json', 'model', 'score.json', 'task.json']),
    );
    expect((await readdir(join(out, 'methods'))).filter(name => name.startsWith('too-large-'))).toHaveLength(
      1,
    );
  });

  test('tell which method is at work', () => {
    expect(progress.some(one => one.stage.startsWith('1/3 centroid'))).toBe(true);
    expect(progress.some(one => one.stage.startsWith('2/3 tiny'))).toBe(true);
  });
});

describe('a run that is there already', () => {
  let run: string;
  beforeAll(async () => {
    ({ run } = await train(toy.dataset, { model: toy.network, out: toy.runs, name: 'earlier', ...tiny }));
  });

  test('takes part under its name, without being fitted', async () => {
    const own = join(toy.folder, 'with-run');
    const with_ = await compare(toy.dataset, { methods: [run, 'centroid'], out: own });
    expect(finished(with_, basename(run))).toMatchObject({ fit: null, kept: false });
    expect(with_.parts[1]!.comparison.methods.map(one => one.method)).toEqual(['earlier', 'centroid']);
    // The same network, settings and seed as the one fitted above.
    expect(with_.parts[1]!.comparison.methods[0]!.scores).toEqual(
      report.parts[1]!.comparison.methods[1]!.scores,
    );
    expect(finished(await compare(toy.dataset, { methods: [run], out: own }), 'earlier').kept).toBe(true);
  });

  test('can lend its embedding, and a run of another split says that it may know the cells', async () => {
    const other = join(toy.folder, 'other-split');
    await cp(toy.dataset, other, { recursive: true });
    await split(other, { by: 'cell', seed: 4 });
    const method = `embedding:${run}+centroid`;
    const own = await compare(toy.dataset, { methods: [method], out: join(toy.folder, 'embedded') });
    expect(own.cautions).toEqual([]);
    expect(own.parts[1]!.comparison.methods[0]!.scores.accuracy).toBeGreaterThan(0.5);
    const foreign = await compare(other, { methods: [method], out: join(toy.folder, 'embedded-other') });
    expect(foreign.cautions).toEqual([
      expect.stringContaining('may have been trained on cells that are scored'),
    ]);
  });

  test('takes no settings', async () => {
    const given = compare(toy.dataset, { methods: [run], settings: { [run]: { epochs: 2 } } });
    await expect(given).rejects.toMatchObject({ code: 'option-invalid' });
  });

  test('of another data set is refused where its classes are others, and the rest goes on', async () => {
    const other = await makeToy([10, 3, 3], { classes: ['x', 'y'] });
    try {
      const { run: foreign } = await train(other.dataset, {
        model: 'centroid',
        out: other.runs,
        name: 'foreign',
      });
      const own = await compare(toy.dataset, {
        methods: ['centroid', foreign],
        out: join(toy.folder, 'foreign'),
      });
      expect(own.methods[1]).toMatchObject({ failure: { stage: 'score', code: 'model-mismatch' } });
      expect(own.parts[1]!.comparison.methods).toHaveLength(1);
    } finally {
      await other.remove();
    }
  });
});

describe('what cannot be compared is refused before anything is fitted', () => {
  const refused = (options: object) => compare(toy.dataset, { out: join(toy.folder, 'refused'), ...options });

  test.each([
    ['no method', {}, /At least one method/],
    ['an unknown method', { methods: ['centroid', 'nothing'] }, /model must be one of/],
    ['a wrong setting', { methods: ['centroid'], settings: { centroid: { sharpness: -1 } } }, /sharpness/],
    ['settings of nobody', { methods: ['centroid'], settings: { knn: { k: 1 } } }, /takes part/],
    ['a name twice', { methods: ['centroid', 'centroid'] }, /name of its own/],
    ['groups that are not there', { methods: ['centroid'], byGroup: true }, /at least 2 groups/],
    ['a config file that is not there', { config: 'nowhere.json' }, /must be JSON/],
  ])('%s', async (_, options, message) => {
    const error = await refused(options).catch(one => one);
    expect(error).toMatchObject({ code: 'option-invalid', message: expect.stringMatching(message) });
    expect(existsSync(join(toy.folder, 'refused'))).toBe(false);
  });

  test('a folder that holds something else', async () => {
    const own = join(toy.folder, 'taken');
    await mkdir(own);
    await writeFile(join(own, 'thesis.txt'), 'years of work');
    await expect(compare(toy.dataset, { methods: ['centroid'], out: own })).rejects.toMatchObject({
      code: 'run-exists',
    });
  });

  test('methods that all fail: the error names each reason', async () => {
    const all = compare(toy.dataset, { methods: ['gao2017'], out: join(toy.folder, 'failed') });
    await expect(all).rejects.toMatchObject({
      code: 'comparison-empty',
      message: expect.stringContaining('gao2017: Layer'),
    });
  });

  test('a data set without a split', async () => {
    const bare = await makeToy([6, 0, 0], { split: false });
    await expect(
      compare(bare.dataset, { methods: ['centroid'], out: join(bare.folder, 'out') }),
    ).rejects.toMatchObject({
      code: 'dataset-unsplit',
    });
    await bare.remove();
  });
});

describe('a k-fold split', () => {
  let folds: string;
  beforeAll(async () => {
    folds = join(toy.folder, 'folds');
    await cp(toy.dataset, folds, { recursive: true });
    await split(folds, { by: 'cell', folds: 3, seed: 2 });
  });

  test('has one fold held out, or every one in turn with their cells pooled', async () => {
    const data = await Dataset.open(folds, 'read');
    const table = await data.cells();
    await data.close();
    const one = await compare(folds, { methods: ['centroid'], fold: 1, out: join(toy.folder, 'fold') });
    expect(one.parts[1]!.comparison.cells).toBe(table.fold.filter(fold => fold === 1).length);
    const all = await compare(folds, { methods: ['centroid'], folds: true, out: join(toy.folder, 'pooled') });
    expect(all).toMatchObject({ folds: 3, fold: null });
    expect(all.parts.map(({ part, comparison }) => [part, comparison.cells])).toEqual([
      ['validation', table.count],
      ['test', table.count],
    ]);
    const seconds = finished(all, 'centroid').fit!.seconds;
    expect(seconds).toBeGreaterThan(0);
    // What fold 1 gave alone is part of the pool.
    const pooled = await readPredictionsParquet(
      join(toy.folder, 'pooled', 'folds', 'centroid', 'fold-1', 'evaluation', 'predictions.parquet'),
      all.classes,
    );
    const alone = await readPredictionsParquet(
      join(toy.folder, 'fold', 'methods', 'centroid', 'evaluation', 'predictions.parquet'),
      all.classes,
    );
    expect(pooled).toEqual(alone);
  });

  test('is needed for folds, which take no finished run and no single fold', async () => {
    const wrong = (dataset: string, options: object) =>
      compare(dataset, { methods: ['centroid'], folds: true, out: join(toy.folder, 'refused'), ...options });
    await expect(wrong(toy.dataset, {})).rejects.toMatchObject({ code: 'dataset-unsplit' });
    await expect(wrong(folds, { fold: 1 })).rejects.toMatchObject({ code: 'option-invalid' });
    await expect(wrong(folds, { methods: [join(toy.runs, 'earlier')] })).rejects.toThrow(
      /once for each fold/,
    );
  });
});
