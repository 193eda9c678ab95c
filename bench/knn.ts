// node scripts/runTypeScript.mjs bench/knn.ts [--only distances,neighbours --rounds 5 --threads 2 --json]
//   [--queries 512 --references 6500 --peer-queries 256 --peer-references 6500]: distances between images against
// OpenBLAS's matrix product, and nearest neighbours against scikit-learn's brute force, in turns; figures are medians.
// Run `npm run build` before. Needs a Python with scikit-learn: BRIGHTCELL_PYTHON, or python3 of Debian.
//
// The claim's size is --queries 20000 --references 65000 --rounds 1: about a minute for us on two cores, 2.1e13
// multiply-adds. scikit-learn then does --peer-queries and --peer-references of them, and its time for all is
// projected in proportion to the number of distances. --peer-queries 20000 --peer-references 65000 leaves nothing to
// projection, and takes 7 GB and some ten minutes.
import { spawnSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { drawTable } from '../src/cli/table.ts';
import { type SetRows, squaredDistances } from '../src/engine/distances.ts';
import { ImageSet } from '../src/engine/imageSet.ts';
import { findNeighbours } from '../src/engine/neighbours.ts';
import { measureBytePeak } from '../src/engine/profile.ts';
import { setThreads } from '../src/engine/threads.ts';
import { knn } from '../src/learners/knn.ts';
import { LineChild } from './lineChild.ts';
import { median, restMs, wholeNumber } from './numbers.ts';
import { describeMachine } from './speed/machine.ts';

const side = 128;
const D = side * side;
const classes = 4;
const k = 5;
const distanceSizes = { left: 512, right: 6500 };

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'distances,neighbours' },
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string', default: String(availableParallelism()) },
    queries: { type: 'string', default: '512' },
    references: { type: 'string', default: '6500' },
    'peer-queries': { type: 'string', default: '256' },
    'peer-references': { type: 'string', default: '6500' },
    json: { type: 'boolean', default: false },
  },
});
const number = (name: Exclude<keyof typeof values, 'json' | 'only'>) => wholeNumber(name, values[name]);
const threads = number('threads');
setThreads(threads);
const sizes = { queries: number('queries'), references: number('references') };
const part = {
  queries: Math.min(number('peer-queries'), sizes.queries),
  references: Math.min(number('peer-references'), sizes.references),
};

/** Seconds on the clock and of all processors. */
interface Time {
  seconds: number;
  cpuSeconds: number;
}

interface Row {
  what: string;
  multiplyAdds: number;
  ours: Time;
  peer: string;
  peers: Time;
  bound: number;
}

const folder = mkdtempSync(join(tmpdir(), 'brightcell-knn-'));
try {
  const report = await measure();
  process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : formatReport(report));
} finally {
  rmSync(folder, { recursive: true });
}

async function measure() {
  const files = { references: join(folder, 'references'), queries: join(folder, 'queries') };
  const references = writeImages(files.references, Math.max(sizes.references, distanceSizes.right), 1);
  const queries = writeImages(files.queries, Math.max(sizes.queries, distanceSizes.left), 2);
  const peer = new LineChild(findPython(), ['bench/peers/knn.py']);
  const versions = await peer.ask({ do: 'open', ...files, length: D, classes, threads });
  const peak = await measurePeakInPieces();
  const rows: Row[] = [];
  const only = values.only.split(',');
  if (only.includes('distances')) rows.push(await compareDistances(peer, queries, references));
  if (only.includes('neighbours')) rows.push(await compareNeighbours(peer, queries, references));
  const { peakBytes } = await peer.ask({ do: 'end' });
  const memory = { ours: process.resourceUsage().maxRSS * 1024, peer: peakBytes };
  return { machine: describeMachine(threads), versions, peak, rows, memory };
}

/** Of one thread, times threads, in pieces so short that other programs leave some of them alone. */
async function measurePeakInPieces(): Promise<number> {
  let peak = 0;
  setThreads(1);
  for (let i = 0; i < 20; i++) peak = Math.max(peak, await measureBytePeak(0.01));
  setThreads(threads);
  return peak * threads;
}

/** Random bytes, the worst case for branch prediction; speed does not depend on what the pixels are. */
function writeImages(path: string, count: number, seed: number): SetRows {
  const file = openSync(path, 'w');
  const block = new Uint8Array(256 * D);
  randomFillSync(block);
  for (let at = 0; at < count; at += 256) {
    for (let i = 0; i < block.length; i += 4096) block[i] = seed + at + i; // no block twice
    block.copyWithin(0, 64 * ((at / 256) % 64 || 1)); // nor in the same place
    writeSync(file, block, 0, Math.min(256, count - at) * D);
  }
  closeSync(file);
  const set = ImageSet.map([{ path, offset: 0, count }], 'uint8', { channels: 1, height: side, width: side });
  return { set, rows: Int32Array.from({ length: count }, (_, i) => i) };
}

function take({ set, rows }: SetRows, count: number): SetRows {
  return { set, rows: rows.subarray(0, count) };
}

async function compareDistances(peer: LineChild, queries: SetRows, references: SetRows): Promise<Row> {
  const [left, right] = [take(queries, distanceSizes.left), take(references, distanceSizes.right)];
  checkDistances(left, right, await squaredDistances(left, right));
  const result = new Float64Array(left.rows.length * right.rows.length).fill(1);
  const times = await inTurns(
    () => timed(() => squaredDistances(left, right, result)),
    () => peer.ask({ do: 'product', ...distanceSizes }),
  );
  return {
    what: `distances ${distanceSizes.left} x ${distanceSizes.right} x ${D}`,
    multiplyAdds: distanceSizes.left * distanceSizes.right * D,
    ...times,
    peer: 'OpenBLAS sgemm',
    bound: 4,
  };
}

