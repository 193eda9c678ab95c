import { spawn } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Dataset } from '../../src/dataset/dataset.ts';
import { readModel } from '../../src/models/modelFolder.ts';
import { readSafetensors } from '../../src/models/safetensors.ts';
import type { TrainOptions } from '../../src/train/config.ts';
import { readEpochs } from '../../src/train/epochLog.ts';
import { train } from '../../src/train/train.ts';
import { fillDisk, withSmallDisk } from '../smallDisk.ts';
import { makeToy, type Toy } from './toyDataset.ts';

let toy: Toy;
beforeAll(async () => void (toy = await makeToy()));
afterAll(() => toy.remove());

const settings = (): TrainOptions => ({
  model: toy.network,
  out: toy.runs,
  epochs: 6,
  batchSize: 16,
  learningRate: 0.02,
  patience: 0,
});

const weightsOf = async (run: string) => (await readModel(join(run, 'model'))).weights;
const lastOf = async (run: string) =>
  (await readSafetensors(join(run, 'checkpoints/last.safetensors'))).tensors;

/** Everything of `epochs.csv` but the times. */
async function figuresOf(run: string) {
  const epochs = await readEpochs(join(run, 'epochs.csv'));
  return epochs.map(({ seconds, imagesPerSecond, ...figures }) => figures);
}

/** Stops a training when its signal has been looked at so often: once before each step and each chunk of validation. */
async function trainAndStop(options: TrainOptions, looks: number) {
  let looked = 0;
  const { signal } = new AbortController();
  Object.defineProperty(signal, 'aborted', { get: () => ++looked > looks });
  const error = await train(toy.dataset, options, { signal }).catch(cause => cause);
  expect(error).toMatchObject({
    code: 'cancelled',
    exitCode: 130,
    message: expect.stringContaining('--resume'),
  });
  return error.fields as { run: string; epoch: number; step: number };
}

describe('a training', () => {
  test('learns, and leaves a run folder with all that a reader needs', async () => {
    const report = await train(toy.dataset, { ...settings(), name: 'whole', epochs: 12 });
    expect(report).toMatchObject({
      run: join(toy.runs, 'whole'),
      network: 'tiny',
      classes: ['flat', 'level', 'upright'],
      epochs: 12,
      stopped: 'finished',
      trainingCells: 120,
      warnings: [],
    });
    expect(report.validation!.accuracy).toBeGreaterThan(0.9);
    expect(report.validation!.cells).toBe(36);
    expect((await readdir(report.run)).sort()).toEqual([
      'checkpoints',
      'config.json',
      'epochs.csv',
      'model',
      'provenance.json',
    ]);
    const provenance = JSON.parse(await readFile(join(report.run, 'provenance.json'), 'utf8'));
    const dataset = await Dataset.open(toy.dataset, 'read');
    expect(provenance).toMatchObject({
      seed: 0,
      dataset: { fingerprint: await dataset.fingerprint(), cells: 192 },
    });
    await dataset.close();
    expect(Date.parse(provenance.finishedAt)).toBeGreaterThanOrEqual(Date.parse(provenance.startedAt));
    expect(await figuresOf(report.run)).toHaveLength(12);
  });

  test('saves a configuration that trains to the same weights again', async () => {
    const first = await train(toy.dataset, { ...settings(), name: 'first', epochs: 2 });
    const config = join(first.run, 'config.json');
    const again = await train(toy.dataset, { config, out: toy.runs, name: 'again' });
    expect(await weightsOf(again.run)).toEqual(await weightsOf(first.run));
    expect(JSON.parse(await readFile(join(again.run, 'config.json'), 'utf8'))).toEqual(
      JSON.parse(await readFile(config, 'utf8')),
    );
  });

  test('gives the same weights on one thread and on two, and others with another seed', async () => {
    const one = await train(toy.dataset, { ...settings(), name: 'one', epochs: 2, threads: 1 });
    const two = await train(toy.dataset, { ...settings(), name: 'two', epochs: 2, threads: 2 });
    const other = await train(toy.dataset, { ...settings(), name: 'other', epochs: 2, seed: 1 });
    expect(await lastOf(two.run)).toEqual(await lastOf(one.run));
    expect(await weightsOf(other.run)).not.toEqual(await weightsOf(one.run));
  });

  test('keeps the weights of the best epoch, and stops when none gets better', async () => {
    const options = { ...settings(), name: 'early', epochs: 60, patience: 3, monitor: 'loss' } as const;
    const report = await train(toy.dataset, { ...options, learningRate: 0.1, schedule: 'constant' });
    expect(report.stopped).toBe('early');
    expect(report.epochs).toBe(report.bestEpoch + 3);
    const losses = (await figuresOf(report.run)).map(epoch => epoch.validationLoss!);
    expect(losses.indexOf(Math.min(...losses)) + 1).toBe(report.bestEpoch);
    expect(report.validation!.loss).toBe(Math.min(...losses));
  });

  test('without a name takes the next free one', async () => {
    const runs = join(toy.folder, 'unnamed');
    const names = [];
    for (let i = 0; i < 2; i++)
      names.push((await train(toy.dataset, { ...settings(), out: runs, epochs: 1 })).run);
    expect(names).toEqual([join(runs, 'cells-tiny'), join(runs, 'cells-tiny-2')]);
  });

  test('takes every loss, optimiser, schedule and initialiser by name', async () => {
    const variants: TrainOptions[] = [
      { loss: 'labelSmoothing', optimiser: 'sgd', schedule: 'step', initialiser: 'glorotUniform' },
      { loss: 'doubleSoftmax', optimiser: 'adam', schedule: 'constant', initialiser: 'truncatedNormal' },
      { loss: 'meanSquaredError', optimiser: 'adamw', schedule: 'cosine', initialiser: 'heNormal' },
      { loss: 'focal', balance: 'none', augmentation: false, normalisation: 'range', clipNorm: 0 },
      { recipe: 'paper', augmentation: { rotateDegrees: 5 } },
      { augmentation: { replaceBackground: 0.5 }, normalisation: 'session' },
    ];
    for (const [i, variant] of variants.entries()) {
      const report = await train(toy.dataset, { ...settings(), ...variant, name: `variant-${i}`, epochs: 1 });
      expect(Number.isFinite(report.validation!.loss)).toBe(true);
    }
  });
});

