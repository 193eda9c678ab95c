import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { brightcell, temporaryFolder } from './brightcell.ts';

const folder = temporaryFolder();
const run = (...args: string[]) => brightcell(args, { cwd: folder });
const inside = (...path: string[]) => join(folder, ...path);

/** Runs a command that must end well and gives its JSON. */
async function json(...args: string[]) {
  const outcome = await run(...args, '--json');
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  return JSON.parse(outcome.stdout);
}

beforeAll(async () => {
  await json('simulate', '--cells', '240', '--images', '--out', 'images', '--seed', '3');
  await json('import', 'images', '--out', 'cells', '--size', '32x32');
  await json('screen', 'cells');
  await json('split', 'cells');
  await json('train', 'cells', '--epochs', '2', '--name', 'first', '--seed', '1');
}, 180_000);

describe('brightcell screen', () => {
  test('reports what was rejected and why, and finds the simulated faults', async () => {
    const { code, stdout } = await run('screen', 'cells', '--dry-run');
    expect(code).toBe(0);
    expect(stdout).toMatch(/Screened 240 images: \d+ accepted, \d+ rejected/);
    expect(stdout).toMatch(/Reason +Images/);
    expect(stdout).toContain('Next: brightcell split cells');
  });

  test('lists what is rejected, brings it back and rejects by hand', async () => {
    cpSync(inside('cells'), inside('by-hand'), { recursive: true });
    const [first] = await json('screen', 'by-hand', '--list', '5');
    expect(first.reason).toMatch(/\w/);
    await json('screen', 'by-hand', '--restore', String(first.id));
    await json('screen', 'by-hand', '--reject', '7', '--reason', 'debris');
    await json('screen', 'by-hand');
    const after: { id: number; by: string; reason: string }[] = await json(
      'screen',
      'by-hand',
      '--list',
      '1000',
    );
    expect(after.map(({ id }) => id)).not.toContain(first.id);
    expect(after.find(({ id }) => id === 7)).toMatchObject({ by: 'hand', reason: 'debris' });
  });

  test('wrong uses are refused', async () => {
    for (const wrong of [
      ['--good-lost', 'NaN'],
      ['--good-lost', '0.9'],
      ['--limit', 'focus'],
      ['--limit', 'sharpness<1'],
      ['--list', '--restore', '1'],
      ['--reject', '1'],
      ['--restore', '999999'],
      ['--method', 'guess'],
    ]) {
      expect({ wrong, ...(await run('screen', 'cells', ...wrong)) }).toMatchObject({
        wrong,
        code: 2,
        stdout: '',
      });
    }
  });
});

describe('brightcell split', () => {
  test('shows every part with its classes', async () => {
    const { stdout } = await run('split', 'cells');
    expect(stdout).toMatch(/Part +Cells +Groups +MB231 +MCF7 +PBMC +THP1/);
    expect(stdout).toMatch(/train +\d+/);
    expect(stdout).toContain('rejected by screening');
  });

  test('fractions must sum to 1', async () => {
    const { code, stderr } = await run('split', 'cells', '--fractions', '0.65,0.15,0.30');
    expect(code).toBe(2);
    expect(stderr).toContain('0.65, 0.15, 0.30');
  });
});

describe('brightcell train', () => {
  test('tells what it reached and what to type next', async () => {
    const { code, stdout, stderr } = await run('train', 'cells', '--epochs', '1', '--name', 'told');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/Trained cellnet \([\d,]+ parameters\) on \d+ cells of 4 classes: 1 epoch/);
    expect(stdout).toContain('Next: brightcell evaluate runs/told');
  });

  test('a run that stands is not overwritten', async () => {
    const { code, stderr } = await run('train', 'cells', '--epochs', '1', '--name', 'first');
    expect(code).toBe(2);
    expect(stderr).toContain('first');
  });

  test('Ctrl-C keeps the epochs; --resume goes on to the weights of a run that never stopped', async () => {
    const settings = ['train', 'cells', '--epochs', '6', '--seed', '5', '--patience', '0'];
    const stopped = await brightcell([...settings, '--name', 'stopped'], {
      cwd: folder,
      interruptWhen: () => existsSync(inside('runs/stopped/epochs.csv')),
    });
    expect(stopped.code).toBe(130);
    expect(stopped.stderr).toContain('Go on with: brightcell train cells --resume runs/stopped');
    const resumed = await json('train', 'cells', '--resume', 'runs/stopped');
    const whole = await json(...settings, '--name', 'whole');
    expect(resumed.epochs).toBe(6);
    const weights = (name: string) => readFileSync(inside('runs', name, 'model/weights.safetensors'));
    expect(weights('stopped').equals(weights('whole'))).toBe(true);
    expect(whole.validation).toEqual(resumed.validation);
  }, 120_000);

  test('settings out of range are refused and leave nothing behind', async () => {
    for (const wrong of [
      '--learning-rate=NaN',
      '--learning-rate=0',
      '--batch-size=-4',
      '--clip-norm=-1',
      '--loss=hinge',
    ]) {
      const { code, stderr } = await run('train', 'cells', '--name', 'wrong', wrong);
      expect({ wrong, code }).toEqual({ wrong, code: 2 });
      expect(stderr).toContain(wrong.split('=')[0]);
    }
    writeFileSync(inside('settings.json'), '{ "learningRate": "fast" }');
    const { code, stderr } = await run('train', 'cells', '--name', 'wrong', '--config', 'settings.json');
    expect(code).toBe(2);
    expect(stderr).toContain('learningRate');
    expect(existsSync(inside('runs/wrong'))).toBe(false);
  });

  test('a data set that is not split is refused with the remedy', async () => {
    await json('import', 'images', '--out', 'unsplit', '--size', '16x16');
    const { code, stderr } = await run('train', 'unsplit');
    expect(code).not.toBe(0);
    expect(stderr).toContain('brightcell split');
  });
});

