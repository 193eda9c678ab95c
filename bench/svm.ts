// node scripts/runTypeScript.mjs bench/svm.ts [--sizes 500,1000,2000 --cells 20000 --larger 100000 --c 10 --gamma 1]
//   [--peers libsvm,scikit-learn --threads 2 --cache-gigabytes 8 --data FOLDER --json]
// Training of C-SVCs on simulated images of 16,384 pixels and four classes, against LIBSVM on the same images with the
// same C, gamma and tolerance: LIBSVM at --sizes, we at --sizes and at --cells (and --larger). LIBSVM's time at --cells is
// projected by the power law through its two largest sizes. --gamma is in units of 1 / (D variance). Run `npm run build`
// before. Needs a Python with scikit-learn (BRIGHTCELL_PYTHON, or python3 of Debian) and Debian's libsvm3.
//
// --data keeps the simulated data set (16 kB a cell) for the next run. The claim is `--sizes 1000,2000,4000 --cells 20000`,
// on a machine that does nothing else: LIBSVM alone takes some ten minutes at 4,000.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { drawTable } from '../src/cli/table.ts';
import { Dataset } from '../src/dataset/dataset.ts';
import { usualGamma } from '../src/engine/svm.ts';
import { setThreads } from '../src/engine/threads.ts';
import type { Fitted, LabelledVectors } from '../src/learners/learner.ts';
import { svm } from '../src/learners/svm.ts';
import { simulate } from '../src/simulate/simulate.ts';
import { wholeNumber } from './numbers.ts';
import { describeMachine } from './speed/machine.ts';

const side = 128;
const classes = 4;
const heldOut = 500;
const tolerance = 1e-3;

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '500,1000,2000' },
    cells: { type: 'string', default: '20000' },
    larger: { type: 'string' },
    c: { type: 'string', default: '10' },
    gamma: { type: 'string', default: '1' },
    peers: { type: 'string', default: 'libsvm,scikit-learn' },
    threads: { type: 'string', default: String(availableParallelism()) },
    'cache-gigabytes': { type: 'string', default: '8' },
    data: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const list = (text: string) => text.split(',').filter(part => part !== '');
const sizes = list(values.sizes).map(size => wholeNumber('sizes', size));
const cells = wholeNumber('cells', values.cells);
const larger = values.larger === undefined ? [] : [wholeNumber('larger', values.larger)];
const threads = wholeNumber('threads', values.threads);
setThreads(threads);

interface Run {
  cells: number;
  /** On the clock, and of all processors. */
  seconds: number;
  cpuSeconds: number;
  supportVectors: number;
  /** Class of each held-out image. */
  predictions: number[];
}

interface Ours extends Run {
  iterations: number;
  /** Highest memory of this process until then; mapped images count. */
  peakMegabytes: number;
  accuracy: number;
}

const temporary = mkdtempSync(join(tmpdir(), 'brightcell-svm-'));
try {
  const report = await measure(values.data ?? join(temporary, 'cells'));
  process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : formatReport(report));
} finally {
  rmSync(temporary, { recursive: true });
}

async function measure(path: string) {
  const most = Math.max(cells, ...sizes, ...larger);
  if (!existsSync(path)) {
    await simulate(path, { cells: most + heldOut, size: [side, side], seed: 1 });
  }
  const dataset = await Dataset.open(path, 'read');
  try {
    const { label } = await dataset.cells();
    const part = (first: number, count: number): LabelledVectors => ({
      set: dataset.images(),
      rows: Int32Array.from({ length: count }, (_, i) => first + i),
      labels: Int32Array.from(label.slice(first, first + count), Number),
      classes,
    });
    const held = part(0, heldOut);
    const all = [...new Set([...sizes, cells, ...larger])].sort((a, b) => a - b);
    // One gamma for all sizes, so that growth is of one problem.
    const gamma = (await usualGamma(part(heldOut, Math.min(...all)))) * Number(values.gamma);
    const settings = { c: Number(values.c), gamma };
    const peers: Record<string, Run[]> = Object.fromEntries(list(values.peers).map(name => [name, []]));
    const ours: Ours[] = [];
    for (const size of all) {
      const training = part(heldOut, size);
      ours.push(await trainOurs(training, held, settings));
      tell('brightcell', ours.at(-1)!);
      if (!sizes.includes(size)) continue;
      for (const [name, runs] of Object.entries(peers)) {
        runs.push(askPeer(name, join(path, 'images', '00000.npy'), training, held, settings));
        tell(name, runs.at(-1)!);
      }
    }
    return { machine: describeMachine(threads), threads, ...settings, ours, peers };
  } finally {
    await dataset.close();
  }
}

/** What is measured so far: the whole takes long. */
function tell(name: string, run: Run): void {
  process.stderr.write(`${name}, ${run.cells} images: ${show(run)}, ${run.supportVectors} support vectors\n`);
}

type Settings = { c: number; gamma: number };