describe('a training that was stopped', () => {
  test.each([
    ['before the first step', 0, { epoch: 0, step: 0 }],
    ['in the middle of an epoch', 13, { epoch: 1, step: 4 }],
    ['before it validated an epoch', 17, { epoch: 1, step: 8 }],
  ])('%s goes on to the same weights and figures', async (_, looks, place) => {
    const whole = await train(toy.dataset, { ...settings(), name: `straight-${looks}` });
    const run = join(toy.runs, `halting-${looks}`);
    expect(await trainAndStop({ ...settings(), name: `halting-${looks}` }, looks)).toEqual({ run, ...place });
    const resumed = await train(toy.dataset, { resume: run });
    expect(await weightsOf(run)).toEqual(await weightsOf(whole.run));
    expect(await lastOf(run)).toEqual(await lastOf(whole.run));
    expect(await figuresOf(run)).toEqual(await figuresOf(whole.run));
    expect(resumed).toMatchObject({ bestEpoch: whole.bestEpoch, validation: whole.validation });
    const { sessions } = JSON.parse(await readFile(join(run, 'provenance.json'), 'utf8'));
    expect(sessions).toHaveLength(2);
  });

  test('has a model as far as it came', async () => {
    await trainAndStop({ ...settings(), name: 'partial' }, 20);
    expect((await weightsOf(join(toy.runs, 'partial'))).length).toBeGreaterThan(0);
  });

  test('by kill -9, at whatever moment, goes on to the same weights and figures', async () => {
    const options = { ...settings(), epochs: 120 };
    const whole = await train(toy.dataset, { ...options, name: 'unharmed' });
    const run = join(toy.runs, 'killed');
    for (const epochs of [1, 20, 45]) {
      await killAt(epochs, run, epochs === 1 ? { ...options, name: 'killed' } : { resume: run });
    }
    await train(toy.dataset, { resume: run });
    expect(await lastOf(run)).toEqual(await lastOf(whole.run));
    expect(await weightsOf(run)).toEqual(await weightsOf(whole.run));
    expect(await figuresOf(run)).toEqual(await figuresOf(whole.run));
    expect((await readdir(join(run, 'checkpoints'))).sort()).toEqual([
      'best.safetensors',
      'last.safetensors',
    ]);
  });

  test('and is complete gives its report again when resumed', async () => {
    const first = await train(toy.dataset, { ...settings(), name: 'complete', epochs: 2 });
    const again = await train(toy.dataset, { resume: first.run });
    expect(again).toMatchObject({ epochs: 2, bestEpoch: first.bestEpoch, validation: first.validation });
  });
});

