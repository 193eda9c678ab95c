// node scripts/runTypeScript.mjs bench/svmFall.ts [--volumes 1100,6400,12000,24000,48000 --cells 500 --limits 600,1000]
//   [--only paper,copies,apart,distinct --json]: accuracy of support vector machines on pixels against the number of images, as in
// Table II of Meng et al. 2019, and to which class the errors go. 65 % of a volume are learnt from, 15 % chosen on, 20 %
// (2,500 at most) are the test. Simulated cells of 32 x 32 pixels, with the shares of classes that the paper's figures for this
// machine imply. `copies`: images are mirrored and noisy copies of --cells cells, split image by image; `apart`: the same, but
// all copies of a cell stand in one part; `distinct`: every image shows another cell; both up to 24,000. `paper` trains nothing:
// it says which shares of classes the printed precision and recall can belong to. Run `npm run build` before.
import { parseArgs } from 'node:util';
import { drawTable } from '../src/cli/table.ts';
import { createRandom } from '../src/dataset/random.ts';
import { ImageSet } from '../src/engine/imageSet.ts';
import { cellTypes, renderCells } from '../src/engine/simulate.ts';
import { usualGamma } from '../src/engine/svm.ts';
import type { LabelledVectors } from '../src/learners/learner.ts';
import { svm } from '../src/learners/svm.ts';
import { classTables, paperImages } from '../src/reproduce/paper.ts';
import { wholeNumber } from './numbers.ts';

const { values: flags } = parseArgs({
  options: {
    volumes: { type: 'string', default: '1100,6400,12000,24000,48000' },
    cells: { type: 'string', default: '500' },
    limits: { type: 'string', default: '600,1000' },
    only: { type: 'string', default: 'paper,copies,apart,distinct' },
    json: { type: 'boolean', default: false },
  },
});
const volumes = flags.volumes.split(',').map(volume => wholeNumber('volumes', volume));
const limits = flags.limits.split(',').map(limit => wholeNumber('limits', limit));
const cells = wholeNumber('cells', flags.cells);

const side = 32;
const pixelsOf = side * side;
const K = cellTypes.length;
/** Both collections together, without copies: what `paper` finds. */
const weights = cellTypes.map(type => paperImages[type]!);
/** The published pool with its copies, in the same order. */
const withCopies = [256_000, 378_000, 350_000, 321_000];
const noise = 2; // gray levels, standard deviation
const mostTested = 2500;
const mostWithoutCopies = 24_000;

interface Pool {
  pixels: Uint8Array;
  labels: Int32Array;
  /** Which cell each image shows. */
  cell: Int32Array;
}

interface Machine {
  name: string;
  /** gamma in units of 1 / (D variance). */
  settings: { c: number | 'auto'; gamma: number | 'auto'; classWeights: string; iterations?: number };
}

const narrow = { c: 1, gamma: 64, classWeights: 'none' };
const fixed = { c: 100, gamma: 1, classWeights: 'none' };
const machines: Machine[] = [
  { name: 'narrow', settings: narrow },
  { name: 'fixed', settings: fixed },
  ...limits.map(limit => ({ name: `fixed, ${limit} steps`, settings: { ...fixed, iterations: limit } })),
  { name: 'tuned', settings: { c: 'auto', gamma: 'auto', classWeights: 'balanced' } },
];

interface Result {
  pool: string;
  machine: string;
  volume: number;
  accuracy: number;
  /** Errors, by the class that was named. */
  errors: number[];
  converged: boolean;
  c: number;
  /** In units of 1 / (D variance). */
  gamma: number;
  cpuSeconds: number;
}

const results: Result[] = [];
const parts = flags.only.split(',');
if (parts.includes('paper')) printImplied();
const pools = parts.filter(part => part !== 'paper');
for (const name of pools) {
  const wanted = volumes.filter(volume => name === 'copies' || volume <= mostWithoutCopies);
  const pool =
    name === 'distinct'
      ? await renderPool(Math.max(...wanted))
      : copy(await renderPool(cells), Math.max(...volumes));
  for (const volume of wanted)
    for (const machine of machines) {
      const result = await judge(name, pool, volume, machine);
      results.push(result);
      console.error(JSON.stringify(result));
    }
}
if (flags.json) console.log(JSON.stringify(results));
else for (const name of pools) print(name);

