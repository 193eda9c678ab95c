// How good the classifiers are on real cells, beside the same network, recipe and split in PyTorch.
//
//   npm run build && node bench/accuracy/accuracy.mjs [--sets tcell,flowcam,mitocheck] [--seeds 5] [--epochs N]
//     [--precision float32,bfloat16] [--no-peer] [--json FILE]
//
// Donors (tcell) and runs (flowcam) are kept on one side of the split, mitocheck is split at random. Test scores are
// printed as mean and standard deviation over the seeds. With several precisions each seed is trained in all of them
// and each model is tested in all of them; the differences from the first are printed, seed by seed. The peers train side by side, one thread each, which is how
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
    precision: { type: 'string', default: 'float32' },
    'no-peer': { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});
const seeds = Array.from({ length: Number(options.seeds) }, (_, i) => i + 1);
const precisions = options.precision.split(',');
const python = options['no-peer'] ? undefined : findPython();
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
    const result = { cells, byMethod: Object.fromEntries([...methods(), 'pytorch'].map(method => [method, []])) };
    const jobs = [];
    for (const seed of seeds) {
      for (const precision of precisions) {
        const { scores, run } = await trainOurs(dataset, { seed, precision }, folder);
        for (const [method, own] of scores) {
          result.byMethod[method].push(own);
          console.log(name, 'seed', seed, method, JSON.stringify(own));
        }
        if (python && precision === precisions[0]) jobs.push(await writeJob(dataset, run, seed, folder));
      }
    }
    const waiting = jobs.entries();
    const work = async () => {
      for (const [i, job] of waiting) {
        result.byMethod.pytorch[i] = await trainPeer(job);
        console.log(name, 'seed', seeds[i], 'pytorch', JSON.stringify(result.byMethod.pytorch[i]));
      }
    };
    await Promise.all(Array.from({ length: availableParallelism() }, work));
    return result;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What is compared: every precision of training with every precision of testing. */
function methods() {
  return precisions.flatMap(trained => precisions.map(tested => methodOf(trained, tested)));
}

function methodOf(trained, tested) {
  return trained === tested ? `brightcell ${trained}` : `brightcell ${trained}, tested in ${tested}`;
}

/** Trains once and tests in every precision. */
async function trainOurs(dataset, { seed, precision }, folder) {
  const epochs = options.epochs && Number(options.epochs);
  const name = `seed-${seed}-${precision}`;
  const report = await train(dataset, { seed, precision, out: join(folder, 'runs'), name, ...(epochs && { epochs }) });
  const { run, epochs: trained, bestEpoch, seconds } = report;
  const scores = [];
  for (const tested of precisions) {
    const { parts } = await evaluate(run, { splits: ['test'], precision: tested, out: join(run, `test-${tested}`) });
    const { accuracy, balancedAccuracy, macro } = parts[0].scores;
    const figures = { accuracy, balancedAccuracy, macroF1: macro.f1, epochs: trained, bestEpoch, seconds };
    scores.push([methodOf(precision, tested), figures]);
  }
  return { run, scores };
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

function print(name, { cells, byMethod }) {
  console.log(`\n${name}: ${cells.train} cells to train, ${cells.validation} to validate, ${cells.test} to test`);
  const width = Math.max(...Object.keys(byMethod).map(method => method.length));
  const first = byMethod[methods()[0]];
  for (const [method, scores] of Object.entries(byMethod)) {
    if (scores.length === 0) continue;
    const row = figures.map(figure => `${figure} ${spread(scores.map(score => score[figure]))}`);
    console.log(`  ${method.padEnd(width)} ${row.join('   ')}   ${spread(scores.map(score => score.seconds), 0)} s`);
  }
  console.log('  Differences from the first, seed by seed:');
  for (const [method, scores] of Object.entries(byMethod)) {
    if (scores.length === 0 || scores === first) continue;
    const differences = figure => scores.map((score, i) => score[figure] - first[i][figure]);
    console.log(`  ${method.padEnd(width)} ${figures.map(figure => `${figure} ${spread(differences(figure))}`).join('   ')}`);
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
