import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeCalibration } from '../../src/classifiers/calibration.ts';
import { classify, type Prediction } from '../../src/classifiers/classify.ts';
import { findThreshold, Judge } from '../../src/classifiers/judge.ts';
import { loadClassifier } from '../../src/classifiers/loadClassifier.ts';
import { scoreByEnergy, scoreByMahalanobis, scoreByNeighbours } from '../../src/classifiers/unknown.ts';
import {
  chooseScore,
  fitUnknown,
  scoreUnknown,
  type UnknownScorer,
} from '../../src/classifiers/unknownScorer.ts';
import { fitWhitening } from '../../src/classifiers/whitening.ts';
import { Dataset } from '../../src/dataset/dataset.ts';
import { createRandom } from '../../src/dataset/random.ts';
import { train } from '../../src/methods/train.ts';
import { readSafetensors, writeSafetensors } from '../../src/models/safetensors.ts';
import { makeToy, type Toy } from '../train/toyDataset.ts';

const random = createRandom(5);
const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** Two classes of two numbers whose spread is 3 along the first axis and 0.5 along the second. */
function draw(cells: number) {
  const labels = Int32Array.from({ length: cells }, (_, i) => i % 2);
  const embeddings = Float32Array.from(
    [...labels].flatMap(label => [10 * label + 3 * normal(), 0.5 * normal()]),
  );
  return { labels, embeddings, dimensions: 2 };
}

describe('scores', () => {
  test('Mahalanobis distances are those of the shared covariance', () => {
    const scores = scoreByMahalanobis(fitWhitening(draw(20_000)), Float32Array.of(0, 0, 3, 0, 0, 1, 10, 1.5));
    expect(Math.max(...scores.map((score, i) => Math.abs(score - i)))).toBeLessThan(0.06);
  });

  test('with fewer cells than numbers they are still finite', () => {
    const D = 50;
    const embeddings = Float32Array.from({ length: 6 * D }, normal);
    const whitening = fitWhitening({ embeddings, labels: Int32Array.of(0, 0, 0, 1, 1, 1), dimensions: D });
    expect(scoreByMahalanobis(whitening, embeddings).every(Number.isFinite)).toBe(true);
    const same = fitWhitening({
      embeddings: new Float32Array(6 * D),
      labels: new Int32Array(6),
      dimensions: D,
    });
    expect(scoreByMahalanobis(same, new Float32Array(D))[0]).toBe(0);
  });

  test('distances to neighbours are Euclidean, to the k-th', async () => {
    const known = { embeddings: Float32Array.of(0, 0, 3, 4, 6, 8), dimensions: 2 };
    expect([...(await scoreByNeighbours(known, Float32Array.of(0, 0), { k: 2 }))]).toEqual([5]);
    expect([...(await scoreByNeighbours(known, Float32Array.of(0, 0), { k: 3 }))]).toEqual([10]);
  });

  test('the energy is less the logarithm of the sum of exponentials, without overflow', () => {
    const scores = scoreByEnergy(Float32Array.of(1, 2, 1000, 1000), 2);
    expect(scores[0]).toBeCloseTo(-Math.log(Math.E + Math.E ** 2), 5);
    expect(scores[1]).toBeCloseTo(-1000 - Math.LN2, 3);
  });

  test.each(['likelihoodRatio', 'mahalanobis', 'knn'] as const)(
    'by %s, what is far off stands above all that is known',
    async score => {
      const scorer = fitUnknown(draw(500), score);
      const [near, far] = [
        await scoreUnknown(scorer, draw(200).embeddings),
        await scoreUnknown(scorer, Float32Array.of(5, 9)),
      ];
      expect(far[0]!).toBeGreaterThan(Math.max(...near));
    },
  );

  test('the threshold loses the share of known cells that was asked, in the mean over draws', async () => {
    const scorer = fitUnknown(draw(500), 'likelihoodRatio');
    let lost = 0;
    for (let round = 0; round < 100; round++) {
      const scores = (await scoreUnknown(scorer, draw(199).embeddings)).sort();
      const threshold = findThreshold({ unknown: { scores } } as never, 0.1);
      lost +=
        (await scoreUnknown(scorer, draw(200).embeddings)).filter(one => one > threshold).length / 200 / 100;
    }
    expect(Math.abs(lost - 0.1)).toBeLessThan(0.012); // four standard errors of a mean of 100 draws
  });
});