const built = fileURLToPath(new URL('../../dist/train/train.js', import.meta.url));

/** Trains in another process and kills it once so many epochs are in the table. */
async function killAt(epochs: number, run: string, options: TrainOptions): Promise<void> {
  const script = `import { train } from ${JSON.stringify(built)};
    await train(${JSON.stringify(toy.dataset)}, ${JSON.stringify(options)});`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
  const ended = new Promise(resolve => child.on('exit', (_, signal) => resolve(signal)));
  const watch = setInterval(async () => {
    if ((await readEpochs(join(run, 'epochs.csv'))).length >= epochs) child.kill('SIGKILL');
  }, 2);
  expect(await ended).toBe('SIGKILL');
  clearInterval(watch);
}

test('a full disk is said so, and with room again the training goes on to the same weights', context => {
  const place = join(toy.folder, 'disk');
  return withSmallDisk(context, { place, megabytes: 1 }, async () => {
    const options = { ...settings(), name: 'full', epochs: 100 };
    const whole = await train(toy.dataset, options);
    let filled = false;
    const onProgress = ({ done }: { done: number }) => {
      if (done > 120 && !filled) fillDisk(join(place, 'other'));
      filled ||= done > 120;
    };
    const onFullDisk = train(toy.dataset, { ...options, out: place }, { onProgress });
    await expect(onFullDisk).rejects.toMatchObject({
      code: 'disk-full',
      message: expect.stringContaining(place),
    });
    await rm(join(place, 'other'));
    const run = join(place, 'full');
    await train(toy.dataset, { resume: run });
    expect(await lastOf(run)).toEqual(await lastOf(whole.run));
    expect(await figuresOf(run)).toEqual(await figuresOf(whole.run));
  });
});

test('a training that went nowhere says that it has learnt nothing', async () => {
  const far = { learningRate: 100, epochs: 1, clipNorm: 0, augmentation: false } as const;
  const { warnings } = await train(toy.dataset, { ...settings(), ...far, name: 'far' });
  expect(warnings).toContainEqual(expect.stringMatching(/learnt nothing.*lower learning rate/));
  const { warnings: none } = await train(toy.dataset, { ...settings(), name: 'near' });
  expect(none).not.toContainEqual(expect.stringMatching(/learnt nothing/));
});

