import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadClassifier } from '../../src/classifiers/loadClassifier.ts';
import { Dataset } from '../../src/dataset/dataset.ts';
import { split } from '../../src/dataset/split.ts';
import type { PlainReport } from '../../src/methods/report.ts';
import { train } from '../../src/methods/train.ts';
import { evaluate } from '../../src/study/evaluateRun.ts';
import { makeToy, type Toy } from '../train/toyDataset.ts';

let toy: Toy;
let report: PlainReport;
const options = (more: object = {}) => ({ model: 'centroid', out: toy.runs, ...more });

beforeAll(async () => {
  toy = await makeToy([40, 12, 12], { discs: true });
  report = (await train(toy.dataset, options({ name: 'first' }))) as PlainReport;
});
afterAll(() => toy.remove());

const json = async (...path: string[]) => JSON.parse(await readFile(join(...path), 'utf8'));

describe('training a plain method', () => {
  test('writes a run that says what was done with what', async () => {
    expect(report).toMatchObject({
      ...{ kind: 'plain', method: 'centroid', settings: { sharpness: 'auto' }, trainingCells: 120 },
      ...{ validation: { cells: 36, accuracy: 1 }, warnings: [], run: join(toy.runs, 'first') },
    });
    expect((await readdir(report.run)).sort()).toEqual([
      'config.json',
      'model',
      'provenance.json',
      'report.json',
    ]);
    expect(await json(report.run, 'config.json')).toEqual({
      model: 'centroid',
      settings: { sharpness: 'auto' },
      fold: null,
    });
    expect(await json(report.run, 'provenance.json')).toMatchObject({
      seed: null,
      precision: null,
      finishedAt: expect.any(String),
    });
  });

  test('is evaluated as a network is, and its figures are those of the training', async () => {
    const { parts, method, precision, cautions } = await evaluate(report.run);
    expect({ method, precision, cautions }).toEqual({ method: 'centroid', precision: null, cautions: [] });
    expect(parts.map(({ part }) => part)).toEqual(['validation', 'test']);
    expect(parts[0]!.scores.macro.f1).toBeCloseTo(report.validation!.macroF1, 10);
  });

  test('the same data and settings give the same model, on any number of threads', async () => {
    const again = await train(toy.dataset, options({ name: 'again', threads: 1 }));
    for (const file of ['classifier.json', 'learner/means.safetensors']) {
      expect(await readFile(join(again.model, file))).toEqual(await readFile(join(report.model, file)));
    }
  });

  test('a run gives the settings of the next, and options go before them', async () => {
    const set = options({ name: 'set', settings: { sharpness: 3 } });
    const { run } = await train(toy.dataset, set);
    const config = join(run, 'config.json');
    const third = (await train(toy.dataset, { config, out: toy.runs, name: 'third' })) as PlainReport;
    expect(third).toMatchObject({ method: 'centroid', settings: { sharpness: 3 }, facts: { sharpness: 3 } });
    const settings = { sharpness: 5 };
    const fourth = (await train(toy.dataset, { config, settings, out: toy.runs })) as PlainReport;
    expect(fourth.facts.sharpness).toBe(5);
    expect(fourth.run).toBe(join(toy.runs, 'cells-centroid'));
  });

  test.each([
    [{ settings: { k: 3 } }, 'There is no setting "k" of centroid. It has sharpness.'],
    [{ settings: { sharpness: 0 } }, 'sharpness of centroid must be a number above 0'],
    [{ epochs: 5 }, 'epochs is a setting of networks, and centroid is none. It has sharpness'],
    [{ precision: 'bfloat16' as const }, 'precision is a setting of networks'],
    [{ seed: 3 }, 'centroid leaves nothing to chance and takes no seed.'],
    [{ fold: -1 }, 'fold must be a whole number from 0. Received -1.'],
    [{ fold: 0 }, 'fold needs a k-fold split'],
    [{ name: 'first' }, 'A new run needs a free name'],
    [{ model: 'knn', settings: { k: 5000 }, name: 'free' }, 'k of knn must be at most'],
    [{ model: 'nothing' }, 'model must be one of cellnet'],
  ])('is refused without leaving a run: %j', async (more, message) => {
    const before = await readdir(toy.runs);
    await expect(train(toy.dataset, options(more))).rejects.toThrow(message);
    expect(await readdir(toy.runs)).toEqual(before);
  });

  test('holds out a fold, and evaluation knows it', async () => {
    const dataset = join(toy.folder, 'folds');
    await cp(toy.dataset, dataset, { recursive: true });
    await split(dataset, { folds: 4, seed: 1 });
    const { run } = await train(dataset, options({ fold: 2, name: 'fold' }));
    const { fold, parts } = await evaluate(run);
    expect(fold).toBe(2);
    expect(parts.map(({ scores }) => scores.cells)).toEqual([48, 48]);
  });
});