describe.each(['network', 'centroid', 'features+forest'])('a model with doubts: %s', method => {
  let toy: Toy;
  let run: string;
  beforeAll(async () => {
    toy = await makeToy([60, 100, 100], { discs: method !== 'network' });
    const network = { model: toy.network, epochs: 8, batchSize: 16, learningRate: 0.02 };
    const options = method === 'network' ? network : { model: method };
    const report = await train(toy.dataset, { ...options, out: toy.runs });
    run = report.run;
    expect(report.calibration).toMatchObject({ cells: 300 });
  });
  afterAll(() => toy.remove());

  async function gather(options: object) {
    const all: Prediction[] = [];
    const report = await classify(run, [toy.dataset], {
      ...options,
      onPredictions: predictions => void all.push(...predictions),
    });
    return { all, report };
  }

  test('loses about the share that was asked, and says the same of an image at once and in a copy', async () => {
    const { all, report } = await gather({ unknown: 0.1, coverage: 0.8 });
    const lost = all.filter(one => one.unknown).length / all.length;
    expect(report.unknown!.images).toBe(all.filter(one => one.unknown).length);
    expect(report.perClass.reduce((a, b) => a + b) + report.unknown!.images).toBe(all.length);
    expect(lost).toBeLessThan(0.25);
    for (const { set } of all) for (const name of set!) expect(report.classes).toContain(name);
    const classifier = await loadClassifier(run);
    const copy = join(toy.folder, 'copy');
    await classifier.save(copy);
    const again = await loadClassifier(copy);
    expect(again.calibration).toEqual(classifier.calibration);
    classifier.dispose();
    again.dispose();
  });

  test('calibrated anew, with all cells looked at again, has the same bits', async () => {
    const paths = ['calibration.json', 'calibration.safetensors'].map(name => join(run, 'model', name));
    const read = () => Promise.all(paths.map(path => readFile(path)));
    const before = await read();
    for (const path of paths) await rm(path);
    await train(toy.dataset, { resume: run });
    expect(await read()).toEqual(before);
  });

  test('writes its doubts to every kind of file', async () => {
    const paths = ['csv', 'jsonl', 'parquet'].map(ending => join(toy.folder, `doubts.${ending}`));
    for (const out of paths) await classify(run, [toy.dataset], { out, unknown: 0.05, coverage: 0.9 });
    const csv = (await readFile(paths[0]!, 'utf8')).trimEnd().split('\n');
    expect(csv[0]!.split(',').slice(0, 6)).toEqual([
      'source',
      'frame',
      'predicted',
      'unknown',
      'unknown_score',
      'set',
    ]);
    const lines = (await readFile(paths[1]!, 'utf8')).trimEnd().split('\n');
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    const rows = await connection.runAndReadAll(`SELECT unknown, unknown_score, "set" FROM '${paths[2]}'`);
    rows.getRows().forEach(([unknown, score, set], i) => {
      const line = JSON.parse(lines[i]!);
      expect([unknown, Math.fround(score as number), set]).toEqual([
        line.unknown,
        Math.fround(line.unknownScore),
        line.set.join('|'),
      ]);
      expect(csv[i + 1]!.split(',').slice(3, 6)).toEqual([String(unknown), expect.anything(), set]);
    });
    connection.closeSync();
    instance.closeSync();
  });

  test('shares that make no sense and shares too small for its cells are refused', async () => {
    for (const options of [
      { unknown: 0 },
      { unknown: 1 },
      { coverage: 2 },
      { coverageByClass: true },
      { sets: 'adaptive' as const },
    ]) {
      await expect(gather(options)).rejects.toMatchObject({ code: 'option-invalid' });
    }
    await expect(gather({ unknown: 0.001 })).rejects.toThrow('at least 999 cells. It had 300');
  });

  test('damage to the calibration is found before it is used', async () => {
    const damaged = join(toy.folder, 'damaged');
    const json = join(damaged, 'calibration.json');
    const tensors = join(damaged, 'calibration.safetensors');
    const changes: (() => Promise<void>)[] = [
      () => writeFile(json, '{'),
      async () =>
        writeFile(json, (await readFile(json, 'utf8')).replace(/"temperature": [\d.]+/, '"temperature": -1')),
      async () =>
        writeFile(json, (await readFile(json, 'utf8')).replace(/"dimensions": \d+/, '"dimensions": 100000')),
      async () => writeFile(json, (await readFile(json, 'utf8')).replace(/"model": \d+/, '"model": 7')),
      () => rm(tensors),
      async () => {
        const { tensors: all } = await readSafetensors(tensors);
        await writeSafetensors(tensors, all.slice(1));
      },
      async () => writeFile(json, (await readFile(json, 'utf8')).replace(/"features": \d+/, '"features": 0')),
      async () => writeFile(json, (await readFile(json, 'utf8')).replace(/"scored": \d+/, '"scored": 299')),
      () => rewrite(damaged, ({ ratio }) => ratio.scales.fill(0, 3, 4)),
      () => rewrite(damaged, ({ ratio }) => ratio.unseen.fill(Number.NaN, 0, 1)),
    ];
    for (const change of changes) {
      await rm(damaged, { recursive: true, force: true });
      await cp(join(run, 'model'), damaged, { recursive: true });
      await change();
      await expect(loadClassifier(damaged)).rejects.toMatchObject({ code: 'model-corrupt' });
    }
  });
});

