// Whole networks against ONNX Runtime: the same weights, exported; two programs that share no code.
import fc from 'fast-check';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { ImageSet } from '../../src/engine/imageSet.ts';
import { Network } from '../../src/engine/network.ts';
import type { LayerSpec, NetworkSpec } from '../../src/engine/networkSpec.ts';
import type { Normalisation } from '../../src/engine/normalisation.ts';
import { cellnet } from '../../src/models/cellnet.ts';
import { cellnetTable1 } from '../../src/models/cellnetTable1.ts';
import { gao2017 } from '../../src/models/gao2017.ts';
import { liu2017 } from '../../src/models/liu2017.ts';
import { exportOnnx } from '../../src/models/onnx.ts';
import { randomImages, randomiseWeights } from './randomWeights.ts';

const paperInput = { channels: 1, height: 128, width: 128 };

const odd: NetworkSpec = {
  name: 'odd',
  input: { channels: 3, height: 37, width: 23 },
  layers: [
    { type: 'conv', filters: 13, kernel: [4, 7], stride: [3, 1], padding: [3, 2, 0, 6], bias: false },
    { type: 'batchNorm', epsilon: 0.01 },
    { type: 'averagePool', size: [3, 2], stride: [2, 1], padding: 'same' },
    { type: 'tanh' },
    { type: 'dense', units: 5 },
  ],
};

describe.each([
  ['cellnet', cellnet(paperInput, 4), 5],
  ['cellnet-table1', cellnetTable1(paperInput, 4), 2],
  ['gao2017', gao2017(paperInput, 16), 5],
  ['liu2017', liu2017({ channels: 1, height: 64, width: 48 }, 4), 3],
  ['an odd network of five layers', odd, 5],
] as const)('%s agrees with ONNX Runtime', (_, spec, count) => {
  test.each<Normalisation>(['mean', 'standardise'])(
    'in its probabilities, normalised by %s in the graph',
    normalisation => compare(spec, count, normalisation, []),
  );

  test('in the output of every layer', () => compare(spec, 2, 'range', [...spec.layers.keys()]));
});

const decoding: NetworkSpec = {
  ...odd,
  decoder: {
    from: 2,
    layers: [
      { type: 'upsample', size: [2, 1] },
      { type: 'sigmoid' },
      { type: 'dense', units: 60 },
      { type: 'relu' },
      { type: 'reshape', shape: [4, 3, 5] },
      { type: 'batchNorm' },
      { type: 'conv', filters: 7, kernel: 3, padding: 'same' },
      { type: 'dense', units: 3 * 37 * 23 },
      { type: 'reshape', shape: [3, 37, 23] },
    ],
  },
};

test.each([
  ['liu2017', liu2017({ channels: 2, height: 32, width: 48 }, 3)],
  ['a network with a reshaping decoder', decoding],
])('the reconstruction of %s agrees with ONNX Runtime', async (_, spec) => {
  const network = new Network(spec, { seed: 3, initialiser: { name: 'heNormal' } });
  randomiseWeights(network, 3);
  const model = exportOnnx(spec, network.weights(), { normalisation: 'mean', reconstruction: true });
  const pixels = randomImages(spec.input, 5, 3, 'uint8');
  const judged = await runOnnx(model, spec, 5, pixels);
  const input = { images: ImageSet.from(pixels, spec.input), rows: Int32Array.of(0, 1, 2, 3, 4) };
  expectClose(await network.reconstruct({ ...input, normalisation: 'mean' }), judged.reconstruction!);
  expectClose(await network.predict({ ...input, normalisation: 'mean' }), judged.probabilities!);
});

test('random small networks agree with ONNX Runtime in every layer', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryNetwork(), fc.nat(1e6), (spec, seed) =>
      compare(spec, 3, 'mean', [...spec.layers.keys()], seed),
    ),
    { numRuns: 150 },
  );
});

test('the same in pixels of 16 bits', () => compare(odd, 4, 'range', [], 1, 'uint16'));

