import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatVolume } from '../../src/evaluate/volumeTable.ts';
import type { Progress } from '../../src/job.ts';
import { RemainingTime } from '../../src/study/remainingTime.ts';
import { studyVolume } from '../../src/study/volume.ts';
import type { VolumeFit, VolumeReport } from '../../src/study/volumeReport.ts';
import { brightcell } from '../cli/brightcell.ts';
import { makeToy, type Toy } from '../train/toyDataset.ts';

let toy: Toy;
let out: string;
let report: VolumeReport;
const progress: Progress[] = [];
const options = () => ({
  methods: ['centroid', { name: 'wide', method: 'gao2017', settings: { epochs: 1 } }],
  sizes: [84, 4, 20],
  seeds: 2,
  out,
});

beforeAll(async () => {
  // The third class is rare: 4 of 84 training cells.
  toy = await makeToy(
    [
      [40, 10, 12],
      [40, 10, 12],
      [4, 3, 3],
    ],
    { discs: true },
  );
  out = join(toy.folder, 'volume');
  report = await studyVolume(toy.dataset, options(), { onProgress: one => progress.push(one) });
}, 240_000);
afterAll(() => toy.remove());

const fitsOf = (of: VolumeReport, method: string, size: number): VolumeFit[] =>
  of.fits.filter(one => one.method === method && one.size === size);

describe('a volume study', () => {
  test('fits every method on every size with every seed, small ones first', () => {
    expect(report.sizes).toEqual([4, 20, 84]);
    expect(report.fits.map(({ method, size, seed }) => [size, seed, method])).toEqual(
      [4, 20, 84].flatMap(size =>
        [0, 1].flatMap(seed => ['centroid', 'wide'].map(method => [size, seed, method])),
      ),
    );
  });

  test('scores each on the same whole validation and test part', () => {
    for (const { outcome } of fitsOf(report, 'centroid', 20)) {
      expect(outcome).toMatchObject({
        parts: [
          { part: 'validation', cells: 23 },
          { part: 'test', cells: 27 },
        ],
      });
    }
  });

  test('notes a class that a subsample lacks as an error that names it, and goes on', () => {
    for (const { outcome } of fitsOf(report, 'centroid', 4)) {
      expect(outcome).toMatchObject({
        failure: {
          stage: 'fit',
          code: 'classes-missing',
          message: expect.stringContaining('none of upright'),
        },
      });
    }
  });

  test('notes a method that fails with its reason', () => {
    expect(fitsOf(report, 'wide', 84)).toHaveLength(2);
    for (const { outcome } of fitsOf(report, 'wide', 84))
      expect(outcome).toMatchObject({ failure: { code: 'network-invalid' } });
  });

  test('fits once where neither method nor draw knows chance, and more often where one does', async () => {
    const [first, second] = fitsOf(report, 'centroid', 84);
    expect(first!.outcome).toEqual(second!.outcome);
    expect(await readdir(join(out, 'fits', '84', 'centroid'))).toEqual(['seed-0']);
    expect(await readdir(join(out, 'fits', '20', 'centroid'))).toEqual(['seed-0', 'seed-1']);
  });

  test('keeps predictions and no models, unless asked to', async () => {
    const fit = join(out, 'fits', '20', 'centroid', 'seed-1');
    expect((await readdir(fit)).sort()).toEqual(['evaluation', 'fit.json', 'score.json', 'task.json']);
    expect(await readdir(join(fit, 'evaluation'))).toEqual(['predictions.parquet']);
    const own = {
      methods: ['centroid'],
      sizes: [20],
      seeds: 1,
      out: join(toy.folder, 'kept'),
      keepModels: true,
    };
    await studyVolume(toy.dataset, own);
    expect(existsSync(join(own.out, 'fits', '20', 'centroid', 'seed-0', 'model', 'classifier.json'))).toBe(
      true,
    );
  });

  test('leaves JSON, CSV with a row for each fit and part, and figures', async () => {
    expect(report.files.map(file => file.slice(out.length + 1))).toEqual([
      ...['volume.json', 'volume.csv', 'figures/accuracy.svg', 'figures/accuracy.png'],
      ...['figures/cost.svg', 'figures/cost.png'],
    ]);
    const lines = (await readFile(join(out, 'volume.csv'), 'utf8')).trimEnd().split('\n');
    expect(lines).toHaveLength(1 + 4 * 2 + 8); // four fits of two parts, eight failures
    expect(lines.filter(line => line.startsWith('wide,4,0,,'))).toHaveLength(1);
  });

  test('says how far it is', () => {
    expect(progress.at(-1)).toMatchObject({ done: 12, total: 12, unit: 'fits' });
    expect(progress.some(one => /^7\/12 centroid 20 /.test(one.stage) || one.stage === 'study')).toBe(true);
  });

  test('called again keeps what is finished and gives the same', async () => {
    expect(report.kept).toBe(0);
    const again = await studyVolume(toy.dataset, options());
    // Three fits of centroid ended well, one of them for two seeds; the eight that failed are tried again.
    expect(again.kept).toBe(3);
    const scores = (of: VolumeReport) =>
      of.fits.map(({ outcome }) => ('failure' in outcome ? outcome.failure.code : outcome.parts));
    expect(scores(again)).toEqual(scores(report));
  }, 240_000);
});

