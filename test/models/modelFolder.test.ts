import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Network } from '../../src/engine/network.ts';
import {
  type ModelDescription,
  modelFormatVersion,
  readModel,
  saveModel,
} from '../../src/models/modelFolder.ts';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'brightcell-model-'))));
afterAll(() => rm(folder, { recursive: true }));

const description: ModelDescription = {
  formatVersion: modelFormatVersion,
  kind: 'cnn',
  classes: ['a', 'b', 'c'],
  preparation: { height: 6, width: 5, channels: 'gray', fit: 'pad' },
  pixelType: 'uint16',
  normalisation: 'mean',
  network: {
    name: 'small',
    input: { channels: 1, height: 6, width: 5 },
    layers: [{ type: 'dense', units: 4 }, { type: 'batchNorm' }, { type: 'dense', units: 3 }],
  },
};

function weightsWithSeed(seed: number) {
  const network = new Network(description.network, { seed, initialiser: { name: 'heNormal' } });
  const weights = network.weights();
  network.dispose();
  return weights;
}

/** A saved model whose `network.json` was changed. */
async function saveChanged(name: string, change: (text: string) => string): Promise<string> {
  const path = join(folder, name);
  await saveModel(path, description, weightsWithSeed(0));
  const file = join(path, 'network.json');
  await writeFile(file, change(await readFile(file, 'utf8')));
  return path;
}

test('a model comes back bit for bit, and its folder holds data only', async () => {
  const path = join(folder, 'runs/deep/model');
  const weights = weightsWithSeed(1);
  await saveModel(path, description, weights);
  expect(await readModel(path)).toEqual({ description, weights });
  expect((await readdir(path)).sort()).toEqual(['network.json', 'weights.safetensors']);
  expect(await readdir(join(folder, 'runs/deep'))).toEqual(['model']);
});

test('a folder of the same network gets new weights; anything else there is left alone', async () => {
  const path = join(folder, 'again');
  await saveModel(path, description, weightsWithSeed(1));
  await saveModel(path, description, weightsWithSeed(2));
  expect((await readModel(path)).weights).toEqual(weightsWithSeed(2));
  const other = { ...description, classes: ['x', 'y', 'z'] };
  await expect(saveModel(path, other, weightsWithSeed(1))).rejects.toMatchObject({ code: 'model-exists' });
  const taken = join(folder, 'taken');
  await mkdir(taken);
  await writeFile(join(taken, 'thesis.txt'), 'precious');
  await expect(saveModel(taken, description, weightsWithSeed(1))).rejects.toMatchObject({
    code: 'model-exists',
  });
  expect(await readFile(join(taken, 'thesis.txt'), 'utf8')).toBe('precious');
  expect((await readModel(path)).description.classes).toEqual(['a', 'b', 'c']);
});

test('a model of a newer format is refused as such, whatever else it holds', async () => {
  const path = await saveChanged('newer', () => '{"formatVersion": 99, "brain": []}');
  await expect(readModel(path)).rejects.toMatchObject({
    code: 'model-newer',
    message: expect.stringMatching(/format 99.*Update brightcell/),
  });
});

test('no model, no weights or damaged files are told apart', async () => {
  await expect(readModel(join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'model-missing' });
  const bare = await saveChanged('bare', text => text);
  await rm(join(bare, 'weights.safetensors'));
  await expect(readModel(bare)).rejects.toMatchObject({ code: 'model-missing' });
  const cut = await saveChanged('cut', text => text.slice(0, 100));
  await expect(readModel(cut)).rejects.toMatchObject({ code: 'model-corrupt' });
  const odd = await saveChanged('odd', text => text.replace('"pad"', '"squeeze"'));
  await expect(readModel(odd)).rejects.toMatchObject({
    code: 'model-corrupt',
    message: expect.stringContaining('preparation.fit'),
  });
  const unknown = await saveChanged('unknown', text => text.replace('"batchNorm"', '"magic"'));
  await expect(readModel(unknown)).rejects.toMatchObject({
    code: 'model-corrupt',
    message: expect.stringContaining('Layer 1 (magic)'),
  });
});

test('a single changed bit of the weights is found', async () => {
  const path = await saveChanged('flipped', text => text);
  const file = join(path, 'weights.safetensors');
  const bytes = await readFile(file);
  bytes[bytes.length - 3]! ^= 1;
  await writeFile(file, bytes);
  await expect(readModel(path)).rejects.toMatchObject({
    code: 'model-corrupt',
    message: expect.stringContaining('checksum'),
  });
});
