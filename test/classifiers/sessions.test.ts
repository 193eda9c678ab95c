import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { classify, type Prediction } from '../../src/classifiers/classify.ts';
import { loadClassifier } from '../../src/classifiers/loadClassifier.ts';
import { Dataset } from '../../src/dataset/dataset.ts';
import { explainOcclusion } from '../../src/explain/explainOcclusion.ts';
import { train } from '../../src/methods/train.ts';
import { evaluate } from '../../src/study/evaluateRun.ts';
import { makeToy, type Toy } from '../train/toyDataset.ts';

let toy: Toy;
let run: string;
beforeAll(async () => {
  toy = await makeToy([40, 20, 20]);
  const settings = { epochs: 6, batchSize: 16, learningRate: 0.02, normalisation: 'session' } as const;
  run = (await train(toy.dataset, { ...settings, model: toy.network, out: toy.runs })).run;
}, 60_000);
afterAll(() => toy.remove());

async function gather(inputs: string[]): Promise<Prediction[]> {
  const all: Prediction[] = [];
  await classify(run, inputs, { onPredictions: predictions => void all.push(...predictions) });
  return all;
}

/** Writes the images of the data set, changed pixel by pixel, as files. */
async function writeImages(name: string, change: (value: number) => number): Promise<string> {
  const folder = join(toy.folder, name);
  await mkdir(folder);
  const dataset = await Dataset.open(toy.dataset, 'read');
  const images = dataset.images();
  for (let row = 0; row < dataset.count; row++) {
    const pixels = (images.read(row) as Uint8Array).map(change);
    const png = sharp(pixels, { raw: { width: 16, height: 16, channels: 1 } }).png();
    await writeFile(join(folder, `${String(row).padStart(4, '0')}.png`), await png.toBuffer());
  }
  await dataset.close();
  return folder;
}

test('files of one call are one session, and get what the cells of a data set of one session get', async () => {
  const cells = await gather([toy.dataset]);
  const files = await gather([await writeImages('files', value => value)]);
  expect(files.length).toBe(cells.length);
  for (const [i, file] of files.entries()) {
    for (const [k, p] of file.probabilities.entries()) expect(p).toBeCloseTo(cells[i]!.probabilities[k]!, 4);
  }
});

test('a session in other light gets the same answers, whole: level and contrast are its own', async () => {
  // Pixels lie from 50 to 200: nothing is clipped, and halving rounds half a grey level away.
  const before = await gather([toy.dataset]);
  const after = await gather([await writeImages('darker', value => 20 + Math.round(value / 2))]);
  const same = after.filter((one, i) => one.class === before[i]!.class).length;
  expect(same / after.length).toBeGreaterThan(0.97);
});

test('evaluating, explaining and a method on its embedding take the sessions of the data set', async () => {
  const { parts } = await evaluate(run, { splits: ['test'] });
  expect(parts[0]!.scores.accuracy).toBeGreaterThan(0.8);
  const { out } = await explainOcclusion(run, [toy.dataset], { perClass: 1, out: join(toy.folder, 'maps') });
  expect(out).toContain('maps');
  const embedded = await train(toy.dataset, { model: `embedding:${run}+centroid`, out: toy.runs });
  const again = await evaluate(embedded.run, { splits: ['test'] });
  expect(again.parts[0]!.scores.accuracy).toBeGreaterThan(0.8);
}, 60_000);

test('images whose session is not known are refused with what to do', async () => {
  const classifier = await loadClassifier(run);
  expect(classifier.usesSessions).toBe(true);
  expect(() => classifier.classify(new Uint8Array(256))).toThrow(/of one session/);
  classifier.dispose();
});
