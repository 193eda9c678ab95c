// The gradient of a class's score against finite differences and closed forms.
import { describe, expect, test } from 'vitest';
import { ImageSet } from '../../src/engine/imageSet.ts';
import { Network } from '../../src/engine/network.ts';
import type { InputRows } from '../../src/engine/networkInput.ts';
import type { LayerSpec, NetworkSpec } from '../../src/engine/networkSpec.ts';
import { mixSeed } from '../../src/train/seed.ts';

const input = { channels: 2, height: 9, width: 8 };
const size = 2 * 9 * 8;
/** Numbers about 0, as a network would see them. */
const numbers = (count: number, seed: number) =>
  Float32Array.from({ length: count }, (_, i) => (mixSeed(seed, i) % 2001) / 1000 - 1);
const rowsOf = (pixels: Float32Array): InputRows => ({
  images: ImageSet.from(pixels, input),
  rows: Int32Array.from({ length: pixels.length / size }, (_, i) => i),
  normalisation: 'none',
});

/** Every kind of layer; the running statistics are not those of a batch. */
async function networkOf(layers: LayerSpec[], decoder?: NetworkSpec['decoder']): Promise<Network> {
  const network = new Network(
    { name: 'small', input, layers, decoder },
    { seed: 2, initialiser: { name: 'heNormal' } },
  );
  const tensors = network.weights().map(({ name, shape, data }, t) => {
    const moved = data.map((value, i) => {
      const noise = (mixSeed(t, i) % 1000) / 1000;
      if (name.endsWith('runningVariance')) return 0.5 + noise;
      return name.endsWith('runningMean') || /gamma|beta|bias/.test(name) ? value + 0.4 * noise : value;
    });
    return { name, shape, data: moved };
  });
  network.load(tensors);
  return network;
}

const smooth: LayerSpec[] = [
  { type: 'conv', filters: 4, kernel: 3, padding: 'same' },
  { type: 'tanh' },
  { type: 'averagePool', size: 2 },
  { type: 'batchNorm' },
  { type: 'dropout', rate: 0.5 },
  { type: 'conv', filters: 6, kernel: 2, stride: 2 },
  { type: 'batchNorm' },
  { type: 'batchNorm' },
  { type: 'scaledTanh' },
  { type: 'dense', units: 5 },
  { type: 'sigmoid' },
  { type: 'dense', units: 3 },
];
const stepped: LayerSpec[] = [
  { type: 'conv', filters: 4, kernel: 3, padding: 'same' },
  { type: 'maxPool', size: 2 },
  { type: 'relu' },
  { type: 'batchNorm' },
  { type: 'conv', filters: 5, kernel: 3, padding: 'same' },
  { type: 'relu' },
  { type: 'maxPool', size: 2, stride: 2 },
  { type: 'dense', units: 3 },
];

function scoreOf(logits: Float32Array, target: number, of: 'logit' | 'probability'): number {
  if (of === 'logit') return logits[target]!;
  const sum = logits.reduce((all, one) => all + Math.exp(one), 0);
  return Math.exp(logits[target]!) / sum;
}

describe('the gradient of a class with respect to the input', () => {
  test.each(['logit', 'probability'] as const)(
    'is what small changes of the input do to its %s',
    async of => {
      for (const [name, layers] of Object.entries({ smooth, stepped })) {
        const network = await networkOf(layers);
        const pixels = numbers(size, 5);
        const targets = Int32Array.of(1);
        const { gradients, activations, logits } = await network.gradients(rowsOf(pixels), { targets, of });
        expect([...activations]).toEqual([...pixels]);
        const step = 2e-3;
        const most = gradients.reduce((best, one) => Math.max(best, Math.abs(one)), 0);
        expect(most).toBeGreaterThan(1e-3);
        for (let at = 0; at < size; at += 11) {
          const moved = numbers(2 * size, 5);
          moved.set(pixels);
          moved.set(pixels, size);
          moved[at]! += step;
          moved[size + at]! -= step;
          const both = await network.gradients(rowsOf(moved), { targets: Int32Array.of(1, 1), of });
          const [up, down] = [0, 1].map(i => scoreOf(both.logits.subarray(3 * i, 3 * i + 3), 1, of));
          const change = (up! - down!) / (2 * step);
          expect(Math.abs(change - gradients[at]!), `${name} ${at}`).toBeLessThan(0.01 * most + 2e-4);
        }
        const probabilities = await network.predict(rowsOf(pixels));
        for (const k of [0, 1, 2])
          expect(scoreOf(logits, k, 'probability')).toBeCloseTo(probabilities[k]!, 6);
      }
    },
  );

  test('of one dense layer is its row of weights, whatever the image', async () => {
    const network = await networkOf([{ type: 'dense', units: 3 }]);
    const weights = network.weights()[0]!.data;
    const { gradients } = await network.gradients(rowsOf(numbers(2 * size, 8)), {
      targets: Int32Array.of(2, 0),
    });
    expect([...gradients.subarray(0, size)]).toEqual([...weights.subarray(2 * size, 3 * size)]);
    expect([...gradients.subarray(size)]).toEqual([...weights.subarray(0, size)]);
  });

  test('of a batch norm and a dense layer is the row times gamma over the running deviation', async () => {
    const network = await networkOf([
      { type: 'batchNorm', epsilon: 0.01 },
      { type: 'dense', units: 3 },
    ]);
    const named = Object.fromEntries(network.weights().map(({ name, data }) => [name, data]));
    const { gradients } = await network.gradients(rowsOf(numbers(size, 8)), { targets: Int32Array.of(1) });
    for (const [at, gradient] of gradients.entries()) {
      const channel = Math.floor(at / 72);
      const scale =
        named['0.batchNorm.gamma']![channel]! /
        Math.sqrt(named['0.batchNorm.runningVariance']![channel]! + 0.01);
      expect(gradient).toBeCloseTo(named['1.dense.weights']![size + at]! * scale, 5);
    }
  });
});

