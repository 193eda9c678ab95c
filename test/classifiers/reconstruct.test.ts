import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { reconstruct } from '../../src/classifiers/reconstruct.ts';
import { readEpochs } from '../../src/train/epochLog.ts';
import { train } from '../../src/train/train.ts';
import { brightcell } from '../cli/brightcell.ts';
import { makeToy, type Toy, tinyNetwork } from '../train/toyDataset.ts';

/** Reads 3 x 3 blocks and makes the 16 x 16 pixels of it again. */
const both = {
  name: 'both',
  layers: tinyNetwork.layers,
  decoder: {
    from: 2,
    layers: [
      { type: 'dense', units: 256 },
      { type: 'reshape', shape: [1, 16, 16] },
    ],
  },
};

let toy: Toy;
let model: string;
const at = (name: string) => join(toy.folder, name);

beforeAll(async () => {
  toy = await makeToy([40, 12, 12], { discs: true });
  await writeFile(at('both.json'), JSON.stringify(both));
  const settings = {
    model: at('both.json'),
    epochs: 24,
    batchSize: 16,
    augmentation: false,
    monitor: 'loss',
    out: toy.runs,
  } as const;
  ({ run: model } = await train(toy.dataset, { ...settings, name: 'both' }));
});
afterAll(() => toy.remove());

test('the table of a training tells how the reconstruction gets better', async () => {
  const losses = (await readEpochs(join(model, 'epochs.csv'))).map(epoch => epoch.trainReconstructionLoss!);
  expect(losses).toHaveLength(24);
  expect(losses.at(-1)).toBeLessThan(0.7 * losses[0]!);
});

test('a sheet has originals above and reconstructions below, like each other', async () => {
  const out = at('sheet.png');
  const report = await reconstruct(model, [toy.dataset], { out, images: 5 });
  expect(report.sources).toHaveLength(5);
  expect(report.sources[0]).toMatch(/cells#\d+$/);
  const { data, info } = await sharp(out).extractChannel(0).raw().toBuffer({ resolveWithObject: true });
  expect(info).toMatchObject({ width: 5 * 20 + 4, height: 2 * 20 + 4, channels: 1 });
  let [together, squares, made] = [0, 0, 0];
  for (let column = 0; column < 5; column++) {
    const tile = (row: number) =>
      Array.from({ length: 256 }, (_, i) => {
        const [y, x] = [4 + 20 * row + (i >> 4), 4 + 20 * column + (i & 15)];
        return data[y * info.width + x]!;
      });
    const [above, below] = [tile(0), tile(1)].map(values => {
      const mean = values.reduce((sum, value) => sum + value) / 256;
      return values.map(value => value - mean);
    }) as [number[], number[]];
    for (let i = 0; i < 256; i++) {
      together += above[i]! * below[i]!;
      squares += above[i]! ** 2;
      made += below[i]! ** 2;
    }
  }
  expect(together / Math.sqrt(squares * made)).toBeGreaterThan(0.6);
  expect(Math.min(...report.meanSquaredErrors)).toBeLessThan(0.6);
});

test('files are prepared as the training images were, and the same file gives the same bytes', async () => {
  await mkdir(at('images'));
  for (const [i, gray] of [30, 120, 240].entries()) {
    const create = { width: 40, height: 40, channels: 3 as const, background: { r: gray, g: gray, b: gray } };
    await sharp({ create })
      .png()
      .toFile(at(`images/${i}.png`));
  }
  const { sources } = await reconstruct(model, [at('images')], { out: at('one.png') });
  expect(sources).toEqual([0, 1, 2].map(i => at(`images/${i}.png`)));
  await reconstruct(model, [at('images')], { out: at('two.png') });
  const [one, two] = await Promise.all(['one.png', 'two.png'].map(name => sharp(at(name)).raw().toBuffer()));
  expect(one!.equals(two!)).toBe(true);
});

test('what cannot be reconstructed is refused with a reason, and no file is left', async () => {
  const { run } = await train(toy.dataset, { model: toy.network, epochs: 1, out: toy.runs, name: 'plain' });
  const out = at('none.png');
  await expect(reconstruct(run, [toy.dataset], { out })).rejects.toMatchObject({
    code: 'option-invalid',
    message: expect.stringMatching(/with a decoder/),
  });
  await expect(reconstruct(model, [at('nowhere')], { out })).rejects.toMatchObject({
    code: 'source-invalid',
  });
  await expect(reconstruct(model, [toy.dataset], { out, images: 0 })).rejects.toMatchObject({
    code: 'option-invalid',
  });
  await writeFile(at('broken.png'), 'not an image');
  await expect(reconstruct(model, [at('broken.png')], { out })).rejects.toMatchObject({
    code: 'image-unreadable',
  });
  const weighted = { model: toy.network, reconstructionWeight: 2, out: toy.runs };
  await expect(train(toy.dataset, weighted)).rejects.toMatchObject({
    code: 'option-invalid',
    message: expect.stringMatching(/decoder/),
  });
  expect(existsSync(out)).toBe(false);
});

test('brightcell reconstruct writes the sheet and says how close it is', async () => {
  const outcome = await brightcell([
    'reconstruct',
    model,
    toy.dataset,
    '--out',
    at('cli.png'),
    '--images',
    '3',
  ]);
  expect(outcome).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/3 images.*cli\.png\nMean squared error \d\.\d+/),
  });
  expect((await sharp(at('cli.png')).metadata()).width).toBe(3 * 20 + 4);
});