/** Writes the calibration again with another scorer, checksums and all. */
async function rewrite(
  model: string,
  change: (scorer: Extract<UnknownScorer, { score: 'likelihoodRatio' }>) => void,
): Promise<void> {
  const classifier = await loadClassifier(model);
  const { scorer } = classifier.calibration!.unknown;
  if (scorer.score !== 'likelihoodRatio') throw new Error(scorer.score);
  change(scorer);
  await writeCalibration(model, classifier.calibration!);
  classifier.dispose();
}

describe('a model of other versions', () => {
  let toy: Toy;
  let model: string;
  let json: string;
  beforeAll(async () => {
    toy = await makeToy([30, 30, 30], { discs: true });
    const { run } = await train(toy.dataset, { model: 'pixels+centroid', out: toy.runs });
    model = join(run, 'model');
    json = join(model, 'calibration.json');
  });
  afterAll(() => toy.remove());
  const edit = async (change: (description: Record<string, unknown>) => void) => {
    const description = JSON.parse(await readFile(json, 'utf8'));
    change(description);
    await writeFile(json, JSON.stringify(description));
  };

  test('that learnt from newer features is refused by name', async () => {
    const before = await readFile(json, 'utf8');
    await edit(description => {
      (description.unknown as { features: number }).features = 2;
    });
    await expect(loadClassifier(model)).rejects.toMatchObject({ code: 'model-newer' });
    await writeFile(json, before);
  });

  test.each(['mahalanobis', 'knn'] as const)(
    'that keeps %s, as format 1 did, still says what is unknown',
    async score => {
      const classifier = await loadClassifier(model);
      const dataset = await Dataset.open(toy.dataset, 'read');
      const images = dataset.images();
      const rows = Int32Array.from({ length: 90 }, (_, i) => i);
      const embeddings = await classifier.embed(images, rows);
      const labels = rows.map(i => i % 3);
      const scorer = fitUnknown({ embeddings, labels, dimensions: classifier.dimensions }, score);
      const calibration = classifier.calibration!;
      const scores = (await scoreUnknown(scorer, embeddings)).sort();
      await writeCalibration(model, { ...calibration, unknown: { scorer, scores } });
      await edit(description => {
        description.formatVersion = 1;
        delete description.scored;
      });
      const again = await loadClassifier(model);
      expect(again.calibration!.unknown.scorer.score).toBe(score);
      const { unknownScores } = await new Judge(again, { unknown: 0.05 }).judge(images, rows);
      expect([...unknownScores!].sort((a, b) => a - b)).toEqual([...scores]);
      await writeCalibration(model, calibration);
      await dataset.close();
      for (const one of [classifier, again]) one.dispose();
    },
  );

  test('is calibrated anew, by the score of this version, where the old calibration was taken away', async () => {
    for (const name of ['calibration.json', 'calibration.safetensors']) await rm(join(model, name));
    const { calibration } = await train(toy.dataset, { resume: join(model, '..') });
    expect(calibration).toMatchObject({ cells: 90, unknownScore: 'likelihoodRatio' });
  });

  test('a share that not even the most scored cells allow is said to be too small', () => {
    const scores = Float32Array.from({ length: 4096 }, (_, i) => i);
    const find = (share: number) => () => findThreshold({ unknown: { scores } } as never, share);
    expect(find(0.0001)).toThrow(
      '9999 cells, and no more than 4096 are scored. It had 4096. Take a larger share.',
    );
    expect(find(0.001)()).toBe(4092);
  });

  test('images of many channels, whose features are too many, are told by their embedding', () => {
    expect([1, 3, 4].map(channels => chooseScore(channels, 64))).toEqual([
      'likelihoodRatio',
      'likelihoodRatio',
      'mahalanobis',
    ]);
    expect(chooseScore(4, 5000)).toBe('knn');
  });
});

test('without a validation part a model is not calibrated, says so, and has no doubts to tell', async () => {
  const toy = await makeToy([20, 0, 20], { discs: true });
  const { run, calibration } = await train(toy.dataset, { model: 'centroid', out: toy.runs });
  expect(calibration).toBeNull();
  await expect(classify(run, [toy.dataset], { unknown: 0.05 })).rejects.toThrow('validation part');
  await toy.remove();
});