describe('an embedding', () => {
  test('is of a network trained on the same cells, or a warning says that it is not', async () => {
    const network = { model: toy.network, out: toy.runs, epochs: 1, batchSize: 30 };
    const { run } = await train(toy.dataset, network);
    const model = `embedding:${run}+centroid`;
    expect((await train(toy.dataset, options({ model }))).warnings).toEqual([]);
    const other = await makeToy([20, 5, 5], { discs: true });
    const { warnings } = await train(other.dataset, options({ model }));
    expect(warnings[0]).toContain('was trained on another data set, split or fold');
    await other.remove();
    const folder = `embedding:${join(run, 'model')}+centroid`;
    const unknown = await train(toy.dataset, options({ model: folder }));
    expect(unknown.warnings[0]).toContain('does not say what it was trained on');
  });

  test('keeps its network: the run may go, and the complete run still gives its report', async () => {
    const network = { model: toy.network, out: toy.runs, epochs: 1, batchSize: 30, name: 'gone' };
    const { run } = await train(toy.dataset, network);
    const model = `embedding:${run}+centroid`;
    const embedded = await train(toy.dataset, options({ model, name: 'stays' }));
    await rm(run, { recursive: true });
    expect(await train(toy.dataset, { resume: embedded.run })).toEqual(embedded);
    expect((await evaluate(embedded.run)).parts).toHaveLength(2);
  });

  test('of a network that is not there, or of other images, is refused without a run', async () => {
    const before = await readdir(toy.runs);
    await expect(
      train(toy.dataset, options({ model: 'embedding:runs/none+centroid' })),
    ).rejects.toMatchObject({ code: 'model-missing' });
    expect(await readdir(toy.runs)).toEqual(before);
  });
});

describe('a plain run that is gone on with', () => {
  test('gives its report where it is complete', async () => {
    expect(await train(toy.dataset, { resume: report.run })).toEqual(report);
  });

  test('is fitted again where it was stopped', async () => {
    const controller = new AbortController();
    let seen = 0;
    const job = {
      get signal() {
        if (++seen === 5) controller.abort();
        return controller.signal;
      },
    };
    const stopped = train(toy.dataset, options({ name: 'stopped' }), job);
    await expect(stopped).rejects.toMatchObject({
      code: 'cancelled',
      fields: { run: join(toy.runs, 'stopped') },
      message: expect.stringContaining('--resume'),
    });
    const run = join(toy.runs, 'stopped');
    expect((await readdir(run)).sort()).toEqual(['config.json', 'provenance.json']);
    await expect(loadClassifier(run)).rejects.toThrow('trained to the end');
    const resumed = (await train(toy.dataset, { resume: run })) as PlainReport;
    expect({ ...resumed, seconds: 0 }).toEqual({
      ...{ ...report, seconds: 0 },
      ...{ run, model: join(run, 'model') },
    });
  });

  test('keeps its settings and its data', async () => {
    const { run } = report;
    await expect(train(toy.dataset, { resume: run, settings: { sharpness: 1 } })).rejects.toThrow(
      'keeps the settings',
    );
    const other = await makeToy([20, 5, 5]);
    await expect(train(other.dataset, { resume: run })).rejects.toMatchObject({
      code: 'checkpoint-mismatch',
    });
    await other.remove();
  });
});

