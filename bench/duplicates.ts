// node scripts/runTypeScript.mjs bench/duplicates.ts [--cells 20000 --copies 200 --size 128 --seed 1]: plants changed copies
// of simulated cells, by code of its own, and prints how many of each kind the audit's search finds, how many pairs it
// reports that were not planted, and the time and memory. Run `npm run build` before.
//
// --cells 100000 is the claim's size. [--dataset FOLDER] searches a data set that is there, and plants nothing in it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findCopies } from '../src/audit/copies.ts';
import { drawTable } from '../src/cli/table.ts';
import { Dataset } from '../src/dataset/dataset.ts';
import type { NewCell } from '../src/dataset/format.ts';
import { createRandom } from '../src/dataset/random.ts';
import { qualityFeatures } from '../src/engine/prepare.ts';
import { simulate } from '../src/simulate/simulate.ts';
import { wholeNumber } from './numbers.ts';

const { values } = parseArgs({
  options: {
    cells: { type: 'string', default: '20000' },
    copies: { type: 'string', default: '200' },
    size: { type: 'string', default: '128' },
    seed: { type: 'string', default: '1' },
    dataset: { type: 'string' },
  },
});
const [cells, copies, side, seed] = (['cells', 'copies', 'size', 'seed'] as const).map(name =>
  wholeNumber(name, values[name]),
) as [number, number, number, number];

interface Change {
  degrees: number;
  mirrored: boolean;
  shift: number;
  noise: number;
  gain: number;
}

const none: Change = { degrees: 0, mirrored: false, shift: 0, noise: 0, gain: 1 };
const kinds: Record<string, (random: () => number) => Change> = {
  exact: () => none,
  'turned by 90, 180 or 270 degrees': random => ({ ...none, degrees: 90 * (1 + Math.floor(3 * random())) }),
  'turned by any angle': random => ({ ...none, degrees: 360 * random() }),
  mirrored: () => ({ ...none, mirrored: true }),
  'shifted by up to 8 %': random => ({ ...none, shift: 0.08 * (0.3 + 0.7 * random()) }),
  'noise of 4 gray levels': () => ({ ...none, noise: 4 }),
  'gain of 0.8': () => ({ ...none, gain: 0.8 }),
  'all of them': random => ({
    ...{ degrees: 360 * random(), mirrored: random() < 0.5, shift: 0.06 * random() },
    ...{ noise: 3, gain: 0.8 + 0.2 * random() },
  }),
};

/** A changed copy: one bilinear warp about the middle, border pixels going on, then gain and noise. */
function change(
  pixels: ArrayLike<number>,
  { degrees, mirrored, shift, noise, gain }: Change,
  random: () => number,
) {
  const middle = (side - 1) / 2;
  const [c, s] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  const way = 2 * Math.PI * random();
  const [right, down] = [shift * side * Math.cos(way), shift * side * Math.sin(way)];
  const at = (x: number, y: number) =>
    pixels[Math.max(0, Math.min(side - 1, y)) * side + Math.max(0, Math.min(side - 1, x))]!;
  const moved = new Uint8ClampedArray(side * side);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const [dx, dy] = [x - middle - right, y - middle - down];
      const u = middle + (mirrored ? -1 : 1) * (c * dx + s * dy);
      const v = middle - s * dx + c * dy;
      const [left, top] = [Math.floor(u), Math.floor(v)];
      const [a, b] = [u - left, v - top];
      const value =
        (1 - b) * ((1 - a) * at(left, top) + a * at(left + 1, top)) +
        b * ((1 - a) * at(left, top + 1) + a * at(left + 1, top + 1));
      const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
      moved[y * side + x] = gain * value + noise * normal;
    }
  return new Uint8Array(moved.buffer);
}

/** Appends copies of cells 0, 1, ... and gives which is of which kind. */
async function plant(dataset: Dataset): Promise<Map<string, string>> {
  const random = createRandom(seed);
  const images = dataset.images();
  const first = dataset.count;
  const planted = new Map<string, string>();
  const added: NewCell[] = [];
  for (const [k, kind] of Object.keys(kinds).entries())
    for (let i = 0; i < copies; i++) {
      const original = k * copies + i;
      added.push({
        pixels: change(images.read(original), kinds[kind]!(random), random),
        ...{ label: 0, group: null, source: `${kind} ${i}`, frame: 0, rawHeight: side, rawWidth: side },
        quality: new Float32Array(qualityFeatures.length),
      });
      planted.set(`${original} ${first + added.length - 1}`, kind);
    }
  for (let at = 0; at < added.length; at += 500) await dataset.append(added.slice(at, at + 500));
  return planted;
}

const folder = mkdtempSync(join(tmpdir(), 'brightcell-duplicates-'));
try {
  const path = values.dataset ?? join(folder, 'cells');
  let planted = new Map<string, string>();
  if (values.dataset === undefined) {
    if (cells < copies * Object.keys(kinds).length) throw new Error('More cells than copies are needed.');
    await simulate(path, { cells, seed, faults: 0, size: [side, side] });
    const dataset = await Dataset.open(path, 'write');
    planted = await plant(dataset);
    await dataset.close();
  }
  const dataset = await Dataset.open(path, 'read');
  const table = await dataset.cells();
  const [begun, before] = [performance.now(), process.cpuUsage()];
  const { pairs, compared } = await findCopies(dataset, table, 0, {});
  const { user, system } = process.cpuUsage(before);
  const seconds = (performance.now() - begun) / 1000;
  await dataset.close();
  const found = new Set(pairs.map(({ a, b }) => `${table.id[a]} ${table.id[b]}`));
  const rows = [...new Set(planted.values())].map(kind => {
    const own = [...planted].filter(([, other]) => other === kind).map(([pair]) => pair);
    const hit = own.filter(pair => found.has(pair)).length;
    return [kind, own.length, hit, `${((100 * hit) / own.length).toFixed(1)} %`];
  });
  if (rows.length > 0) console.log(drawTable(['copies that were', 'planted', 'found', 'recall'], rows));
  const isForeign = ({ a, b }: { a: number; b: number }) => !planted.has(`${table.id[a]} ${table.id[b]}`);
  const foreign = pairs.filter(isForeign).length;
  for (const { a, b, correlation, detail, residual } of pairs.filter(isForeign).slice(0, 10))
    console.log(
      `not planted: ${table.id[a]} and ${table.id[b]}: ${[correlation, detail, residual].map(one => one.toFixed(3)).join(', ')}`,
    );
  console.log(
    `${table.count} cells: ${pairs.length} pairs found, ${foreign} of them not planted, of ${compared} compared; ` +
      `${seconds.toFixed(1)} s on the clock, ${((user + system) / 1e6).toFixed(1)} s of processors, ` +
      `at most ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB with mapped images.`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
