import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Dataset } from '../../src/dataset/dataset.ts';
import { learnerNames } from '../../src/learners/registry.ts';
import { train } from '../../src/methods/train.ts';
import { type SearchReport, searchSettings } from '../../src/study/search.ts';
import { planRungs } from '../../src/study/searchPlan.ts';
import { checkSettings, completeSpace, drawSettings, usualSpace } from '../../src/study/searchSpace.ts';
import { selectCells } from '../../src/train/cells.ts';
import { makeToy, type Toy } from '../train/toyDataset.ts';

let toy: Toy;
const out = (name: string) => join(toy.folder, name);
const random = { method: 'centroid', way: 'random', trials: 6, seed: 3 } as const;

beforeAll(async () => {
  toy = await makeToy([120, 40, 12], { discs: true });
});
afterAll(() => toy.remove());

/** What was tried and found, without times and places. */
function outcome({ fits }: SearchReport) {
  return fits.map(({ seconds: _seconds, ...fit }) => fit);
}

describe('a search', () => {
  test('tries settings of the space, scores them on the validation part and trains the best', async () => {
    const report = await searchSettings(toy.dataset, { ...random, out: out('plain') });
    expect(report.fits).toHaveLength(6);
    for (const { settings, cells, epochs, validation } of report.fits) {
      expect(settings.sharpness).toBeGreaterThanOrEqual(0.1);
      expect(settings.sharpness).toBeLessThanOrEqual(1000);
      expect({ cells, epochs }).toEqual({ cells: 360, epochs: null });
      expect(validation).toMatchObject({ cells: 120, accuracy: 1 });
    }
    const least = Math.min(...report.fits.map(({ validation }) => validation!.loss));
    expect(report.best.validation!.loss).toBe(least);
    const trained = await train(toy.dataset, { config: report.config, out: toy.runs });
    expect(trained).toMatchObject({
      ...{ kind: 'plain', settings: report.best.settings },
      ...{ validation: report.best.validation },
    });
  });

  test('lists every trial as JSON and CSV', async () => {
    const report = await searchSettings(toy.dataset, { ...random, out: out('files') });
    expect((await readdir(out('files'))).sort()).toEqual(['best.json', 'trials.csv', 'trials.json']);
    const { fits } = JSON.parse(await readFile(out('files/trials.json'), 'utf8'));
    expect(fits).toEqual(report.fits);
    const lines = (await readFile(out('files/trials.csv'), 'utf8')).trim().split('\n');
    expect(lines[0]).toBe('trial,sharpness,cells,epochs,macroF1,accuracy,loss,seconds,failure');
    expect(lines).toHaveLength(7);
  });

  test('never reads the test part: with its images destroyed and its labels mixed up, all is the same', async () => {
    const path = out('no-test');
    await cp(toy.dataset, path, { recursive: true });
    const dataset = await Dataset.open(path, 'read');
    const { rows } = await selectCells(dataset, 'test');
    await dataset.close();
    expect(rows.length).toBe(36);
    const [shard] = (await readdir(join(path, 'images'))).filter(name => name.endsWith('.npy'));
    const file = join(path, 'images', shard!);
    const bytes = await readFile(file);
    const size = 16 * 16;
    const start = bytes.length - dataset.count * size;
    for (const row of rows) bytes.fill(row % 251, start + row * size, start + (row + 1) * size);
    await writeFile(file, bytes);
    const damaged = await Dataset.open(path, 'read');
    expect((await damaged.verify()).map(cell => cell.id)).toEqual([...rows]);
    await damaged.close();
    for (const [i, options] of [
      { ...random, way: 'halving' as const, trials: 9 },
      { ...random, method: toy.network, trials: 2, settings: { epochs: 1, augmentation: false } },
    ].entries()) {
      const whole = await searchSettings(toy.dataset, { ...options, out: out(`with-${i}`) });
      const without = await searchSettings(path, { ...options, out: out(`without-${i}`) });
      expect(outcome(without)).toEqual(outcome(whole));
    }
  });

  test('goes on after a stop as if there had been none', async () => {
    const controller = new AbortController();
    const onProgress = ({ stage, done }: { stage: string; done: number }) => {
      if (stage === 'searching' && done === 3) controller.abort();
    };
    const options = { ...random, out: out('stopped') };
    const stopped = searchSettings(toy.dataset, options, { signal: controller.signal, onProgress });
    await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
    const resumed = await searchSettings(toy.dataset, options);
    expect(resumed.kept).toBe(3);
    const whole = await searchSettings(toy.dataset, { ...random, out: out('whole') });
    expect(outcome(resumed)).toEqual(outcome(whole));
  });

  test('with more trials goes on with those it has', async () => {
    const first = await searchSettings(toy.dataset, { ...random, out: out('more') });
    const more = await searchSettings(toy.dataset, { ...random, trials: 8, out: out('more') });
    expect(more.kept).toBe(6);
    expect(outcome(more).slice(0, 6)).toEqual(outcome(first));
  });

  test('by halving gives the best third three times the budget', async () => {
    const options = { method: 'centroid', trials: 9, out: out('halving'), seed: 1 };
    const { fits, rungs, best } = await searchSettings(toy.dataset, options);
    expect(rungs).toEqual([
      { trials: 9, share: 1 / 3 },
      { trials: 3, share: 1 },
    ]);
    expect(fits.map(({ cells }) => cells)).toEqual([...new Array(9).fill(120), ...new Array(3).fill(360)]);
    const losses = fits.slice(0, 9).map(({ validation }) => validation!.loss);
    const ranked = [...losses].sort((a, b) => a - b).slice(0, 3);
    expect(fits.slice(9).map(({ trial }) => losses[trial])).toEqual(ranked);
    expect(best.cells).toBe(360);
  });

  test('of a network has epochs as its budget', async () => {
    const { fits, best, config } = await searchSettings(toy.dataset, {
      ...{ method: toy.network, trials: 3, out: out('network'), seed: 2 },
      settings: { epochs: 3, augmentation: false, batchSize: 60 },
      space: { learningRate: { low: 1e-3, high: 3e-2, scale: 'log' } },
    });
    expect(fits.map(({ epochs }) => epochs)).toEqual([1, 1, 1, 3]);
    expect(JSON.parse(await readFile(config, 'utf8'))).toEqual({
      ...{ model: toy.network, seed: 2, epochs: 3, augmentation: false, batchSize: 60 },
      ...{ learningRate: best.settings.learningRate, fold: null },
    });
    const trained = await train(toy.dataset, { config, out: toy.runs, name: 'searched' });
    expect(trained.validation).toEqual(best.validation);
  });

  test('on made vectors finds what separate fits find', async () => {
    const settings = { epochs: 2, augmentation: false, batchSize: 60 };
    const { run } = await train(toy.dataset, {
      model: toy.network,
      out: toy.runs,
      name: 'network',
      settings,
    });
    const method = `embedding:${run}+knn`;
    const options = { ...random, method, trials: 3, space: { k: [1, 5, 9] }, out: out('embedded') };
    const { fits, config } = await searchSettings(toy.dataset, options);
    for (const { settings, validation } of fits) {
      const alone = await train(toy.dataset, { model: method, settings, out: toy.runs });
      expect(alone.validation).toEqual(validation);
    }
    expect(JSON.parse(await readFile(config, 'utf8')).model).toBe(method);
  });

  test('lists a trial that fails and goes on', async () => {
    const space = { k: [3, 9999] };
    const { fits, best } = await searchSettings(toy.dataset, {
      ...random,
      method: 'knn',
      space,
      out: out('failing'),
    });
    expect(fits.map(({ failure }) => failure?.code)).toContain('option-invalid');
    expect(best.failure).toBeNull();
  });

  test.each([
    [{ trials: 0 }, 'trials must be a whole number from 1'],
    [{ method: 'nothing' }, 'model must be one of'],
    [{ space: {} }, 'must have a setting to search'],
    [{ space: { k: [1] } }, 'There is no setting "k" of centroid'],
    [{ space: { sharpness: [] } }, 'must hold one'],
    [{ space: { sharpness: { low: 3, high: 1 } } }, 'from a lower to a higher number'],
    [{ space: { sharpness: { low: 0, high: 1, scale: 'log' as const } } }, 'above 0'],
    [{ space: { sharpness: [1] }, settings: { sharpness: 2 } }, 'either set or searched'],
    [{ method: 'cellnet', space: { epochs: [1, 2] } }, 'epochs is the budget'],
    [{ fold: 0 }, 'fold needs a k-fold split'],
    [{ seed: -1 }, 'seed must be'],
  ])('is refused: %j', async (options, message) => {
    const search = searchSettings(toy.dataset, { method: 'centroid', ...options, out: out('refused') });
    await expect(search).rejects.toThrow(message);
    expect(await readdir(toy.folder)).not.toContain('refused');
  });

  test('keeps to its folder: another search, something else or damage there is refused', async () => {
    const plain = { ...random, trials: 1, out: out('kept') };
    await searchSettings(toy.dataset, plain);
    await expect(searchSettings(toy.dataset, { ...plain, seed: 9 })).rejects.toThrow(
      'with another seed: 3, not 9',
    );
    await expect(searchSettings(toy.dataset, { ...plain, out: toy.dataset })).rejects.toMatchObject({
      code: 'run-exists',
    });
    await writeFile(out('kept/trials.json'), '{"fits": 3}');
    await expect(searchSettings(toy.dataset, plain)).rejects.toThrow('must be the list of');
  });
});

