import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest';
import { classify } from '../../src/classifiers/classify.ts';
import { loadClassifier } from '../../src/classifiers/loadClassifier.ts';
import { Dataset } from '../../src/dataset/dataset.ts';
import { hasBfloat16, type Precision } from '../../src/engine/precision.ts';
import { readSafetensors } from '../../src/models/safetensors.ts';
import { evaluate } from '../../src/study/evaluateRun.ts';
import type { TrainOptions } from '../../src/train/config.ts';
import { readEpochs } from '../../src/train/epochLog.ts';
import { train } from '../../src/train/train.ts';
import { brightcell } from '../cli/brightcell.ts';
import { makeToy, type Toy } from './toyDataset.ts';

let toy: Toy;
let folder: string;
let dataset: string;
let model: string;

beforeAll(async () => {
  toy = await makeToy([100, 20, 100]);
  ({ dataset, folder } = toy);
  model = join(folder, 'small.json');
  await writeFile(model, JSON.stringify(network));
});
afterAll(() => toy.remove());

/** Layers of every kind that works in bfloat16, and of the kinds between them. */
const network = {
  name: 'small',
  layers: [
    { type: 'conv', filters: 16, kernel: 5, stride: 2, padding: 'same' },
    { type: 'maxPool', size: 2 },
    { type: 'relu' },
    { type: 'batchNorm' },
    { type: 'conv', filters: 24, kernel: 3, padding: 'same' },
    { type: 'relu' },
    { type: 'dense', units: 48 },
    { type: 'relu' },
    { type: 'dense', units: 'classes' },
  ],
};

const settings = (precision: Precision, name: string): TrainOptions => ({
  ...{ model, precision, name, epochs: 8, batchSize: 32, patience: 0 },
  out: toy.runs,
});

/** A processor without bfloat16 cannot show what it does there. */
function needsBfloat16(context: TestContext): void {
  if (!hasBfloat16()) context.skip('this processor has no AVX512-BF16');
}

const readJson = async (...path: string[]) => JSON.parse(await readFile(join(...path), 'utf8'));
const lossesOf = async (run: string) =>
  (await readEpochs(join(run, 'epochs.csv'))).map(epoch => epoch.trainLoss);
const lastOf = async (run: string) =>
  (await readSafetensors(join(run, 'checkpoints/last.safetensors'))).tensors;

async function testAccuracy(run: string, precision?: Precision): Promise<number> {
  const out = join(folder, 'scores', `${precision}`);
  return (await evaluate(run, { splits: ['test'], precision, out })).parts[0]!.scores.accuracy;
}

describe('in bfloat16', () => {
  test('a training learns as in float32 does, and its model is as good in either', async context => {
    needsBfloat16(context);
    const full = await train(dataset, settings('float32', 'float32'));
    const half = await train(dataset, settings('bfloat16', 'bfloat16'));
    expect(await lastOf(half.run)).not.toEqual(await lastOf(full.run));
    const [expected, losses] = [await lossesOf(full.run), await lossesOf(half.run)];
    expect(expected.at(-1)).toBeLessThan(expected[0]! / 3);
    losses.forEach((loss, epoch) => {
      expect(Math.abs(loss - expected[epoch]!)).toBeLessThan(0.01);
    });
    expect(await testAccuracy(full.run)).toBeGreaterThan(0.95);
    expect(await testAccuracy(half.run)).toBeGreaterThan(0.95);
    expect(await testAccuracy(half.run, 'bfloat16')).toBeGreaterThan(0.95);
  });

  test('probabilities are those of float32 within 0.02, and of one image those of many', async context => {
    needsBfloat16(context);
    const { run } = await train(dataset, settings('float32', 'compared'));
    const data = await Dataset.open(dataset, 'read');
    const [full, half] = [await loadClassifier(run), await loadClassifier(run, { precision: 'bfloat16' })];
    const rows = Int32Array.from({ length: 300 }, (_, row) => row);
    const expected = await full.predict(data.images(), rows);
    const probabilities = await half.predict(data.images(), rows);
    const away = probabilities.map((p, i) => Math.abs(p - expected[i]!));
    expect(Math.max(...away)).toBeGreaterThan(0);
    expect(Math.max(...away)).toBeLessThan(0.02);
    const image = data.images().read(9) as Uint8Array;
    expect(half.classify(image)).toEqual(probabilities.subarray(27, 30));
    full.dispose();
    half.dispose();
    await data.close();
  });

  test('a training that was stopped goes on in bfloat16 to the same bits', async context => {
    needsBfloat16(context);
    const options = { ...settings('bfloat16', 'whole'), epochs: 3 };
    const whole = await train(dataset, options);
    let looked = 0; // once before each step: stops in the middle of the second epoch
    const { signal } = new AbortController();
    Object.defineProperty(signal, 'aborted', { get: () => ++looked > 16 });
    const stopped = train(dataset, { ...options, name: 'stopped' }, { signal });
    await expect(stopped).rejects.toMatchObject({ code: 'cancelled', fields: { epoch: 1 } });
    const run = join(folder, 'runs', 'stopped');
    await train(dataset, { resume: run, threads: 1 });
    expect(await lastOf(run)).toEqual(await lastOf(whole.run));
    expect(await readJson(run, 'config.json')).toMatchObject({ precision: 'bfloat16' });
    expect(await readJson(run, 'provenance.json')).toMatchObject({ precision: 'bfloat16' });
  });
});

