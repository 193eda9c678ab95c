// `node scripts/runTypeScript.mjs bench/features.ts [--cells 2000] [--peer 60]` (after npm run build): hand-made features of
// simulated cells, 128 x 128 pixels of 8 bits, by brightcell on all threads, and the same features by scikit-image,
// SciPy and NumPy in one process (apt: python3-skimage), in turns; processor seconds an image and their ratio.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findCells, measureFeatures } from '../src/engine/features.ts';
import { ImageSet } from '../src/engine/imageSet.ts';
import { renderCells } from '../src/engine/simulate.ts';
import { getThreads } from '../src/engine/threads.ts';

const side = 128;
const { values } = parseArgs({
  options: {
    cells: { type: 'string', default: '2000' },
    peer: { type: 'string', default: '60' },
    python: { type: 'string', default: '/usr/bin/python3' },
  },
});
const [count, peerCount] = [Number(values.cells), Number(values.peer)];

const { pixels } = await renderCells({
  ...{ seed: 1, confounded: false, faults: 0, sessions: 12, weights: [1, 1, 1, 1] },
  ...{ first: 0, count, size: [side, side] as const },
});
const images = ImageSet.from(pixels, { channels: 1, height: side, width: side });
const rows = Int32Array.from({ length: count }, (_, row) => row);

const folder = mkdtempSync(join(tmpdir(), 'brightcell-features-'));
try {
  const some = rows.subarray(0, peerCount);
  writeFileSync(join(folder, 'pixels'), pixels.subarray(0, peerCount * side * side));
  writeFileSync(join(folder, 'masks'), await findCells(images, some));
  await measureFeatures(images, some); // warm
  const ours: Cost[] = [];
  const theirs: Cost[] = [];
  for (let turn = 0; turn < 3; turn++) {
    ours.push(await measureOurs());
    theirs.push(measureTheirs());
  }
  const [own, peer] = [least(ours), least(theirs)];
  console.log(`brightcell, ${getThreads()} threads: ${print(own)}`);
  console.log(`scikit-image and SciPy, masks given: ${print(peer)}`);
  console.log(`processor time, theirs over ours: ${(peer.processor / own.processor).toFixed(0)}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
  images.close();
}

/** Seconds an image. */
interface Cost {
  wall: number;
  processor: number;
}

async function measureOurs(): Promise<Cost> {
  const [before, started] = [process.cpuUsage(), performance.now()];
  await measureFeatures(images, rows);
  const wall = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(before);
  return { wall: wall / count, processor: (user + system) / 1e6 / count };
}

function measureTheirs(): Cost {
  const script = new URL('peers/features.py', import.meta.url).pathname;
  const { stdout, stderr } = spawnSync(values.python, [script, folder, String(side)], { encoding: 'utf8' });
  try {
    const { wall, processor } = JSON.parse(stdout);
    return { wall: wall / peerCount, processor: processor / peerCount };
  } catch {
    throw new Error(`${values.python} must have scikit-image (apt install python3-skimage): ${stderr}`);
  }
}

function least(costs: Cost[]): Cost {
  return costs.reduce((best, cost) => (cost.processor < best.processor ? cost : best));
}

function print({ wall, processor }: Cost): string {
  return `${(1 / wall).toFixed(0)} images/s, ${(processor * 1e6).toFixed(0)} µs of processor time an image`;
}