describe('the gradient with respect to a layer', () => {
  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])(
    '%i: its activations are those of prediction, and its sum with small changes of the input agrees',
    async layer => {
      const network = await networkOf(smooth);
      const pixels = numbers(size, 6);
      const targets = Int32Array.of(0);
      const { activations, gradients } = await network.gradients(rowsOf(pixels), { targets, layer });
      const own = await network.activations(rowsOf(pixels), layer);
      expect(activations.length).toBe(own.length);
      for (const [i, value] of own.entries()) expect(activations[i]).toBeCloseTo(value, 5);
      // The chain rule: what the input does to the layer, times the gradient there, is what it does to the class.
      const whole = (await network.gradients(rowsOf(pixels), { targets })).gradients;
      const step = 2e-3;
      for (const at of [3, 40, 77, 120]) {
        const moved = [step, -step].map(by => pixels.map((value, i) => (i === at ? value + by : value)));
        const [up, down] = [
          await network.activations(rowsOf(moved[0]!), layer),
          await network.activations(rowsOf(moved[1]!), layer),
        ];
        const sum = gradients.reduce(
          (all, gradient, i) => all + (gradient * (up[i]! - down[i]!)) / (2 * step),
          0,
        );
        expect(Math.abs(sum - whole[at]!)).toBeLessThan(2e-3);
      }
    },
  );

  test('of the last one is 1 for the class and 0 for the others', async () => {
    const network = await networkOf(stepped);
    const { gradients } = await network.gradients(rowsOf(numbers(size, 1)), {
      targets: Int32Array.of(2),
      layer: 7,
    });
    expect([...gradients]).toEqual([0, 0, 1]);
  });
});

test('asking for gradients changes neither weights nor what training does next', async () => {
  const steps = async (look: boolean) => {
    const network = await networkOf(smooth);
    const batch = { ...rowsOf(numbers(6 * size, 3)), labels: Int32Array.of(0, 1, 2, 0, 1, 2) };
    const settings = {
      loss: { name: 'crossEntropy' as const },
      optimiser: { name: 'adam' as const },
      learningRate: 0.01,
      seed: 4,
    };
    for (let i = 0; i < 2; i++) {
      await network.trainStep({ ...batch, ...settings });
      if (look) await network.gradients(batch, { targets: batch.labels, layer: i });
    }
    return network.state();
  };
  expect(await steps(true)).toEqual(await steps(false));
});

test('a network with a decoder has the gradient of its classes alone', async () => {
  const layers: LayerSpec[] = [
    { type: 'conv', filters: 3, kernel: 3, padding: 'same' },
    { type: 'batchNorm' },
    { type: 'dense', units: 3 },
  ];
  const decoder: NetworkSpec['decoder'] = { from: 1, layers: [{ type: 'conv', filters: 2, kernel: 1 }] };
  const targets = Int32Array.of(1);
  const [plain, joined] = [await networkOf(layers), await networkOf(layers, decoder)];
  const pixels = rowsOf(numbers(size, 2));
  expect((await joined.gradients(pixels, { targets })).gradients).toEqual(
    (await plain.gradients(pixels, { targets })).gradients,
  );
});

test("one image's gradient is the same in any batch", async () => {
  const network = await networkOf(stepped);
  const pixels = numbers(5 * size, 9);
  const all = await network.gradients(rowsOf(pixels), { targets: Int32Array.of(0, 1, 2, 1, 0), layer: 2 });
  const one = await network.gradients(rowsOf(pixels.slice(3 * size, 4 * size)), {
    targets: Int32Array.of(1),
    layer: 2,
  });
  const length = one.gradients.length;
  expect([...all.gradients.subarray(3 * length, 4 * length)]).toEqual([...one.gradients]);
});

test('what cannot be asked for is refused', async () => {
  const network = await networkOf(stepped);
  const pixels = rowsOf(numbers(size, 1));
  for (const options of [
    { targets: Int32Array.of(3) },
    { targets: Int32Array.of(0, 1) },
    { targets: Int32Array.of(0), layer: 8 },
    { targets: Int32Array.of(0), layer: -2 },
    { targets: Int32Array.of(0), of: 'loss' as 'logit' },
  ])
    await expect(network.gradients(pixels, options)).rejects.toMatchObject({ code: 'option-invalid' });
});