async function compare(
  spec: NetworkSpec,
  count: number,
  normalisation: Normalisation,
  layers: number[],
  seed = 1,
  pixelType: 'uint8' | 'uint16' = 'uint8',
): Promise<void> {
  const network = new Network(spec, { seed, initialiser: { name: 'heNormal' } });
  randomiseWeights(network, seed);
  const model = exportOnnx(spec, network.weights(), { normalisation, pixelType, activations: layers });
  const pixels = randomImages(spec.input, count, seed, pixelType);
  const judged = await runOnnx(model, spec, count, pixels);
  const images = ImageSet.from(pixels, spec.input);
  const input = { images, rows: Int32Array.from({ length: count }, (_, i) => i), normalisation };
  for (const layer of layers) expectClose(await network.activations(input, layer), judged[`layer${layer}`]!);
  const probabilities = await network.predict(input);
  expect(probabilities).toHaveLength(count * network.classes);
  expectClose(probabilities, judged.probabilities!);
  images.close();
  network.dispose();
}

async function runOnnx(
  model: Uint8Array,
  spec: NetworkSpec,
  count: number,
  pixels: Uint8Array | Uint16Array,
) {
  const session = await InferenceSession.create(model, { logSeverityLevel: 3 });
  const { channels, height, width } = spec.input;
  const images = new Tensor('float32', Float32Array.from(pixels), [count, channels, height, width]);
  const results = await session.run({ images });
  await session.release();
  return Object.fromEntries(Object.entries(results).map(([name, one]) => [name, one.data as Float32Array]));
}

/** Within 1e-4 of the largest value, which is at least 1. */
function expectClose(actual: Float32Array, expected: Float32Array): void {
  expect(actual).toHaveLength(expected.length);
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  let worst = 0;
  for (let i = 0; i < actual.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!);
    worst = Number.isNaN(error) ? Number.POSITIVE_INFINITY : Math.max(worst, error);
  }
  expect(worst / largest).toBeLessThan(1e-4);
}

/** Up to five layers of any kind over a small image of one to three channels, ended by a dense layer. */
function arbitraryNetwork(): fc.Arbitrary<NetworkSpec> {
  const input = fc.record({
    channels: fc.integer({ min: 1, max: 3 }),
    height: fc.integer({ min: 1, max: 21 }),
    width: fc.integer({ min: 1, max: 21 }),
  });
  const layers = fc.array(arbitraryLayer(), { maxLength: 5 });
  return fc
    .record({ input, layers, units: fc.integer({ min: 2, max: 6 }) })
    .map(({ input, layers, units }) => ({
      name: 'random',
      input,
      layers: [...layers, { type: 'dense', units }],
    }));
}

function arbitraryLayer(): fc.Arbitrary<LayerSpec> {
  const pair = (most: number): fc.Arbitrary<[number, number]> =>
    fc.tuple(fc.integer({ min: 1, max: most }), fc.integer({ min: 1, max: most }));
  // 'same' always fits; explicit padding of at most one less than the window fits every image of one pixel or more
  // only where it is large, so it is as large as it can be.
  const window = fc.tuple(pair(6), pair(4), fc.boolean()).map(([size, stride, same]) => ({
    size,
    stride,
    padding: same
      ? ('same' as const)
      : ([size[0] - 1, size[0] - 1, size[1] - 1, size[1] - 1] as [number, number, number, number]),
  }));
  return fc.oneof(
    fc.record({ window, filters: fc.integer({ min: 1, max: 9 }), bias: fc.boolean() }).map(
      ({ window: { size, ...rest }, filters, bias }): LayerSpec => ({
        type: 'conv',
        kernel: size,
        filters,
        bias,
        ...rest,
      }),
    ),
    fc
      .tuple(fc.constantFrom('maxPool' as const, 'averagePool' as const), window)
      .map(([type, one]): LayerSpec => ({ type, ...one })),
    fc.constantFrom<LayerSpec>(
      { type: 'batchNorm', epsilon: 0.1 },
      { type: 'relu' },
      { type: 'tanh' },
      { type: 'scaledTanh' },
      { type: 'sigmoid' },
      { type: 'dropout', rate: 0.4 },
    ),
    pair(3).map((size): LayerSpec => ({ type: 'upsample', size })),
    fc.integer({ min: 1, max: 17 }).map((units): LayerSpec => ({ type: 'dense', units })),
  );
}
