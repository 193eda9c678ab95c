// node scripts/runTypeScript.mjs bench/duplicates.ts [--cells 20000 --copies 200 --size 128 --seed 1]: plants changed copies
// of simulated cells, by code of its own, and prints how many of each kind the audit's search finds, how many pairs it
// reports that were not planted, and the time and memory. Run `npm run build` before.
//
// [--folder FOLDER] keeps the set there and takes it up again; [--from DATASET] plants in a copy of a data set that is there;
// [--dataset DATASET] searches a data set that is there, and plants nothing in it. [--run RUN] searches once more with that run's
// embedding as a second sieve.
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type CopyPair, findCopies } from '../src/audit/copies.ts';
import { openRun } from '../src/audit/openRun.ts';
import { type Places, readPlaces } from '../src/audit/places.ts';
import type { LoadedClassifier } from '../src/classifiers/classifier.ts';
import { drawTable } from '../src/cli/table.ts';
import { Dataset } from '../src/dataset/dataset.ts';
import type { CellTable, NewCell } from '../src/dataset/format.ts';
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
    folder: { type: 'string' },
    from: { type: 'string' },
    run: { type: 'string' },
  },
});
const [cells, copies, size, seed] = (['cells', 'copies', 'size', 'seed'] as const).map(name =>
  wholeNumber(name, values[name]),
) as [number, number, number, number];

interface Change {
  degrees: number;
  mirrored: boolean;
  shift: number;
  noise: number;
  gain: number;
  /** How much larger the copy shows the cell. */
  scale: number;
}

const none: Change = { degrees: 0, mirrored: false, shift: 0, noise: 0, gain: 1, scale: 1 };
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
    ...{ noise: 3, gain: 0.8 + 0.2 * random(), scale: 1 },
  }),
  'enlarged or reduced by 5 to 20 %': random => ({
    ...none,
    scale: (1.05 + 0.15 * random()) ** (random() < 0.5 ? 1 : -1),
  }),
};

/** A changed copy: one bilinear warp about the middle, border pixels going on, then gain and noise. */
function change(
  pixels: ArrayLike<number>,
  { degrees, mirrored, shift, noise, gain, scale }: Change,
  side: number,
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
      const [dx, dy] = [(x - middle - right) / scale, (y - middle - down) / scale];
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

/** Appends copies of cells 0, 1, ..., whose source says of which kind and of which cell they are. */
async function plant(dataset: Dataset): Promise<void> {
  const random = createRandom(seed);
  const images = dataset.images();
  const side = dataset.header.height;
  const { id } = await dataset.cells();
  if (id.length < copies * Object.keys(kinds).length) throw new Error('More cells than copies are needed.');
  const added: NewCell[] = [];
  for (const [k, kind] of Object.keys(kinds).entries())
    for (let i = 0; i < copies; i++) {
      const original = id[k * copies + i]!;
      added.push({
        pixels: change(images.read(original), kinds[kind]!(random), side, random),
        ...{ label: 0, group: null, source: mark(kind), frame: original, rawHeight: side, rawWidth: side },
        quality: new Float32Array(qualityFeatures.length),
      });
    }
  for (let at = 0; at < added.length; at += 500) await dataset.append(added.slice(at, at + 500));
}

function mark(kind: string): string {
  return `planted: ${kind}`;
}

/** Which pairs of ids were planted, and of which kind. */
function readPlanted({ source, frame }: Places, { id }: CellTable): Map<string, string> {
  const kindOf = new Map(Object.keys(kinds).map(kind => [mark(kind), kind]));
  const planted = new Map<string, string>();
  for (const [i, from] of source.entries()) {
    const kind = kindOf.get(from);
    if (kind !== undefined) planted.set(`${frame[i]} ${id[i]}`, kind);
  }
  return planted;
}

/** Searches, and prints what it took and which pairs were not planted; gives the pairs found. */
async function search(
  dataset: Dataset,
  table: CellTable,
  planted: Map<string, string>,
  classifier: LoadedClassifier | null,
) {
  const [begun, before] = [performance.now(), process.cpuUsage()];
  const { pairs, compared } = await findCopies(dataset, table, 0, {}, classifier);
  const { user, system } = process.cpuUsage(before);
  const seconds = (performance.now() - begun) / 1000;
  const nameOf = ({ a, b }: CopyPair) => `${table.id[a]} ${table.id[b]}`;
  const foreign = pairs.filter(pair => !planted.has(nameOf(pair)));
  for (const pair of foreign.slice(0, 10)) {
    const numbers = [pair.correlation, pair.detail, pair.residual].map(one => one.toFixed(4)).join(', ');
    console.log(`not planted: ${nameOf(pair)}, by ${pair.sieve}: ${numbers}`);
  }
  console.log(
    `${classifier ? 'description and embedding' : 'description'}: ${table.count} cells: ${pairs.length} pairs found, ` +
      `${foreign.length} of them not planted, of ${compared} compared; ${seconds.toFixed(1)} s on the clock, ` +
      `${((user + system) / 1e6).toFixed(1)} s of processors, ` +
      `at most ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB with mapped images.`,
  );
  return new Set(pairs.map(nameOf));
}

const folder = mkdtempSync(join(tmpdir(), 'brightcell-duplicates-'));
try {
  const path = values.dataset ?? values.folder ?? join(folder, 'cells');
  if (values.dataset === undefined && !existsSync(join(path, 'planted'))) {
    if (values.from !== undefined) cpSync(values.from, path, { recursive: true });
    else await simulate(path, { cells, seed, faults: 0, size: [size, size] });
    const dataset = await Dataset.open(path, 'write');
    await plant(dataset);
    await dataset.close();
    writeFileSync(join(path, 'planted'), '');
  }
  const dataset = await Dataset.open(path, 'read');
  const table = await dataset.cells();
  const planted = readPlanted(await readPlaces(dataset, table), table);
  const found = [await search(dataset, table, planted, null)];
  if (values.run !== undefined) {
    const { classifier } = await openRun(values.run, dataset);
    found.push(await search(dataset, table, planted, classifier));
    classifier.dispose();
  }
  await dataset.close();
  const rows = [...new Set(planted.values())].map(kind => {
    const own = [...planted].filter(([, other]) => other === kind).map(([pair]) => pair);
    const recalls = found.map(pairs => own.filter(pair => pairs.has(pair)).length / own.length);
    return [kind, own.length, ...recalls.map(recall => `${(100 * recall).toFixed(1)} %`)];
  });
  const heads = ['found by description', 'and embedding'].slice(0, found.length);
  if (rows.length > 0) console.log(drawTable(['copies that were', 'planted', ...heads], rows));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