describe('a saved classifier', () => {
  let folder: string;
  const damage = async (change: (description: Record<string, never>) => unknown) => {
    folder = join(toy.folder, 'damaged');
    await rm(folder, { recursive: true, force: true });
    await cp(report.model, folder, { recursive: true });
    const path = join(folder, 'classifier.json');
    const description = await json(path);
    await writeFile(path, JSON.stringify(change(description) ?? description));
    return loadClassifier(folder);
  };

  // biome-ignore lint/suspicious/noExplicitAny: a description that is to be damaged.
  test.each<[string, string, (description: Record<string, any>) => unknown]>([
    ['model-newer', 'has format 7', d => ({ ...d, formatVersion: 7 })],
    ['model-corrupt', '"classes"', d => ({ ...d, classes: ['one'] })],
    ['model-corrupt', 'a class stands twice', d => ({ ...d, classes: ['a', 'b', 'a'] })],
    ['model-corrupt', 'no method "worm"', d => ({ ...d, learner: { name: 'worm', description: {} } })],
    ['model-corrupt', 'known kind', d => ({ ...d, source: { name: 'constructor' } })],
    ['model-corrupt', 'known kind', d => ({ ...d, source: null })],
    [
      'model-corrupt',
      'known kind',
      d => ({ ...d, source: { name: 'standardised', inner: { name: 'standardised' } } }),
    ],
    [
      'model-corrupt',
      'known kind',
      d => ({ ...d, source: { name: 'standardised', inner: { name: 'pixels' } } }),
    ],
    ['model-corrupt', 'files.0.path', d => ({ ...d, files: [{ ...d.files[0], path: '../../secret' }] })],
    ['model-corrupt', 'checksum', d => ({ ...d, files: [{ ...d.files[0], crc32: 1 }] })],
    ['model-corrupt', 'must have 9 bytes', d => ({ ...d, files: [{ ...d.files[0], bytes: 9 }] })],
    ['model-corrupt', 'preparation.width', d => ({ ...d, preparation: { ...d.preparation, width: 1e9 } })],
    ['model-corrupt', 'vectors of 480', d => ({ ...d, preparation: { ...d.preparation, width: 30 } })],
    ['model-corrupt', 'means', d => void (d.learner.description.counts = [1, 2])],
    ['model-corrupt', 'description', d => void (d.learner.description.spread = -1)],
  ])('that is hostile is refused: %s, %s', async (code, message, change) => {
    await expect(damage(change)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  test('that is no JSON, or lacks a file, is refused', async () => {
    await damage(d => d);
    await writeFile(join(folder, 'classifier.json'), '{');
    await expect(loadClassifier(folder)).rejects.toThrow('it is not JSON');
    await damage(d => d);
    await rm(join(folder, 'learner', 'means.safetensors'));
    await expect(loadClassifier(folder)).rejects.toThrow('it is missing');
  });

  test('takes no precision but its own', async () => {
    await expect(loadClassifier(report.run, { precision: 'bfloat16' })).rejects.toThrow('is for networks');
    (await loadClassifier(report.run, { precision: 'float32' })).dispose();
  });

  test('takes only images and room of its own size', async () => {
    const classifier = await loadClassifier(report.run);
    const dataset = await Dataset.open(toy.dataset, 'read');
    const image = dataset.images().read(0) as Uint8Array;
    expect(() => classifier.classify(image.subarray(1))).toThrow('of 256 pixels');
    expect(() => classifier.classify(image, new Float32Array(2))).toThrow('room for 3 classes');
    await dataset.close();
    classifier.dispose();
  });

  test('is never written over', async () => {
    const classifier = await loadClassifier(report.run);
    await expect(classifier.save(report.model)).rejects.toMatchObject({ code: 'model-exists' });
    classifier.dispose();
  });
});
