import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkRunOptions, resolveConfig, type TrainOptions } from '../../src/train/config.ts';
import { learningRateAt } from '../../src/train/schedule.ts';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'brightcell-settings-'))));
afterAll(() => rm(folder, { recursive: true }));

describe('a configuration', () => {
  test('of the paper is what the paper says', async () => {
    expect(await resolveConfig({ recipe: 'paper' }, 848_250)).toMatchObject({
      model: 'cellnet',
      batchSize: 1300,
      learningRate: 1e-4,
      optimiser: { name: 'adam', beta1: 0.9, beta2: 0.999 },
      schedule: { name: 'step', every: 50, factor: 0.1 },
      initialiser: { name: 'truncatedNormal', deviation: 0.1 },
      loss: { name: 'doubleSoftmax' },
      normalisation: 'mean',
    });
  });

  test('of the default recipe goes more often through fewer cells', async () => {
    const epochs = async (cells: number) => (await resolveConfig({}, cells)).epochs;
    expect(await epochs(500)).toBeGreaterThan(await epochs(3000));
    expect(await epochs(3000)).toBeGreaterThan(await epochs(1_000_000));
  });

  test('takes defaults, then the file, then options', async () => {
    const config = join(folder, 'config.json');
    await writeFile(
      config,
      JSON.stringify({ recipe: 'paper', epochs: 7, seed: 3, augmentation: { noise: 0.5 } }),
    );
    const resolved = await resolveConfig({ config, seed: 9, loss: 'focal' }, 1000);
    expect(resolved).toMatchObject({ recipe: 'paper', batchSize: 1300, epochs: 7, seed: 9 });
    expect(resolved.loss).toEqual({ name: 'focal', gamma: 2 });
    expect(resolved.augmentation).toMatchObject({ noise: 0.5, flipHorizontal: true });
  });

  test('takes ranges of augmentation one by one from recipe, file and options', async () => {
    const config = join(folder, 'ranges.json');
    await writeFile(config, JSON.stringify({ augmentation: { noise: 0.5, scale: 0.2 } }));
    const own = async (augmentation: TrainOptions['augmentation']) =>
      (await resolveConfig({ config, augmentation }, 1000)).augmentation;
    expect(await own({ scale: 0.3, replaceBackground: 0.5 })).toMatchObject({
      ...{ noise: 0.5, scale: 0.3, replaceBackground: 0.5, rotateDegrees: 20 },
    });
    expect(await own(true)).toMatchObject({ noise: 0.1, scale: 0.1 });
    expect(await own(false)).toBe(null);
    await writeFile(config, JSON.stringify({ augmentation: null }));
    expect(await own({ replaceBackground: 0.5 })).toEqual({ replaceBackground: 0.5 });
  });

  test('is its own config file', async () => {
    const config = join(folder, 'own.json');
    const first = await resolveConfig({ augmentation: false, optimiser: 'sgd', fold: 2 }, 1000);
    await writeFile(config, JSON.stringify(first));
    expect(await resolveConfig({ config }, 5)).toEqual(first);
  });

  const nan = Number.NaN;
  test.each<[TrainOptions, RegExp]>([
    [{ epochs: nan }, /^epochs must be a whole number from 1 to 100000\. Received NaN\.$/],
    [{ epochs: 1.5 }, /^epochs .*1\.5/],
    [{ learningRate: nan }, /^learningRate must be a number above 0 and at most 100\. Received NaN\.$/],
    [{ learningRate: Number.POSITIVE_INFINITY }, /^learningRate .*Received Infinity/],
    [{ learningRate: 0 }, /^learningRate/],
    [{ batchSize: -1 }, /^batchSize .*-1/],
    [{ clipNorm: -1 }, /^clipNorm/],
    [
      { precision: 'float16' as never },
      /^precision must be one of float32, bfloat16\. Received "float16"\.$/,
    ],
    [{ seed: -1 }, /^seed/],
    [{ patience: nan }, /^patience/],
    [{ loss: 'hinge' as never }, /^loss must be one of crossEntropy.*"hinge"/],
    [{ loss: { name: 'focal', gamma: nan } }, /^loss .*NaN/],
    [{ optimiser: { name: 'adam', beta1: 1 } }, /^optimiser/],
    [{ schedule: { name: 'step', every: 0, factor: 0.1 } }, /^schedule/],
    [{ initialiser: { name: 'truncatedNormal', deviation: 0 } }, /^initialiser/],
    [{ augmentation: { rotateDegrees: nan } }, /rotateDegrees .*NaN/],
    [{ augmentation: { spin: 3 } as never }, /spin/],
    [
      { normalisation: 'zscore' as never },
      /^normalisation must be one of none, range, mean, standardise, session/,
    ],
    [{ lr: 0.1 } as never, /no setting "lr".*learningRate/],
  ])('with %o is refused with the valid range', async (options, message) => {
    await expect(resolveConfig(options, 100)).rejects.toMatchObject({
      code: 'option-invalid',
      exitCode: 2,
      message: expect.stringMatching(message),
    });
  });

  test('file that is no JSON, or holds a wrong setting, is refused by its path', async () => {
    const config = join(folder, 'wrong.json');
    await writeFile(config, '{');
    await expect(resolveConfig({ config }, 100)).rejects.toMatchObject({
      message: expect.stringContaining(config),
    });
    await writeFile(config, '{"epochs": "many"}');
    await expect(resolveConfig({ config }, 100)).rejects.toMatchObject({
      message: `epochs in ${config} must be a whole number from 1 to 100000. Received "many".`,
    });
  });

  test.each<[TrainOptions, RegExp]>([
    [{ threads: nan }, /threads/],
    [{ threads: 0 }, /threads/],
    [{ name: 'a/b' }, /name/],
    [{ name: '..' }, /name/],
    [{ resume: 'runs/x', config: 'y.json', seed: 1 }, /config, seed/],
  ])('of the run with %o is refused', (options, message) => {
    expect(() => checkRunOptions(options)).toThrow(message);
  });
});

describe('the learning rate', () => {
  const steps = 10;
  const epochs = 20;
  const curve = (schedule: Parameters<typeof learningRateAt>[0]) =>
    Array.from({ length: steps * epochs }, (_, i) =>
      learningRateAt(schedule, 2, { epoch: Math.floor(i / steps), step: i % steps, steps, epochs }),
    );

  test('stays constant, or falls by the factor after so many epochs', () => {
    expect(new Set(curve({ name: 'constant' }))).toEqual(new Set([2]));
    const step = curve({ name: 'step', every: 8, factor: 0.1 });
    expect([step[79], step[80], step[160]].map(rate => Number(rate!.toPrecision(12)))).toEqual([
      2, 0.2, 0.02,
    ]);
  });

  test('rises to its peak and falls along a cosine to the final fraction', () => {
    const cosine = curve({ name: 'cosine', warmup: 0.1, final: 0.05 });
    expect(cosine.indexOf(Math.max(...cosine))).toBe(20);
    expect(cosine[20]).toBe(2);
    expect(cosine[0]).toBeGreaterThan(0);
    expect(cosine[110]).toBeCloseTo((2 * (1 + 0.05)) / 2, 10);
    expect(cosine.at(-1)).toBeGreaterThan(0.1);
    expect(cosine.at(-1)).toBeLessThan(0.102);
    for (let i = 1; i < 20; i++) expect(cosine[i]).toBeGreaterThan(cosine[i - 1]!);
    for (let i = 21; i < 200; i++) expect(cosine[i]).toBeLessThan(cosine[i - 1]!);
  });
});