describe('the plan of a search', () => {
  test('halves by thirds as far as trials and budget allow', () => {
    expect(planRungs('random', 7, 0.1)).toEqual([{ trials: 7, share: 1 }]);
    expect(planRungs('halving', 27, 1e-3).map(({ trials }) => trials)).toEqual([27, 9, 3, 1]);
    expect(planRungs('halving', 27, 0.2)).toEqual([
      { trials: 27, share: 1 / 3 },
      { trials: 9, share: 1 },
    ]);
    expect(planRungs('halving', 2, 1e-3)).toEqual([{ trials: 2, share: 1 }]);
    expect(planRungs('halving', 20, 5)).toEqual([{ trials: 20, share: 1 }]);
  });
});

describe('the space of a search', () => {
  test('knows which settings are whole and which ranges are wide', async () => {
    expect(await completeSpace('knn', { k: { low: 1, high: 30 } })).toEqual({
      k: { low: 1, high: 30, scale: 'linear', whole: true },
    });
    expect(await completeSpace('cellnet', { learningRate: { low: 1e-4, high: 1 } })).toEqual({
      learningRate: { low: 1e-4, high: 1, scale: 'log', whole: false },
    });
    expect(await completeSpace('cellnet', { batchSize: { low: 8, high: 64 } })).toEqual({
      batchSize: { low: 8, high: 64, scale: 'linear', whole: true },
    });
  });

  test.each(['cellnet', ...learnerNames])(
    'a usual one is there for %s, which takes all of it',
    async name => {
      const space = await completeSpace(name, usualSpace(name));
      expect(Object.keys(space).length).toBeGreaterThan(0);
      for (let i = 0; i < 20; i++) await checkSettings(name, drawSettings(space, 1, i));
    },
  );

  test('is drawn within its ends, evenly, and the same again; a further setting moves none', async () => {
    const space = await completeSpace('knn', { k: { low: 1, high: 4 }, vote: ['majority', 'distance'] });
    const drawn = Array.from({ length: 400 }, (_, i) => drawSettings(space, 5, i));
    for (const k of [1, 2, 3, 4]) {
      const share = drawn.filter(one => one.k === k).length / 400;
      expect(Math.abs(share - 0.25)).toBeLessThan(0.08);
    }
    expect(drawSettings(space, 5, 7)).toEqual(drawn[7]);
    const { vote: _vote, ...alone } = space;
    expect(drawSettings(alone, 5, 7)).toEqual({ k: drawn[7]!.k });
    const wide = { C: { low: 1e-3, high: 1e3, scale: 'log' as const, whole: false } };
    const below = Array.from({ length: 400 }, (_, i) => drawSettings(wide, 1, i).C as number);
    expect(below.every(C => C >= 1e-3 && C <= 1e3)).toBe(true);
    expect(Math.abs(below.filter(C => C < 1).length / 400 - 0.5)).toBeLessThan(0.08);
  });
});
