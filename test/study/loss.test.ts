import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { studyLoss } from '../../src/study/loss.ts';
import { summariseLosses } from '../../src/study/lossFiles.ts';
import type { LossReport } from '../../src/study/lossReport.ts';
import { readEpochs } from '../../src/train/epochLog.ts';
import { train } from '../../src/train/train.ts';
import { makeToy, type Toy } from '../train/toyDataset.ts';

let toy: Toy;
let out: string;
let report: LossReport;
const settings = () => ({ model: toy.network, epochs: 3, batchSize: 25, augmentation: false as const });

beforeAll(async () => {
  toy = await makeToy([40, 12, 0], { discs: true });
  out = join(toy.folder, 'losses');
  report = await studyLoss(toy.dataset, {
    losses: ['crossEntropy', 'doubleSoftmax'],
    seeds: 2,
    settings: settings(),
    out,
  });
}, 240_000);
afterAll(() => toy.remove());

const curve = (of: LossReport, i: number) => {
  const { outcome } = of.curves[i]!;
  if ('failure' in outcome) throw new Error(outcome.failure.message);
  return outcome;
};

describe('a study of losses', () => {
  test('has a curve for each loss and seed, as long as the epochs', () => {
    expect(report.curves.map(({ loss, seed }) => [loss, seed])).toEqual([
      ['crossEntropy', 0],
      ['crossEntropy', 1],
      ['doubleSoftmax', 0],
      ['doubleSoftmax', 1],
    ]);
    for (const i of report.curves.keys()) {
      expect(curve(report, i).epochs.map(one => one.epoch)).toEqual([1, 2, 3]);
      expect(curve(report, i).stepsPerEpoch).toBe(5); // 120 cells in batches of at most 25
    }
  });

  test('has the curves of the plain training with that loss and seed', async () => {
    const { run } = await train(toy.dataset, {
      ...settings(),
      patience: 0,
      loss: 'doubleSoftmax',
      seed: 1,
      out: toy.runs,
    });
    const epochs = await readEpochs(join(run, 'epochs.csv'));
    const plain = ({ trainLoss, validationLoss, validationAccuracy }: (typeof epochs)[0]) => [
      trainLoss,
      validationLoss,
      validationAccuracy,
    ];
    expect(curve(report, 3).epochs.map(plain)).toEqual(epochs.map(plain));
  });

  test('says of each loss how good it became and how fast', () => {
    const [first, second] = summariseLosses(report);
    expect(first).toMatchObject({ loss: 'crossEntropy', trainings: 2, failed: 0 });
    const best = [0, 1].map(i => Math.max(...curve(report, i).epochs.map(one => one.validationAccuracy!)));
    expect(first!.bestValidationAccuracy).toBeCloseTo((best[0]! + best[1]!) / 2, 12);
    expect(second!.target).toBe(first!.target);
    for (const { stepsToTarget } of [first!, second!])
      if (stepsToTarget !== null) expect(stepsToTarget % 2.5).toBe(0); // a mean of two multiples of 5
  });

  test('leaves JSON, a table of epochs and a figure', async () => {
    expect((await readdir(out)).sort()).toEqual(['epochs.csv', 'figures', 'losses.json', 'trainings']);
    expect((await readFile(join(out, 'epochs.csv'), 'utf8')).trimEnd().split('\n')).toHaveLength(1 + 4 * 3);
    expect((await readdir(join(out, 'figures'))).sort()).toEqual(['convergence.png', 'convergence.svg']);
  });

  test('called again keeps what is finished, and trains what is new', async () => {
    const again = await studyLoss(toy.dataset, {
      losses: ['doubleSoftmax', 'focal'],
      seeds: 1,
      settings: settings(),
      out,
    });
    expect(again.kept).toBe(1);
    expect(curve(again, 0)).toEqual(curve(report, 2));
    expect(again.curves[1]).toMatchObject({ loss: 'focal', outcome: { stepsPerEpoch: 5 } });
  });

  test('notes a training that fails, and goes on', async () => {
    // With this learning rate the squared error stays finite while cross-entropy does not have to: any outcome is told.
    const own = join(toy.folder, 'diverging');
    const wild = {
      ...settings(),
      optimiser: 'sgd',
      learningRate: 100,
      clipNorm: 0,
      schedule: 'constant',
    } as const;
    const study = studyLoss(toy.dataset, {
      losses: ['crossEntropy', 'meanSquaredError'],
      seeds: 1,
      settings: wild,
      out: own,
    });
    const told = await study.catch(error => error);
    if (told.code === 'comparison-empty') expect(told.message).toContain('all 2 failed');
    else expect(told.curves).toHaveLength(2);
  });
});

describe('what makes no study of losses is refused', () => {
  test('a loss that is not there, a wrong setting, no validation part', async () => {
    const own = join(toy.folder, 'refused');
    const refused = (options: object) => studyLoss(toy.dataset, { out: own, ...options });
    await expect(refused({ losses: ['hinge'] })).rejects.toThrow(/Losses must be of crossEntropy/);
    await expect(refused({ settings: { epochs: 0 } })).rejects.toThrow(/epochs must be/);
    const bare = await makeToy([10, 0, 5]);
    await expect(studyLoss(bare.dataset, { out: own })).rejects.toMatchObject({ code: 'dataset-unsplit' });
    await bare.remove();
    expect(existsSync(own)).toBe(false);
  });
});
