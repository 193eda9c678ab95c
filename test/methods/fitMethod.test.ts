import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Dataset } from '../../src/dataset/dataset.ts';
import { fitMethod } from '../../src/methods/fitMethod.ts';
import type { MethodCells } from '../../src/methods/fittedMethod.ts';
import { parseMethod, withSeed } from '../../src/methods/method.ts';
import { selectCells } from '../../src/train/cells.ts';
import { makeToy, type Toy } from '../train/toyDataset.ts';

let toy: Toy;
let dataset: Dataset;
let cells: MethodCells;

beforeAll(async () => {
  toy = await makeToy([40, 12, 12], { discs: true });
  dataset = await Dataset.open(toy.dataset, 'read');
  cells = {
    training: await selectCells(dataset, 'train'),
    validation: await selectCells(dataset, 'validation'),
  };
});
afterAll(async () => {
  await dataset.close();
  await toy.remove();
});

describe('the name of a method', () => {
  test('is a network, a learner on pixels, or a source, a plus and a learner', () => {
    expect(parseMethod('cellnet')).toEqual({ kind: 'network', name: 'cellnet' });
    expect(parseMethod('./my+net.json')).toEqual({ kind: 'network', name: './my+net.json' });
    expect(parseMethod('centroid')).toEqual({
      ...{ kind: 'plain', name: 'centroid' },
      ...{ source: 'pixels', learner: 'centroid' },
    });
    expect(parseMethod('pixels+centroid')).toMatchObject({ source: 'pixels', learner: 'centroid' });
  });

  test.each(['nothing', 'colours+centroid', '+centroid', 'embedding:+centroid', 'centroid+pixels', ''])(
    'is refused, and what there is named: %j',
    name => {
      expect(() => parseMethod(name)).toThrow(/pixels/);
    },
  );
});

describe('fitting a method on cells of an open data set', () => {
  test('gives a classifier, what was chosen, and its score on the validation cells', async () => {
    const fitted = await fitMethod(dataset, 'centroid', {}, cells);
    expect(fitted).toMatchObject({
      ...{ method: 'centroid', settings: { sharpness: 'auto' } },
      validation: { cells: 36, accuracy: 1, macroF1: 1 },
    });
    expect(fitted.facts.sharpness).toBeGreaterThan(0);
    const test = await selectCells(dataset, 'test');
    const probabilities = await fitted.classifier.predict(dataset.images(), test.rows);
    expect(probabilities.length).toBe(36 * 3);
    fitted.classifier.dispose();
  });

  test('takes networks too, and leaves no folder', async () => {
    const settings = { epochs: 2, batchSize: 30, augmentation: false, seed: 4 };
    const fitted = await fitMethod(dataset, toy.network, settings, cells);
    expect(fitted).toMatchObject({
      settings: { epochs: 2, batchSize: 30, augmentation: null, seed: 4 },
      facts: { epochs: 2, stopped: 'finished' },
      validation: { cells: 36 },
    });
    expect(fitted.classifier.classes).toEqual(['flat', 'level', 'upright']);
    fitted.classifier.dispose();
  });

  test.each(['centroid', 'network'])('a class without training cells does not stop it: %s', async kind => {
    const kept = cells.training.labels.map((label, i) => (label === 1 ? -1 : i)).filter(i => i >= 0);
    const some = {
      rows: kept.map(i => cells.training.rows[i]!),
      labels: kept.map(i => cells.training.labels[i]!),
    };
    const [name, settings] = kind === 'network' ? [toy.network, { epochs: 1, batchSize: 20 }] : [kind, {}];
    const fitted = await fitMethod(dataset, name, settings, { ...cells, training: some });
    const probabilities = await fitted.classifier.predict(dataset.images(), cells.validation.rows);
    expect(probabilities.every(Number.isFinite)).toBe(true);
    if (kind !== 'network')
      expect(probabilities.filter((p, i) => i % 3 === 1 && p !== 0)).toEqual(new Float32Array());
    fitted.classifier.dispose();
  });

  test('cells of one class, wrong settings and a stop are refused', async () => {
    const one = { rows: cells.training.rows.slice(0, 5), labels: cells.training.labels.slice(0, 5) };
    await expect(fitMethod(dataset, 'centroid', {}, { ...cells, training: one })).rejects.toThrow(
      /2 classes/,
    );
    await expect(fitMethod(dataset, 'centroid', { k: 3 }, cells)).rejects.toThrow(
      'There is no setting "k" of centroid. It has sharpness.',
    );
    await expect(fitMethod(dataset, 'centroid', { sharpness: -1 }, cells)).rejects.toThrow(
      'sharpness of centroid must be a number above 0 and at most 1000000, or auto. Received -1.',
    );
    const named = await fitMethod(dataset, 'centroid', { Sharpness: 2 }, cells);
    expect(named.settings).toEqual({ sharpness: 2 });
    const twice = fitMethod(dataset, 'centroid', { Sharpness: 2, sharpness: 3 }, cells);
    await expect(twice).rejects.toThrow('must be given once');
    const stopped = { signal: AbortSignal.abort() };
    await expect(fitMethod(dataset, 'centroid', {}, cells, stopped)).rejects.toMatchObject({
      code: 'cancelled',
    });
  });

  test('a seed goes to methods in which chance plays a part', async () => {
    expect(await withSeed('cellnet', { epochs: 3 }, 5)).toEqual({ epochs: 3, seed: 5 });
    expect(await withSeed('centroid', {}, 5)).toEqual({});
  });
});