/** As many images are named as there are: the sum over classes of share x recall / precision is 1 for the shares judged. */
function printImplied(): void {
  const rows = (['kNN', 'SVM'] as const).flatMap(method =>
    (['validation', 'test'] as const).map(part => {
      const { precision, recall } = classTables[part];
      const named = (counts: number[]) => {
        const total = counts.reduce((sum, count) => sum + count, 0);
        const of = (k: number) => (recall[method][k]! * counts[k]!) / precision[method][k]! / total;
        return (of(0) + of(1) + of(2) + of(3)).toFixed(3);
      };
      return [method, part, named(weights), named(withCopies)];
    }),
  );
  const head = ['images named for one judged', 'part', 'shares without copies', 'shares with copies'];
  console.error(`${drawTable(head, rows)}\n`);
}

async function renderPool(count: number): Promise<Pool> {
  const pool = {
    pixels: new Uint8Array(count * pixelsOf),
    labels: new Int32Array(count),
    cell: Int32Array.from({ length: count }, (_, i) => i),
  };
  for (let first = 0; first < count; first += 4096) {
    const request = { seed: 5, confounded: false, faults: 0, sessions: 12, weights, first };
    const size = [side, side] as const;
    const rendered = await renderCells({ ...request, count: Math.min(4096, count - first), size });
    pool.pixels.set(rendered.pixels, first * pixelsOf);
    pool.labels.set(rendered.type, first);
  }
  return pool;
}

/** Images of cells drawn at random, every other one mirrored, with noise: a volume is the first so many of them. */
function copy(from: Pool, count: number): Pool {
  const random = createRandom(3);
  const cell = Int32Array.from({ length: count }, () => Math.floor(random() * cells));
  const pixels = new Uint8ClampedArray(count * pixelsOf);
  cell.forEach((source, i) => {
    const mirrored = random() < 0.5;
    for (let place = 0; place < pixelsOf; place++) {
      const column = place % side;
      const read = mirrored ? place - column + side - 1 - column : place;
      const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
      pixels[i * pixelsOf + place] = from.pixels[source * pixelsOf + read]! + noise * normal;
    }
  });
  return { pixels: new Uint8Array(pixels.buffer), labels: cell.map(source => from.labels[source]!), cell };
}

async function judge(name: string, pool: Pool, volume: number, machine: Machine): Promise<Result> {
  const set = ImageSet.from(pool.pixels, { channels: 1, height: side, width: side });
  // Images come in random order, and so do the cells: a stretch of either is a random part.
  const share = (i: number) => (name === 'apart' ? pool.cell[i]! / cells : i / volume);
  const part = (from: number, to: number): LabelledVectors => {
    const rows = Int32Array.from(Array(volume).keys()).filter(i => share(i) >= from && share(i) < to);
    return { set, rows, labels: rows.map(row => pool.labels[row]!), classes: K };
  };
  const [training, validation, rest] = [part(0, 0.65), part(0.65, 0.8), part(0.8, 1)];
  const test = { ...rest, rows: rest.rows.slice(0, mostTested), labels: rest.labels.slice(0, mostTested) };
  const unit = await usualGamma(training);
  const { gamma } = machine.settings;
  const given = { ...machine.settings, gamma: gamma === 'auto' ? gamma : gamma * unit, probability: false };
  const before = process.cpuUsage();
  const fitted = await svm.fit(training, validation, svm.settings(given));
  const probabilities = await fitted.predict(test);
  const { user, system } = process.cpuUsage(before);
  const facts = fitted.facts as { converged: boolean; c: number; gamma: number };
  fitted.dispose();
  const errors = Array<number>(K).fill(0);
  test.labels.forEach((label, i) => {
    const own = probabilities.subarray(i * K, (i + 1) * K);
    const named = own.indexOf(Math.max(...own));
    if (named !== label) errors[named]!++;
  });
  const wrong = errors.reduce((sum, count) => sum + count, 0);
  return {
    ...{ pool: name, machine: machine.name, volume, accuracy: 1 - wrong / test.rows.length, errors },
    ...{
      converged: facts.converged,
      c: facts.c,
      gamma: facts.gamma / unit,
      cpuSeconds: (user + system) / 1e6,
    },
  };
}

/** Accuracy, and of the errors the share of the class that took the most of them; * where steps ran out. */
function print(pool: string): void {
  const own = results.filter(result => result.pool === pool);
  const columns = [...new Set(own.map(({ volume }) => volume))];
  const rows = machines.map(({ name }) => [name, ...own.filter(({ machine }) => machine === name).map(show)]);
  console.log(`${pool}\n${drawTable(['machine', ...columns.map(String)], rows)}\n`);
}

function show({ accuracy, errors, converged }: Result): string {
  const wrong = errors.reduce((sum, count) => sum + count, 0);
  const most = Math.max(...errors);
  const taker = cellTypes[errors.indexOf(most)]!;
  const share = wrong === 0 ? '' : ` (${Math.round((100 * most) / wrong)} % ${taker})`;
  return `${accuracy.toFixed(3)}${converged ? '' : '*'}${share}`;
}