async function trainOurs(
  training: LabelledVectors,
  held: LabelledVectors,
  settings: Settings,
): Promise<Ours> {
  const cacheBytes = Number(values['cache-gigabytes']) * 2 ** 30;
  const given = { ...settings, tolerance, cacheBytes, probability: false, classWeights: 'none' };
  const [started, before] = [performance.now(), process.cpuUsage()];
  const fitted = await svm.fit(training, null, svm.settings(given));
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(before);
  const predictions = await name(fitted, held);
  const { supportVectors, iterations } = fitted.facts as { supportVectors: number; iterations: number };
  fitted.dispose();
  const accuracy = predictions.filter((label, i) => label === held.labels[i]).length / heldOut;
  return {
    ...{
      cells: training.rows.length,
      seconds,
      cpuSeconds: (user + system) / 1e6,
      supportVectors,
      predictions,
    },
    ...{ iterations, accuracy, peakMegabytes: process.resourceUsage().maxRSS / 1024 },
  };
}

async function name(fitted: Fitted, held: LabelledVectors): Promise<number[]> {
  const probabilities = await fitted.predict(held);
  return Array.from(held.labels, (_, i) => {
    const own = probabilities.subarray(i * classes, (i + 1) * classes);
    return own.indexOf(Math.max(...own));
  });
}

/** The images of the sizes that peers get all stand in the first shard. */
function askPeer(
  peer: string,
  path: string,
  training: LabelledVectors,
  held: LabelledVectors,
  settings: Settings,
): Run {
  const request = {
    ...{ peer, path, offset: 128, pixels: side * side, ...settings, tolerance, cacheMegabytes: 1000 },
    ...{ rows: [...training.rows], labels: [...training.labels], held: [...held.rows] },
    weights: Array(classes).fill(1),
  };
  const script = fileURLToPath(new URL('peers/libsvm_speed.py', import.meta.url));
  const python = process.env.BRIGHTCELL_PYTHON ?? '/usr/bin/python3';
  const environment = { ...process.env, OPENBLAS_NUM_THREADS: String(threads) };
  const { status, stdout, stderr } = spawnSync(python, [script], {
    ...{ input: JSON.stringify(request), encoding: 'utf8', env: environment, maxBuffer: 2 ** 28 },
  });
  if (status !== 0) throw new Error(`${peer} failed: ${stderr}`);
  return { cells: training.rows.length, ...JSON.parse(stdout) };
}

type Report = Awaited<ReturnType<typeof measure>>;

function formatReport({ ours, peers, c, gamma }: Report): string {
  const lines = [
    `C ${c}, gamma ${gamma.toPrecision(4)}, tolerance ${tolerance}, ${classes} classes, ${threads} threads; seconds (of processors)`,
    drawTable(
      [
        'images',
        'brightcell',
        ...Object.keys(peers),
        'support vectors',
        'iterations',
        'accuracy',
        'memory MB',
      ],
      ours.map(own => [
        String(own.cells),
        show(own),
        ...Object.values(peers).map(runs => showPeer(runs, own)),
        String(own.supportVectors),
        String(own.iterations),
        own.accuracy.toFixed(3),
        own.peakMegabytes.toFixed(0),
      ]),
    ),
    growthLine('brightcell', ours),
    ...Object.entries(peers).flatMap(([peer, runs]) => peerLines(peer, runs, ours)),
  ];
  return `${lines.join('\n')}\n`;
}

function show({ seconds, cpuSeconds }: Run): string {
  return `${seconds.toPrecision(3)} (${cpuSeconds.toPrecision(3)})`;
}

function showPeer(runs: Run[], own: Ours): string {
  const run = runs.find(({ cells }) => cells === own.cells);
  return run ? `${show(run)}, ${(run.seconds / own.seconds).toFixed(0)} x` : '';
}

/** Exponent of the power law through the two largest sizes, of processor time. */
function growthOf(runs: Run[]): number {
  const [low, high] = [runs.at(-2)!, runs.at(-1)!];
  return Math.log(high.cpuSeconds / low.cpuSeconds) / Math.log(high.cells / low.cells);
}

function growthLine(name: string, runs: Run[]): string {
  if (runs.length < 2) return '';
  const [low, high] = [runs.at(-2)!, runs.at(-1)!];
  return `${name} from ${low.cells} to ${high.cells} images: processor time grows as N^${growthOf(runs).toFixed(2)}.`;
}

function peerLines(peer: string, runs: Run[], ours: Ours[]): string[] {
  const same = runs.flatMap(run => {
    const own = ours.find(({ cells }) => cells === run.cells)!;
    return run.predictions.map((label, i) => label === own.predictions[i]);
  });
  const agreement = `${peer}: ${same.filter(Boolean).length} of ${same.length} held-out predictions are ours.`;
  if (runs.length < 2) return [agreement];
  const last = runs.at(-1)!;
  const target = ours.find(run => run.cells === cells)!;
  const seconds = last.seconds * (cells / last.cells) ** growthOf(runs);
  const ratio = `at ${cells} images projected to ${(seconds / 3600).toFixed(2)} hours, ${(seconds / target.seconds).toFixed(0)} times our ${target.seconds.toPrecision(3)} s`;
  return [agreement, growthLine(peer, runs), `${peer} ${ratio} (bound 50, reach 200).`];
}
