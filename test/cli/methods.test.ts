import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { plainMethods } from '../../src/cli/methodHelp.ts';
import { addRange } from '../../src/cli/search.ts';
import { addSettings } from '../../src/cli/settings.ts';
import { learnerNames, maybeLoadLearner } from '../../src/learners/registry.ts';
import type { Setting } from '../../src/learners/settings.ts';
import { brightcell, temporaryFolder } from './brightcell.ts';

const folder = temporaryFolder();
const run = (...args: string[]) => brightcell(args, { cwd: folder });

/** Runs a command that must end well and gives its JSON. */
async function json(...args: string[]) {
  const outcome = await run(...args, '--json');
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  return JSON.parse(outcome.stdout);
}

beforeAll(async () => {
  await json('simulate', '--cells', '240', '--images', '--out', 'images', '--seed', '3');
  await json('import', 'images', '--out', 'cells', '--size', '32x32');
  await json('split', 'cells');
}, 180_000);

describe('a method that is no network', () => {
  test('is trained, evaluated and used as a network is', async () => {
    const trained = await run(
      'train',
      'cells',
      '--model',
      'centroid',
      '--set',
      'sharpness=2',
      '--name',
      'plain',
    );
    expect(trained.code).toBe(0);
    expect(trained.stdout).toMatch(
      /Fitted centroid on \d+ cells of 4 classes in .*: sharpness 2, spread \d+/,
    );
    expect(trained.stdout).toMatch(/On \d+ validation cells: accuracy \d/);
    expect(trained.stdout).toContain('Next: brightcell evaluate runs/plain');
    expect(JSON.parse(readFileSync(join(folder, 'runs/plain/config.json'), 'utf8')).settings).toEqual({
      sharpness: 2,
    });
    const evaluated = await json('evaluate', 'runs/plain');
    expect(evaluated).toMatchObject({ method: 'centroid', cautions: [] });
    const out = await json('classify', 'runs/plain', 'images', '--out', 'plain.csv');
    expect(out).toMatchObject({ classified: 240, failed: { count: 0 } });
    expect(await json('train', 'cells', '--resume', 'runs/plain')).toMatchObject({ kind: 'plain' });
  });

  test('a wrong setting ends with 2 and says what there is', async () => {
    const train = (...args: string[]) => run('train', 'cells', '--model', 'centroid', ...args);
    expect(await train('--set', 'k=5')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('There is no setting "k" of centroid. It has sharpness.'),
    });
    expect(await train('--set', 'sharpness')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('It must be NAME=VALUE, such as k=5.'),
    });
    expect(await train('--epochs', '5')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('epochs is a setting of networks'),
    });
    expect(await run('classify', 'runs/plain', 'images', '--precision', 'bfloat16')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('precision bfloat16 is for networks'),
    });
  });

  test('a fit that runs out of steps is warned of', async () => {
    const train = (name: string, set: string) =>
      run('train', 'cells', '--model', 'svm', '--set', `c=1,gamma=scale,${set}`, '--name', name);
    const warning = 'Warning: the fit ran out of steps before it converged';
    expect((await train('cut', 'iterations=2')).stdout).toContain(warning);
    expect((await train('whole', 'probability=false')).stdout).not.toContain(warning);
  });

  test('a setting of a network may stand there too', async () => {
    const report = await json('train', 'cells', '--set', 'epochs=1,batchSize=100', '--name', 'short');
    expect(report).toMatchObject({ kind: 'network', epochs: 1 });
  });
});

describe('brightcell study search', () => {
  test('tries settings, goes on where it was, and its best is trained', async () => {
    const words = ['study', 'search', 'cells', '--method', 'knn', '--way', 'random', '--range', 'k=1..9'];
    const first = await run(...words, '--trials', '3');
    expect(first.code).toBe(0);
    expect(first.stdout).toMatch(/Searched k of knn: 3 trials, 3 fits, 0 of them kept/);
    expect(first.stdout).toContain('Next: brightcell train cells --config search/best.json');
    const more = await json(...words, '--trials', '4');
    expect(more).toMatchObject({ kept: 3, best: { validation: { cells: expect.any(Number) } } });
    const trained = await json('train', 'cells', '--config', 'search/best.json', '--name', 'best');
    expect(trained).toMatchObject({ method: 'knn', validation: more.best.validation });
  });

  test('a range that is none ends with 2', async () => {
    const search = (range: string) => run('study', 'search', 'cells', '--method', 'knn', '--range', range);
    expect(await search('k')).toMatchObject({ code: 2, stderr: expect.stringContaining('NAME=LOW..HIGH') });
    expect(await search('k=1..many')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('k must go from a number to a number'),
    });
  });
});

test('ranges are read from words', () => {
  expect(addRange('C=0.1..1e3', addRange('vote=majority|distance'))).toEqual({
    vote: ['majority', 'distance'],
    C: { low: 0.1, high: 1000 },
  });
  expect(addRange('loss=focal|{"name":"focal","gamma":3}|2')).toEqual({
    loss: ['focal', { name: 'focal', gamma: 3 }, 2],
  });
  expect(() => addRange('k=1..2', { k: [1] })).toThrow('k stands twice');
});

test('settings are read from words', () => {
  expect(addSettings('k=5,weights=distance')).toEqual({ k: 5, weights: 'distance' });
  expect(addSettings('C=1e3', { gamma: 0.5 })).toEqual({ gamma: 0.5, C: 1000 });
  expect(addSettings('balanced=true, loss={"name":"focal","gamma":2},seed=4')).toEqual({
    ...{ balanced: true, loss: { name: 'focal', gamma: 2 }, seed: 4 },
  });
  expect(() => addSettings('k=5,k=6')).toThrow('k stands twice');
});

test('the help lists every method that is no network, with its settings', async () => {
  const entries = await Promise.all(
    learnerNames.map(async name => {
      const { about, rules } = (await maybeLoadLearner(name))!;
      const settings = Object.entries(rules as Record<string, Setting<unknown>>).map(
        ([setting, { must, usual, about }]) => [setting, [`${about}: ${must}`, String(usual)]],
      );
      return [name, { about, settings: Object.fromEntries(settings) }];
    }),
  );
  expect(plainMethods).toEqual(Object.fromEntries(entries));
  const { stdout } = await run('train', '--help');
  for (const [name, { settings }] of Object.entries(plainMethods)) {
    expect(stdout).toContain(name);
    for (const setting of Object.keys(settings)) expect(stdout).toContain(`${setting}=`);
  }
});
