// node scripts/runTypeScript.mjs bench/sessions.ts [--data confounded,simulated,tcell,flowcam --ways standardise,mean
//   --seeds 3 --epochs 12 --size 64 --folder ../shared/data --json]: what a network loses in sessions that it has not seen,
// with each way of preparing its images. A way is a normalisation, then the share of backgrounds that are replaced in
// training: "standardise", "standardise+0.5". Whole groups are left out in turn (donors of tcell, runs of flowcam, pairs of
// simulated sessions); of `confounded`, where every type has sessions of its own, a network is trained on all cells and
// tested on a second data set, whose sessions hold every type. `sessions seen` is what the same training reaches on cells of
// sessions that it has seen (every fifth cell of each session held out). Printed: balanced accuracy, mean over seeds (least
// to most), the last epoch's: nothing is chosen on the cells left out. Run `npm run build` before.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { drawTable } from '../src/cli/table.ts';
import { Dataset } from '../src/dataset/dataset.ts';
import type { CellTable } from '../src/dataset/format.ts';
import { importImages } from '../src/import/importImages.ts';
import { fitMethod } from '../src/methods/fitMethod.ts';
import { simulate } from '../src/simulate/simulate.ts';
import { wholeNumber } from './numbers.ts';

const { values: flags } = parseArgs({
  options: {
    data: { type: 'string', default: 'confounded,simulated,tcell,flowcam' },
    ways: { type: 'string', default: 'standardise,mean,session,standardise+0.5,mean+0.5,session+0.5' },
    seeds: { type: 'string', default: '3' },
    epochs: { type: 'string', default: '12' },
    size: { type: 'string', default: '64' },
    folder: { type: 'string', default: '../shared/data' },
    json: { type: 'boolean', default: false },
  },
});
const side = wholeNumber('size', flags.size);
const seeds = wholeNumber('seeds', flags.seeds);
const work = mkdtempSync(join(tmpdir(), 'brightcell-sessions-'));

interface Trial {
  /** Positions in the table. */
  training: number[];
  test: number[];
  /** Where the test cells are of another data set. */
  other?: { dataset: Dataset; table: CellTable };
}

const simulated = { cells: 1200, faults: 0, size: [side, side] as [number, number] };

async function makeDataset(name: string): Promise<Dataset> {
  const path = join(work, name);
  if (name === 'confounded') await simulate(path, { ...simulated, seed: 3, sessions: 12, confounded: true });
  else if (name === 'mixed') await simulate(path, { ...simulated, seed: 7, sessions: 12 });
  else if (name === 'simulated') await simulate(path, { ...simulated, seed: 1, sessions: 6 });
  else await importImages(join(flags.folder, name), path, { size: [side, side] });
  return Dataset.open(path, 'read');
}

/** Sets of groups that are left out together; simulated sessions by pairs, which hold both kinds of light. */
function groupsLeftOut(name: string, table: CellTable): (string | null)[][] {
  const groups = [...new Set(table.group)].sort((a, b) => (String(a) < String(b) ? -1 : 1));
  const together = name === 'simulated' ? 2 : 1;
  return groups.flatMap((_, i) => (i % together === 0 ? [groups.slice(i, i + together)] : []));
}

async function listTrials(name: string, table: CellTable): Promise<{ unseen: Trial[]; seen: Trial }> {
  const all = [...table.id.keys()];
  const seen = { training: all.filter(i => i % 5 !== 0), test: all.filter(i => i % 5 === 0) };
  if (name === 'confounded') {
    const dataset = await makeDataset('mixed');
    const other = { dataset, table: await dataset.cells() };
    return { unseen: [{ training: all, test: [...other.table.id.keys()], other }], seen };
  }
  const unseen = groupsLeftOut(name, table).map(left => ({
    training: all.filter(i => !left.includes(table.group[i]!)),
    test: all.filter(i => left.includes(table.group[i]!)),
  }));
  return { unseen, seen };
}

/** Adds to `hits` for each class which of its test cells were named rightly. */
async function run(
  own: { dataset: Dataset; table: CellTable },
  trial: Trial,
  way: string,
  seed: number,
  hits: number[][],
) {
  const [normalisation, replaceBackground = '0'] = way.split('+');
  const rows = (table: CellTable, cells: number[]) => ({
    rows: Int32Array.from(cells, i => table.id[i]!),
    labels: Int32Array.from(cells, i => table.label[i]!),
  });
  const settings = {
    ...{ normalisation, seed, epochs: Number(flags.epochs), patience: 0 },
    augmentation: { replaceBackground: Number(replaceBackground) },
  };
  const { classifier } = await fitMethod(own.dataset, 'cellnet', settings, {
    training: rows(own.table, trial.training),
    validation: rows(own.table, []),
  });
  const { dataset, table } = trial.other ?? own;
  const test = rows(table, trial.test);
  const K = classifier.classes.length;
  const probabilities = await classifier.predict(dataset.images(), test.rows);
  classifier.dispose();
  test.labels.forEach((label, n) => {
    const of = probabilities.subarray(n * K, (n + 1) * K);
    hits[label]!.push(Number(of[label]! === Math.max(...of)));
  });
}

function balancedAccuracy(hits: number[][]): number {
  const present = hits.filter(of => of.length > 0);
  const recall = (of: number[]) => of.reduce((sum, one) => sum + one, 0) / of.length;
  return present.reduce((sum, of) => sum + recall(of), 0) / present.length;
}

type Row = { data: string; way: string; unseen: number[]; seen: number[] };

async function measure(name: string): Promise<Row[]> {
  const dataset = await makeDataset(name);
  const own = { dataset, table: await dataset.cells() };
  const { unseen, seen } = await listTrials(name, own.table);
  const rows: Row[] = [];
  for (const way of flags.ways.split(',')) {
    const row: Row = { data: name, way, unseen: [], seen: [] };
    const started = performance.now();
    for (let seed = 1; seed <= seeds; seed++) {
      for (const [trials, to] of [
        [unseen, row.unseen],
        [[seen], row.seen],
      ] as const) {
        const hits: number[][] = dataset.header.classes.map(() => []);
        for (const trial of trials) await run(own, trial, way, seed, hits);
        to.push(balancedAccuracy(hits));
      }
    }
    console.error(`${name} ${way}: ${((performance.now() - started) / 1000).toFixed(0)} s`);
    rows.push(row);
  }
  for (const trial of unseen) await trial.other?.dataset.close();
  await dataset.close();
  return rows;
}

const mean = (values: number[]) => values.reduce((sum, one) => sum + one, 0) / values.length;
const show = (values: number[]) =>
  `${mean(values).toFixed(3)} (${Math.min(...values).toFixed(3)} to ${Math.max(...values).toFixed(3)})`;

try {
  const rows: Row[] = [];
  for (const name of flags.data.split(',')) rows.push(...(await measure(name)));
  if (flags.json) console.log(JSON.stringify(rows));
  else {
    const lines = rows.map(one => [one.data, one.way, show(one.unseen), show(one.seen)]);
    console.log(drawTable(['data', 'way', 'sessions left out', 'sessions seen'], lines));
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
