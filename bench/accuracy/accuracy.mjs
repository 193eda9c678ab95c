// How good the classifiers are on real cells, beside the same network, recipe and split in PyTorch.
//
//   npm run build && node bench/accuracy/accuracy.mjs [--sets tcell,flowcam,mitocheck] [--seeds 5] [--epochs N] [--json FILE]
//
// Donors (tcell) and runs (flowcam) are kept on one side of the split, mitocheck is split at random. Test scores are
// printed as mean and standard deviation over the seeds. The peers train side by side, one thread each, which is how
// they get most out of the processors; the seconds are no comparison of speed (see bench/speed.ts).
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Dataset, evaluate, importImages, split, train } from '../../dist/index.js';

const here = fileURLToPath(new URL('.', import.meta.url));
const data = fileURLToPath(new URL('../../../shared/data', import.meta.url));
/** How each set is split. */
const sets = { tcell: 'group', flowcam: 'group', mitocheck: 'cell' };
const figures = ['accuracy', 'balancedAccuracy', 'macroF1'];

const { values: options } = parseArgs({
  options: {
    sets: { type: 'string', default: Object.keys(sets).join(',') },
    seeds: { type: 'string', default: '5' },
    epochs: { type: 'string' },
    json: { type: 'string' },
  },
});
const seeds = Array.from({ length: Number(options.seeds) }, (_, i) => i + 1);
const python = findPython();
const results = {};
for (const name of options.sets.split(',')) {
  results[name] = await compareOn(name);
  print(name, results[name]);
  if (options.json) writeFileSync(options.json, `${JSON.stringify(results, null, 2)}\n`);
}

/** Scores of every seed on the test part of one set, by both. */
async function compareOn(name) {
  const folder = mkdtempSync(join(tmpdir(), 'brightcell-accuracy-'));
  try {
    const dataset = join(folder, name);
    await importImages(join(data, name), dataset, {});
    const { splits } = await split(dataset, { by: sets[name], seed: 1 });
    const cells = Object.fromEntries(splits.map(part => [part.split, part.cells]));
    const result = { cells, brightcell: [], pytorch: [] };
    const jobs = [];
    for (const seed of seeds) {
      const { scores, run } = await trainOurs(dataset, seed, folder);
      result.brightcell.push(scores);
      console.log(name, 'seed', seed, 'brightcell', JSON.stringify(scores));
      if (python) jobs.push(await writeJob(dataset, run, seed, folder));
    }
    const waiting = jobs.entries();
    const work = async () => {
      for (const [i, job] of waiting) {
        result.pytorch[i] = await trainPeer(job);
        console.log(name, 'seed', seeds[i], 'pytorch   ', JSON.stringify(result.pytorch[i]));
      }
    };
    await Promise.all(Array.from({ length: availableParallelism() }, work));
    return result;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function trainOurs(dataset, seed, folder) {
  const epochs = options.epochs && Number(options.epochs);
  const report = await train(dataset, { seed, out: join(folder, 'runs'), name: `seed-${seed}`, ...(epochs && { epochs }) });
  const { parts } = await evaluate(report.run, { splits: ['test'] });
  const { accuracy, balancedAccuracy, macro } = parts[0].scores;
  const { epochs: trained, bestEpoch, seconds } = report;
  return { run: report.run, scores: { accuracy, balancedAccuracy, macroF1: macro.f1, epochs: trained, bestEpoch, seconds } };
}

/** The peer is given the stored pixels, the labels, the split, the network and the settings; all else is its own. */
async function writeJob(path, run, seed, folder) {
  const dataset = await Dataset.open(path, 'read');
  const { count, id, label, split: part } = await dataset.cells();
  const classes = dataset.header.classes.length;
  await dataset.close();
  const labels = new Array(Math.max(...id) + 1).fill(-1);
  const parts = { train: [], validation: [], test: [] };
  for (let i = 0; i < count; i++) {
    labels[id[i]] = label[i];
    if (part[i] >= 0) parts[Object.keys(parts)[part[i]]].push(id[i]);
  }
  const job = {
    pixels: join(path, 'images', '00000.npy'),
    labels,
    parts,
    classes,
    spec: JSON.parse(readFileSync(join(run, 'model', 'network.json'), 'utf8')).network,
    settings: JSON.parse(readFileSync(join(run, 'config.json'), 'utf8')),
    seed,
    threads: 1,
  };
  const file = join(folder, `job-${seed}.json`);
  writeFileSync(file, JSON.stringify(job));
  return file;
}

async function trainPeer(job) {
  const child = spawn(python, [join(here, 'peer.py'), job], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise(resolve => child.on('close', resolve));
  let printed = '';
  for await (const text of child.stdout.setEncoding('utf8')) printed += text;
  if ((await ended) !== 0) throw new Error('The PyTorch peer failed.');
  return JSON.parse(printed);
}

function findPython() {
  const candidates = [process.env.BRIGHTCELL_PYTHON, join(here, '..', 'peers', 'venv', 'bin', 'python')];
  const found = candidates.find(
    path => path && existsSync(path) && spawnSync(path, ['-c', 'import torch']).status === 0,
  );
  if (!found) console.log('PyTorch is missing: only our own figures follow. Run bench/peers/setup.sh to compare.');
  return found;
}

function print(name, { cells, ...byTool }) {
  console.log(`\n${name}: ${cells.train} cells to train, ${cells.validation} to validate, ${cells.test} to test`);
  for (const [tool, scores] of Object.entries(byTool)) {
    if (scores.length === 0) continue;
    const row = figures.map(figure => `${figure} ${spread(scores.map(score => score[figure]))}`);
    console.log(`  ${tool.padEnd(10)} ${row.join('   ')}   ${spread(scores.map(score => score.seconds), 0)} s`);
  }
  console.log();
}

/** Mean and sample standard deviation. */
function spread(values, digits = 3) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const deviation = values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : 0;
  return `${mean.toFixed(digits)} ± ${deviation.toFixed(digits)}`;
}