test('killed in the middle, a study goes on with what was finished', async () => {
  const own = join(toy.folder, 'killed');
  const config = join(toy.folder, 'slow.json');
  await writeFile(
    config,
    JSON.stringify({
      centroid: {},
      slow: { method: toy.network, epochs: 5000, patience: 0, augmentation: false },
    }),
  );
  const args = [
    'study',
    'volume',
    toy.dataset,
    '--config',
    config,
    '--sizes',
    '40',
    '--seeds',
    '1',
    '--out',
    own,
  ];
  const at = (method: string, name: string) => join(own, 'fits', '40', method, 'seed-0', name);
  const killed = await brightcell(args, {
    interruptWhen: () => existsSync(at('centroid', 'score.json')) && existsSync(at('slow', 'task.json')),
    signal: 'SIGKILL',
  });
  expect(killed.code).toBeNull();
  const again = await studyVolume(toy.dataset, { methods: ['centroid'], sizes: [40], seeds: 1, out: own });
  expect(again.kept).toBe(1);
});

describe('what makes no volume study is refused before anything is fitted', () => {
  test.each([
    ['more images than there are', { sizes: [20, 1000] }, /from 2 to 84/],
    ['no size', { sizes: [] }, /Received none/],
    ['half an image', { sizes: [10.5] }, /10\.5/],
  ])('%s', async (_, wrong, message) => {
    const own = join(toy.folder, 'refused');
    const study = studyVolume(toy.dataset, { methods: ['centroid'], out: own, ...wrong });
    await expect(study).rejects.toMatchObject({
      code: 'option-invalid',
      message: expect.stringMatching(message),
    });
    expect(existsSync(own)).toBe(false);
  });

  test('fits that all fail: the error names each reason once', async () => {
    const study = studyVolume(toy.dataset, {
      methods: ['gao2017'],
      sizes: [20, 84],
      seeds: 1,
      out: join(toy.folder, 'none'),
    });
    await expect(study).rejects.toMatchObject({
      code: 'comparison-empty',
      message: expect.stringMatching(/all 2 failed\. Layer/),
    });
  });
});

test('the table has a column a size, the mean and its deviation over seeds', () => {
  const entry = (method: string, size: number, accuracies: number[], failed = 0) => ({
    ...{ method, part: 'test', size, accuracies, failed },
  });
  const text = formatVolume([
    entry('knn', 1100, [0.7, 0.8]),
    entry('knn', 64_000, [0.9]),
    entry('svm', 1100, []),
    entry('svm', 64_000, [0.5, 0.5], 1),
  ]);
  expect(text).toMatch(/Method +Part +1,100 +64,000/);
  expect(text).toMatch(/knn +test +0\.750 ±0\.071 +0\.900$/m);
  expect(text).toMatch(/svm +test +failed +0\.500 ±0\.000 \(1 failed\)/);
});

describe('the time that is left', () => {
  const units = [100, 1000].flatMap(size => ['a', 'b'].map(method => ({ method, size })));

  test('is not known before a fit is done', () => {
    expect(new RemainingTime(units).estimate(0)).toBeUndefined();
    expect(new RemainingTime(units).describe(0)).toBe('');
  });

  test('goes by the nearest size of the same method, in proportion', () => {
    const time = new RemainingTime(units);
    time.note(0, 2);
    time.note(1, 6);
    expect(time.estimate(2)).toBeCloseTo(20 + 60, 9);
    expect(time.describe(2)).toBe('all: about 80 s left');
    time.note(2, 30);
    expect(time.estimate(3)).toBeCloseTo(60, 9);
    expect(time.describe(4)).toBe('');
  });

  test('of a method without any fit goes by the others', () => {
    const time = new RemainingTime(units);
    time.note(0, 2);
    expect(time.estimate(1)).toBeCloseTo(2 + 20 + 20, 9);
  });
});