/** A few of them, number by number. */
function checkDistances(left: SetRows, right: SetRows, distances: Float64Array): void {
  for (let i = 0; i < left.rows.length; i += 101) {
    for (let j = 0; j < right.rows.length; j += 997) {
      const [a, b] = [left.set.read(i), right.set.read(j)];
      let expected = 0;
      for (let d = 0; d < D; d++) expected += (a[d]! - b[d]!) ** 2;
      if (distances[i * right.rows.length + j] !== expected)
        throw new Error(`distance ${i}, ${j} is not exact`);
    }
  }
}

async function compareNeighbours(peer: LineChild, queries: SetRows, references: SetRows): Promise<Row> {
  const all = take(references, sizes.references);
  const labels = all.rows.map(row => row % classes);
  const fitted = await knn.fit({ ...all, labels, classes }, null, knn.settings({ k }));
  await checkNeighbours(peer, queries, references);
  const times = await inTurns(
    () => timed(() => fitted.predict(take(queries, sizes.queries))),
    () => peer.ask({ do: 'neighbours', ...part, k, give: false }),
  );
  const projection = (sizes.queries * sizes.references) / (part.queries * part.references);
  const { seconds, cpuSeconds } = times.peers;
  const projected = projection > 1 ? `, projected from ${part.queries} x ${part.references}` : '';
  return {
    what: `kNN of ${sizes.queries} in ${sizes.references} x ${D}, k ${k}`,
    multiplyAdds: sizes.queries * sizes.references * D,
    ours: times.ours,
    peer: `scikit-learn brute force${projected}`,
    peers: { seconds: seconds * projection, cpuSeconds: cpuSeconds * projection },
    bound: 5,
  };
}

/** Both find the same neighbours, but for the order of those at the same distance. */
async function checkNeighbours(peer: LineChild, queries: SetRows, references: SetRows): Promise<void> {
  const { places } = await peer.ask({ do: 'neighbours', ...part, k, give: true });
  const right = take(references, part.references);
  const found = await findNeighbours(right, take(queries, Math.min(32, part.queries)), k);
  const distances = await squaredDistances(take(queries, Math.min(32, part.queries)), right);
  found.squaredDistances.forEach((expected, at) => {
    const received = distances[Math.floor(at / k) * right.rows.length + places[at]];
    if (received !== expected)
      throw new Error(`scikit-learn's neighbour ${at} is at ${received}, ours at ${expected}`);
  });
}

async function inTurns(ours: () => Promise<Time>, peers: () => Promise<Time>) {
  const times: { ours: Time[]; peers: Time[] } = { ours: [], peers: [] };
  for (let round = 0; round < number('rounds'); round++) {
    await sleep(restMs);
    times.ours.push(await ours());
    await sleep(restMs);
    times.peers.push(await peers());
  }
  return { ours: medianTime(times.ours), peers: medianTime(times.peers) };
}

function medianTime(times: Time[]): Time {
  const of = (name: keyof Time) => median(times.map(time => time[name]));
  return { seconds: of('seconds'), cpuSeconds: of('cpuSeconds') };
}

async function timed(work: () => Promise<unknown>): Promise<Time> {
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { seconds: (performance.now() - start) / 1000, cpuSeconds: (user + system) / 1e6 };
}

function findPython(): string {
  const candidates = [process.env.BRIGHTCELL_PYTHON, 'python3', '/usr/bin/python3'];
  const found = candidates.find(
    path => path && spawnSync(path, ['-c', 'import sklearn, threadpoolctl']).status === 0,
  );
  if (found !== undefined) return found;
  console.error('The peer must be there: a Python with scikit-learn (Debian: apt install python3-sklearn).');
  process.exit(1);
}

function formatReport({
  machine,
  versions,
  peak,
  rows,
  memory,
}: Awaited<ReturnType<typeof measure>>): string {
  const giga = (rate: number) => (rate / 1e9).toFixed(0);
  const gigabytes = (bytes: number) => (bytes / 1e9).toFixed(1);
  const table = drawTable(
    ['what', 'ours, s', 'peer, s', 'ratio', 'by processor time', 'bound', 'ours, G/s', 'of peak', 'peer'],
    rows.map(({ what, multiplyAdds, ours, peers, peer, bound }) => [
      what,
      ours.seconds.toFixed(3),
      peers.seconds.toFixed(2),
      (peers.seconds / ours.seconds).toFixed(1),
      (peers.cpuSeconds / ours.cpuSeconds).toFixed(1),
      bound,
      giga((multiplyAdds / ours.cpuSeconds) * threads),
      `${((100 * multiplyAdds * threads) / ours.cpuSeconds / peak).toFixed(0)} %`,
      peer,
    ]),
    [0, 8],
  );
  return (
    `${table}\n\nG/s: multiply-adds by processor time of ${threads} threads. Peak of byte products, from registers: ` +
    `${giga(peak)} G/s.\nMemory: ours ${gigabytes(memory.ours)} GB, mapped images included; peer ${gigabytes(memory.peer)} GB. ` +
    `${machine.processor}, ${machine.instructionSet}; ${versions.blas}, scikit-learn ${versions.sklearn}.\n`
  );
}
