// The gradient of a whole network against PyTorch in float64, beside what PyTorch's own float32 makes of it.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ImageSet } from '../../src/engine/imageSet.ts';
import { Network } from '../../src/engine/network.ts';
import type { NetworkSpec } from '../../src/engine/networkSpec.ts';
import { cellnet } from '../../src/models/cellnet.ts';
import { cellnetTable1 } from '../../src/models/cellnetTable1.ts';
import { hashedImages, hashedLabels, setFirstWeights } from './hashedNumbers.ts';

interface Peer {
  sizes: Record<string, number>;
  /** Of each batch and tensor: the squared distance of PyTorch's float32 from its float64. */
  distances: Record<string, number>[];
}

const root = new URL('../../', import.meta.url);
const python = process.env.BRIGHTCELL_PYTHON ?? fileURLToPath(new URL('bench/peers/venv/bin/python', root));
const present = existsSync(python);
const input = { channels: 1, height: 128, width: 128 };
const batch = 8;
const parts = 7;

// Rounding may choose another cell of a max pool, or another side of a ReLU, than float64 does, in any engine, and one
// such choice moves a gradient a hundred times as far as all other rounding. Which batches it hits is chance: so the
// batches are small, and the lower quartile over them is compared, which shows the rounding alone.
const networks = [cellnet(input, 4), cellnetTable1(input, 4)];

describe.skipIf(!present && !process.env.CI).each(networks)('the gradient of $name', spec => {
  const folder = mkdtempSync(join(tmpdir(), 'brightcell-gradients-'));
  let peer: Peer;
  beforeAll(() => {
    expect(present, `${python} must be there: run bench/peers/setup.sh`).toBe(true);
    peer = runPeer(spec, folder);
  }, 300_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("by direct convolutions is as far from float64 as PyTorch's float32 is", async () => {
    process.env.BRIGHTCELL_ALGORITHM = 'direct';
    try {
      expect(await distanceOf(spec, peer, folder)).toBeLessThan(
        1.25 * lowerQuartile(peer.distances.map(whole)),
      );
    } finally {
      delete process.env.BRIGHTCELL_ALGORITHM;
    }
  }, 300_000);

  // Winograd's and Fourier's ways multiply fewer numbers, of which each carries the rounding of a whole tile.
  test("by the fastest convolutions is at most a quarter farther from float64 than PyTorch's float32 is", async () => {
    expect(await distanceOf(spec, peer, folder)).toBeLessThan(
      1.25 * lowerQuartile(peer.distances.map(whole)),
    );
  }, 300_000);
});

/** The distance of our gradient from float64, all tensors together: the lower quartile over the batches. */
async function distanceOf(spec: NetworkSpec, peer: Peer, folder: string): Promise<number> {
  const ours: number[] = [];
  for (let part = 0; part < parts; part++) {
    const exact = readReference(peer, join(folder, `${part}.f64`));
    ours.push(distance(await gradients(spec, part), exact));
  }
  return lowerQuartile(ours);
}

function whole(squares: Record<string, number>): number {
  return Math.sqrt(Object.values(squares).reduce((sum, one) => sum + one, 0));
}

function runPeer(spec: NetworkSpec, folder: string): Peer {
  const script = fileURLToPath(new URL('bench/peers/gradients.py', root));
  const one = { network: spec, classes: 4, normalisation: 'mean', batch, parts };
  return JSON.parse(
    execFileSync(python, [script, JSON.stringify(one), folder], { encoding: 'utf8', maxBuffer: 1e8 }),
  );
}

/** The gradient of every tensor at the first weights: after one step, SGD's velocity is the gradient. */
async function gradients(spec: NetworkSpec, part: number): Promise<Map<string, Float32Array>> {
  const network = new Network(spec, { seed: 0, initialiser: { name: 'glorotUniform' } });
  setFirstWeights(network);
  const labels = hashedLabels(batch * parts, 4);
  const images = ImageSet.from(hashedImages(spec.input, labels), spec.input);
  const rows = Int32Array.from({ length: batch }, (_, n) => part * batch + n);
  await network.trainStep({
    images,
    rows,
    labels: labels.subarray(part * batch, (part + 1) * batch),
    normalisation: 'mean',
    loss: { name: 'crossEntropy' },
    optimiser: { name: 'sgd', momentum: 0.9 },
    learningRate: 1e-6,
  });
  const ending = '.sgd.velocity';
  const velocities = network.state().filter(tensor => tensor.name.endsWith(ending));
  network.dispose();
  images.close();
  return new Map(
    velocities.map(tensor => [tensor.name.slice(0, -ending.length), tensor.data as Float32Array]),
  );
}

function readReference(peer: Peer, path: string): Map<string, Float64Array> {
  const bytes = readFileSync(path);
  const reference = new Map<string, Float64Array>();
  let at = bytes.byteOffset;
  for (const [name, size] of Object.entries(peer.sizes)) {
    reference.set(name, new Float64Array(bytes.buffer.slice(at, at + 8 * size)));
    at += 8 * size;
  }
  return reference;
}

function distance(ours: Map<string, Float32Array>, reference: Map<string, Float64Array>): number {
  expect([...ours.keys()].sort()).toEqual([...reference.keys()].sort());
  let sum = 0;
  for (const [name, exact] of reference)
    for (const [i, x] of ours.get(name)!.entries()) sum += (x - exact[i]!) ** 2;
  return Math.sqrt(sum);
}

function lowerQuartile(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 2]!;
}
