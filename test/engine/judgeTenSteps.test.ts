// Ten training steps against PyTorch: the committed values everywhere, PyTorch itself where it is.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { ImageSet } from '../../src/engine/imageSet.ts';
import { Network } from '../../src/engine/network.ts';
import type { Loss, NetworkSpec, Optimiser } from '../../src/engine/networkSpec.ts';
import type { Normalisation } from '../../src/engine/normalisation.ts';
import { cellnet } from '../../src/models/cellnet.ts';
import { hashedImages, hashedLabels, setFirstWeights } from './hashedNumbers.ts';

interface TenSteps {
  losses: number[];
  gradientNorms: number[];
  probabilities: number[];
}

interface Case {
  title: string;
  network: NetworkSpec;
  classes: number;
  optimiser: Optimiser;
  learningRate: number;
  loss: Loss;
  normalisation: Normalisation;
  batch: number;
  clipNorm?: number;
  float64: TenSteps;
  float32: { losses: number[] };
}

const root = new URL('../../', import.meta.url);
const committed: Case[] = JSON.parse(
  readFileSync(new URL('test/engine/fixtures/ten-steps.json', root), 'utf8'),
).cases;

describe.each(committed)('$title', one => {
  test('ten losses, gradient norms and what is predicted afterwards agree with PyTorch in double precision', async () => {
    const ours = await trainTenSteps(one);
    expectClose(ours.losses, one.float64.losses, 2e-4);
    expectClose(ours.gradientNorms, one.float64.gradientNorms, 1e-3);
    expectClose(ours.probabilities, one.float64.probabilities, 1e-3);
  });
});

test('the cellnet that was compared is the cellnet of the package', () => {
  const spec = committed.find(one => one.network.name === 'cellnet')!.network;
  const ours = cellnet({ channels: 1, height: 128, width: 128 }, 4);
  const filled = spec.layers.map((layer, i) => ({ ...layer, ...ours.layers[i] }));
  expect(ours.layers).toHaveLength(spec.layers.length);
  expect(filled).toEqual(spec.layers);
});

const python = process.env.BRIGHTCELL_PYTHON ?? fileURLToPath(new URL('bench/peers/venv/bin/python', root));
const present = existsSync(python);

test.skipIf(!present && !process.env.CI)(
  'PyTorch run afresh gives the committed values',
  () => {
    expect(present, `${python} must be there: run bench/peers/setup.sh`).toBe(true);
    const script = fileURLToPath(new URL('bench/peers/ten_steps.py', root));
    const fresh: Case[] = JSON.parse(
      execFileSync(python, [script, '--quick'], { encoding: 'utf8', maxBuffer: 1e8 }),
    ).cases;
    for (const [i, one] of committed.entries()) {
      expect(fresh[i]!.title).toBe(one.title);
      expectClose(fresh[i]!.float64.losses, one.float64.losses, 1e-7);
      expectClose(fresh[i]!.float64.probabilities, one.float64.probabilities, 1e-6);
    }
    expect(fresh).toHaveLength(committed.length);
  },
  180_000,
);

async function trainTenSteps(one: Case): Promise<TenSteps> {
  const network = new Network(one.network, { seed: 0, initialiser: { name: 'glorotUniform' } });
  setFirstWeights(network);
  const labels = hashedLabels(one.batch, one.classes);
  const images = ImageSet.from(hashedImages(one.network.input, labels), one.network.input);
  const rows = Int32Array.from({ length: one.batch }, (_, n) => n);
  const { normalisation, loss, optimiser, learningRate, clipNorm } = one;
  const losses: number[] = [];
  const gradientNorms: number[] = [];
  for (let step = 0; step < 10; step++) {
    const result = await network.trainStep({
      images,
      rows,
      labels,
      normalisation,
      loss,
      optimiser,
      learningRate,
      clipNorm,
    });
    losses.push(result.loss);
    gradientNorms.push(result.gradientNorm);
  }
  const probabilities = [...(await network.predict({ images, rows, normalisation }))];
  network.dispose();
  images.close();
  return { losses, gradientNorms, probabilities };
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!) / (1e-3 + Math.abs(expected[i]!));
    expect(error, `value ${i}: ${actual[i]} and ${expected[i]}`).toBeLessThan(tolerance);
  }
}
