import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LoadedClassifier } from '../../src/classifiers/classifier.ts';
import { loadClassifier } from '../../src/classifiers/loadClassifier.ts';
import { Dataset } from '../../src/dataset/dataset.ts';
import { ImageSet } from '../../src/engine/imageSet.ts';
import { learnerNames } from '../../src/learners/registry.ts';
import { train } from '../../src/methods/train.ts';
import { selectCells } from '../../src/train/cells.ts';
import { makeToy, type Toy } from '../train/toyDataset.ts';

/** Every kind of classifier, made from the toy data set. A new kind gets a line here; learners are all here. */
const kinds: Record<string, (toy: Toy) => Promise<LoadedClassifier>> = {
  ...Object.fromEntries(
    learnerNames.map(model => [
      model,
      async (toy: Toy) => loadClassifier((await train(toy.dataset, { model, out: toy.runs })).run),
    ]),
  ),
  cnn: async toy => loadClassifier(await trainNetwork(toy)),
  features: async toy => {
    const model = 'features+knn';
    return loadClassifier((await train(toy.dataset, { model, out: toy.runs, name: 'features' })).run);
  },
  embedding: async toy => {
    const model = `embedding:${await trainNetwork(toy)}+centroid`;
    const { run } = await train(toy.dataset, { model, out: toy.runs, name: 'embedded' });
    await rm(join(toy.runs, 'cells-tiny'), { recursive: true }); // the classifier keeps what it needs
    return loadClassifier(run);
  },
};

async function trainNetwork(toy: Toy): Promise<string> {
  const settings = { epochs: 12, batchSize: 16, learningRate: 0.02 };
  return (await train(toy.dataset, { model: toy.network, out: toy.runs, ...settings })).run;
}
describe.each(Object.entries(kinds))('the contract of classifiers: %s', (name, make) => {
  let toy: Toy;
  let dataset: Dataset;
  let classifier: LoadedClassifier;
  let rows: Int32Array;
  let labels: Int32Array;
  let probabilities: Float32Array;

  beforeAll(async () => {
    toy = await makeToy([40, 12, 100], { discs: name !== 'cnn' });
    classifier = await make(toy);
    dataset = await Dataset.open(toy.dataset, 'read');
    ({ rows, labels } = await selectCells(dataset, 'test'));
    probabilities = await classifier.predict(dataset.images(), rows);
  });
  afterAll(async () => {
    classifier.dispose();
    await dataset.close();
    await toy.remove();
  });

  test('names the classes in the order of the data set', () => {
    expect(classifier.classes).toEqual(['flat', 'level', 'upright']);
  });

  test('gives a probability for each class, which add up to 1', () => {
    expect(probabilities.length).toBe(rows.length * 3);
    expect(probabilities.every(p => p >= 0 && p <= 1)).toBe(true);
    rows.forEach((_, i) => {
      const own = probabilities.subarray(i * 3, i * 3 + 3);
      expect(own.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5);
    });
  });

  test('is right about cells that it never saw', () => {
    const right = labels.filter((label, i) => {
      const own = probabilities.subarray(i * 3, i * 3 + 3);
      return own.indexOf(Math.max(...own)) === label;
    });
    expect(right.length / labels.length).toBeGreaterThan(0.9);
  });

  test('says the same of an image alone, in company, twice, and from memory', async () => {
    const images = dataset.images();
    const alone = await classifier.predict(images, rows.subarray(5, 6));
    for (let k = 0; k < 3; k++) expect(alone[k]).toBeCloseTo(probabilities[15 + k]!, 5);
    expect(await classifier.predict(images, rows)).toEqual(probabilities);
    const copied = ImageSet.from(images.read(rows[5]!), images.shape);
    expect(await classifier.predict(copied, Int32Array.of(0))).toEqual(alone);
  });

  test('says the same of one image at once, and writes where it is told', async () => {
    const images = dataset.images();
    const pixels = images.read(rows[5]!) as Uint8Array;
    const expected = await classifier.predict(images, rows.subarray(5, 6));
    expect(classifier.classify(pixels)).toEqual(expected);
    const place = new Float32Array(3);
    expect(classifier.classify(pixels, place)).toBe(place);
    expect(place).toEqual(expected);
    expect(() => classifier.classify(Uint16Array.from(pixels))).toThrow(
      expect.objectContaining({ code: 'option-invalid' }),
    );
  });

  test('gives probabilities and embeddings together as it gives each', async () => {
    const images = dataset.images();
    const { dimensions } = classifier;
    const embeddings = await classifier.embed(images, rows);
    expect(embeddings.length).toBe(rows.length * dimensions);
    expect(await classifier.look(images, rows)).toEqual({ probabilities, embeddings });
    const job = { signal: AbortSignal.abort() };
    await expect(classifier.look(images, rows, job)).rejects.toMatchObject({ code: 'cancelled' });
  });

  test('gives nothing for no rows', async () => {
    expect((await classifier.predict(dataset.images(), new Int32Array(0))).length).toBe(0);
  });

  test('refuses a row outside the set and images of another shape', async () => {
    const images = dataset.images();
    await expect(classifier.predict(images, Int32Array.of(images.count))).rejects.toMatchObject({
      code: 'option-invalid',
    });
    const wider = ImageSet.from(new Uint8Array(400), { channels: 1, height: 20, width: 20 });
    await expect(classifier.predict(wider, Int32Array.of(0))).rejects.toMatchObject({
      code: 'option-invalid',
    });
  });

  test('stops when asked to', async () => {
    const job = { signal: AbortSignal.abort() };
    await expect(classifier.predict(dataset.images(), rows, job)).rejects.toMatchObject({
      code: 'cancelled',
    });
  });

  test('saved and loaded, predicts the same bit for bit', async () => {
    const path = join(toy.folder, `saved-${name}`);
    await classifier.save(path);
    const loaded = await loadClassifier(path);
    expect(loaded.classes).toEqual(classifier.classes);
    expect(await loaded.predict(dataset.images(), rows)).toEqual(probabilities);
    loaded.dispose();
  });
});