describe('brightcell evaluate', () => {
  test('prints the tables and leaves files that other tools read', async () => {
    const { code, stdout, stderr } = await run('evaluate', 'runs/first');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/Measurement +Method +MB231 +MCF7 +PBMC +THP1/);
    expect(stdout).toContain('True \\ predicted');
    expect(readdirSync(inside('runs/first/evaluation')).sort()).toEqual(
      expect.arrayContaining(['confusion-test.csv', 'predictions.csv', 'predictions.parquet', 'scores.json']),
    );
  });

  test('a folder that is no run is refused', async () => {
    const { code, stderr } = await run('evaluate', 'images');
    expect(code).toBe(2);
    expect(stderr).toContain('images');
  });
});

describe('brightcell classify', () => {
  test('prints a line an image and a summary', async () => {
    const { code, stdout } = await run('classify', 'runs/first', 'images/THP1');
    expect(code).toBe(0);
    const images = readdirSync(inside('images/THP1')).length;
    expect(stdout.match(/% {2}images\/THP1\//g)).toHaveLength(images);
    expect(stdout).toContain(`Classified ${images} images`);
  });

  test.each(['csv', 'jsonl', 'parquet'])('writes a %s file', async ending => {
    const out = `predictions.${ending}`;
    const report = await json('classify', 'runs/first', 'images', '--out', out);
    expect(report.classified).toBe(240);
    expect(existsSync(inside(out))).toBe(true);
  });

  test('with --json and no file the predictions are in the object', async () => {
    const { predictions, classes } = await json('classify', 'runs/first/model', 'images/PBMC');
    for (const { probabilities } of predictions) {
      expect(probabilities).toHaveLength(classes.length);
      expect(probabilities.reduce((sum: number, p: number) => sum + p, 0)).toBeCloseTo(1, 5);
    }
  });

  test('an image that cannot be read is reported and stops nothing', async () => {
    mkdirSync(inside('some'));
    cpSync(inside('images/THP1'), inside('some/good'), { recursive: true });
    writeFileSync(inside('some/bad.png'), 'no image');
    const report = await json('classify', 'runs/first', 'some');
    expect(report.failed).toMatchObject({ count: 1 });
    expect(report.classified).toBe(readdirSync(inside('images/THP1')).length);
    expect((await run('classify', 'runs/first', 'some', '--strict')).code).toBe(1);
  });

  test('a missing model and missing images are refused', async () => {
    expect((await run('classify', 'runs/nowhere', 'images')).code).toBe(2);
    expect((await run('classify', 'runs/first', 'nowhere')).code).toBe(2);
    const { code, stderr } = await run('classify', 'runs/first', 'images', '--format', 'csv');
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'brightcell: --format must go with --out FILE, whose format it is.\n',
    });
  });
});

describe('data that cannot be learnt from', () => {
  const importOf = async (name: string, classes: Record<string, number>) => {
    for (const [label, count] of Object.entries(classes)) {
      mkdirSync(inside(name, label), { recursive: true });
      const files = readdirSync(inside('images/THP1')).slice(0, count);
      for (const file of files) cpSync(inside('images/THP1', file), inside(name, label, file));
    }
    return json('import', name, '--out', `${name}-cells`, '--size', '16x16');
  };

  test('one class only is refused with what must hold', async () => {
    const { warnings } = await importOf('one-class', { THP1: 20 });
    expect(warnings.join()).toMatch(/two classes or more/);
    await run('split', 'one-class-cells');
    const { code, stderr } = await run('train', 'one-class-cells', '--name', 'one-class');
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/class/);
    expect(stderr).not.toContain('    at ');
  });

  test('a class with one image is named', async () => {
    await importOf('lonely', { many: 20, others: 18, single: 1 });
    const { code, stderr } = await run('split', 'lonely-cells');
    expect(code).not.toBe(0);
    expect(stderr).toContain('single');
    expect((await run('split', 'lonely-cells', '--min-per-class', '3')).code).toBe(0);
  });

  test('a data set or a model of a newer format is refused', async () => {
    cpSync(inside('cells'), inside('newer'), { recursive: true });
    const header = JSON.parse(readFileSync(inside('newer/dataset.json'), 'utf8'));
    writeFileSync(inside('newer/dataset.json'), JSON.stringify({ ...header, formatVersion: 99 }));
    const dataset = await run('split', 'newer');
    expect(dataset.code).toBe(1);
    expect(dataset.stderr).toMatch(/99.*[Uu]pdate/s);
    cpSync(inside('runs/first/model'), inside('newer-model'), { recursive: true });
    const network = JSON.parse(readFileSync(inside('newer-model/network.json'), 'utf8'));
    writeFileSync(inside('newer-model/network.json'), JSON.stringify({ ...network, formatVersion: 99 }));
    const model = await run('classify', 'newer-model', 'images/THP1');
    expect(model.code).toBe(1);
    expect(model.stderr).toMatch(/99.*[Uu]pdate/s);
  });

  test('a shard that is cut short is refused by its name', async () => {
    cpSync(inside('cells'), inside('damaged'), { recursive: true });
    const shard = inside('damaged/images/00000.npy');
    const bytes = readFileSync(shard);
    rmSync(shard);
    writeFileSync(shard, bytes.subarray(0, bytes.length - 1000));
    const { code, stderr } = await run('train', 'damaged', '--name', 'damaged');
    expect(code).toBe(1);
    expect(stderr).toContain('00000.npy');
  });
});