describe('a training is refused', () => {
  const refused = (options: TrainOptions, expected: object, dataset = toy.dataset) =>
    expect(train(dataset, { ...settings(), ...options })).rejects.toMatchObject(expected);
  const saying = (text: RegExp) => expect.stringMatching(text);

  test('on a data set that has not been split, with the command to run', async () => {
    const unsplit = await makeToy([4], { split: false });
    await refused({}, { code: 'dataset-unsplit', message: saying(/brightcell split/) }, unsplit.dataset);
    await refused({ fold: 0 }, { code: 'dataset-unsplit', message: saying(/--folds 5/) }, unsplit.dataset);
    await unsplit.remove();
  });

  test('with cells of one class only', async () => {
    const single = await makeToy([[5], [0], [0]]);
    await refused(
      {},
      { code: 'classes-missing', message: saying(/at least 2 classes.*1: flat/) },
      single.dataset,
    );
    await single.remove();
  });

  test('when a class has no training image, naming it and where its cells are', async () => {
    const lacking = await makeToy([
      [5, 1],
      [5, 1],
      [0, 2],
    ]);
    await refused({}, { code: 'classes-missing', message: saying(/upright.*other parts/) }, lacking.dataset);
    await lacking.remove();
  });

  test('on a data set in which a bit has flipped, before a run is made', async () => {
    const flipped = await makeToy();
    const shard = join(flipped.dataset, 'images/00000.npy');
    const bytes = await readFile(shard);
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(shard, bytes);
    const options = { model: flipped.network, out: flipped.runs, name: 'run' };
    await expect(train(flipped.dataset, options)).rejects.toMatchObject({
      code: 'dataset-corrupt',
      message: saying(/00000\.npy/),
    });
    await expect(readdir(flipped.runs)).rejects.toMatchObject({ code: 'ENOENT' });
    await flipped.remove();
  });

  test('under a name that is taken, and the run there stays', async () => {
    const first = await train(toy.dataset, { ...settings(), name: 'taken', epochs: 1 });
    await refused({ name: 'taken' }, { code: 'run-exists', exitCode: 2, message: saying(/--resume/) });
    expect(await figuresOf(first.run)).toHaveLength(1);
  });

  test('in a run that a living process trains, but not in one whose process is gone', async () => {
    const first = await train(toy.dataset, { ...settings(), name: 'shared', epochs: 2 });
    const stop = new AbortController();
    let second: Promise<unknown> | undefined;
    // It goes on until the second has had its answer.
    await train(
      toy.dataset,
      { ...settings(), name: 'busy', epochs: 1000, patience: 0 },
      {
        signal: stop.signal,
        onProgress: ({ stage }) => {
          if (stage !== 'training') return;
          second ??= train(toy.dataset, { resume: join(toy.runs, 'busy') })
            .catch(error => error)
            .finally(() => stop.abort());
        },
      },
    ).catch(error => expect(error).toMatchObject({ code: 'cancelled' }));
    expect(await second).toMatchObject({ code: 'run-locked', fields: { pid: process.pid } });
    await writeFile(
      join(first.run, '.lock'),
      JSON.stringify({ pid: 2 ** 22 + 1, host: hostname(), started: '1' }),
    );
    await expect(train(toy.dataset, { resume: first.run })).resolves.toMatchObject({ epochs: 2 });
  });

  test('to go on with other cells than it started with', async () => {
    const changing = await makeToy();
    const run = join(changing.runs, 'run');
    await train(changing.dataset, { model: changing.network, out: changing.runs, name: 'run', epochs: 1 });
    const dataset = await Dataset.open(changing.dataset, 'write');
    await dataset.writeVerdicts([{ id: 0, verdict: 'rejected', reason: 'test', by: 'hand' }], {});
    await dataset.close();
    await expect(train(changing.dataset, { resume: run })).rejects.toMatchObject({
      code: 'checkpoint-mismatch',
    });
    await changing.remove();
  });

  test('to go on from a damaged checkpoint, or from no run', async () => {
    const { run } = await train(toy.dataset, { ...settings(), name: 'damaged', epochs: 1 });
    const path = join(run, 'checkpoints/last.safetensors');
    await writeFile(path, (await readFile(path)).subarray(0, 1000));
    await expect(train(toy.dataset, { resume: run })).rejects.toMatchObject({
      code: 'checkpoint-corrupt',
      fields: { path },
    });
    await expect(train(toy.dataset, { resume: toy.folder })).rejects.toMatchObject({ code: 'run-missing' });
    await rm(run, { recursive: true });
  });

  test('with settings beside --resume', async () => {
    const resume = join(toy.runs, 'whole');
    await expect(train(toy.dataset, { resume, epochs: 3 })).rejects.toMatchObject({
      code: 'option-invalid',
      message: saying(/epochs/),
    });
  });

  test('when it diverges, with a remedy', async () => {
    const options = {
      optimiser: 'sgd',
      learningRate: 100,
      clipNorm: 0,
      schedule: 'constant',
      loss: 'crossEntropy',
    } as const;
    await refused(
      { ...options, name: 'diverged', epochs: 200 },
      { code: 'training-diverged', message: saying(/[Ll]ower the learning rate/) },
    );
  });
});

describe('a training warns', () => {
  test('of classes with too few cells for the figures to mean anything, and runs', async () => {
    const few = await makeToy([4, 2, 2]);
    const report = await train(few.dataset, { model: few.network, out: few.runs, epochs: 2 });
    expect(report.warnings.join()).toMatch(/Too few.*flat \(4\)/);
    await few.remove();
  });

  test('without a validation part, and keeps the last epoch', async () => {
    const unchecked = await makeToy([30, 0, 5]);
    const report = await train(unchecked.dataset, {
      model: unchecked.network,
      out: unchecked.runs,
      epochs: 3,
    });
    expect(report).toMatchObject({ validation: null, bestEpoch: 3, stopped: 'finished' });
    expect(report.warnings.join()).toMatch(/no validation part/);
    expect((await readEpochs(join(report.run, 'epochs.csv')))[0]!.validationLoss).toBeNull();
    await unchecked.remove();
  });
});