describe('the precision', () => {
  test('is float32 unless said, in training and in evaluation, and is noted', async () => {
    const { run } = await train(dataset, {
      ...settings('float32', 'plain'),
      precision: undefined,
      epochs: 1,
    });
    expect(await readJson(run, 'config.json')).toMatchObject({ precision: 'float32' });
    expect(await readJson(run, 'provenance.json')).toMatchObject({ precision: 'float32' });
    expect(await evaluate(run)).toMatchObject({ precision: 'float32' });
    expect(await readJson(run, 'evaluation', 'scores.json')).toMatchObject({ precision: 'float32' });
  });

  test('of a run made before there was a choice is float32', async () => {
    const { run } = await train(dataset, { ...settings('float32', 'older'), epochs: 1 });
    const { precision: _, ...older } = await readJson(run, 'config.json');
    await writeFile(join(run, 'config.json'), JSON.stringify(older));
    await expect(train(dataset, { resume: run })).resolves.toMatchObject({ epochs: 1 });
  });

  test('that does not exist is refused by every command and function, with those there are', async () => {
    const { run } = await train(dataset, { ...settings('float32', 'refusing'), epochs: 1 });
    const precision = 'float16' as Precision;
    for (const call of [
      () => train(dataset, settings(precision, 'wrong')),
      () => loadClassifier(run, { precision }),
      () => evaluate(run, { precision }),
      () => classify(run, [dataset], { precision }),
    ]) {
      await expect(call()).rejects.toMatchObject({
        code: 'option-invalid',
        message: expect.stringMatching(/precision must be one of float32, bfloat16\. Received "float16"/),
      });
    }
    for (const [command, ...subjects] of [
      ['train', dataset],
      ['evaluate', run],
      ['classify', run, dataset],
    ]) {
      const { code, stderr } = await brightcell([command!, ...subjects, '--precision', 'float16']);
      expect({ command, code }).toEqual({ command, code: 2 });
      expect(stderr).toMatch(/--precision.*float32, bfloat16/s);
    }
  });

  test('bfloat16 is refused where the processor lacks it, also to a config file and a run to resume', async () => {
    const { run } = await train(dataset, { ...settings('float32', 'elsewhere'), epochs: 1 });
    const config = join(run, 'config.json');
    await writeFile(config, JSON.stringify({ ...(await readJson(config)), precision: 'bfloat16' }));
    for (const [command, where] of [
      [['train', dataset, '--precision', 'bfloat16'], ''],
      [['train', dataset, '--config', config], ` in ${config}`],
      [['train', dataset, '--resume', run], ` in ${config}`],
      [['evaluate', run, '--precision', 'bfloat16'], ''],
      [['classify', run, dataset, '--precision', 'bfloat16'], ''],
    ] as const) {
      const { code, stderr } = await brightcell([...command], {
        env: { BRIGHTCELL_ISA: 'plain' },
        cwd: folder,
      });
      expect({ command, code }).toEqual({ command, code: 2 });
      expect(stderr).toContain(`The precision bfloat16${where} needs a processor with AVX512-BF16`);
    }
  });
});
