// What explaining sees of a network, layer by layer, against ONNX Runtime, which reads the same weights from the exported
// graph and the same stored images.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CnnClassifier } from '../../src/classifiers/cnn.ts';
import { loadClassifier } from '../../src/classifiers/loadClassifier.ts';
import { ImageSet } from '../../src/engine/imageSet.ts';
import { Network } from '../../src/engine/network.ts';
import type { NetworkSpec } from '../../src/engine/networkSpec.ts';
import { chooseOutputs } from '../../src/explain/outputs.ts';
import { reduceOutput } from '../../src/explain/reduce.ts';
import { cellnet } from '../../src/models/cellnet.ts';
import { gao2017 } from '../../src/models/gao2017.ts';
import { saveModel } from '../../src/models/modelFolder.ts';
import { exportOnnx } from '../../src/models/onnx.ts';
import { randomImages, randomiseWeights } from '../engine/randomWeights.ts';

const count = 7;
const rows = Int32Array.of(4, 0, 6, 2);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'brightcell-outputs-'));
});
afterAll(() => rm(folder, { recursive: true }));

const strided: NetworkSpec = {
  name: 'strided',
  input: { channels: 3, height: 37, width: 23 },
  layers: [
    { type: 'conv', filters: 5, kernel: [4, 7], stride: [3, 1], padding: [3, 2, 0, 6], bias: false },
    { type: 'batchNorm' },
    { type: 'averagePool', size: [3, 2], stride: [2, 1], padding: 'same' },
    { type: 'tanh' },
    { type: 'dropout', rate: 0.3 },
    { type: 'dense', units: 4 },
  ],
};

describe.each([
  ['cellnet', cellnet({ channels: 1, height: 128, width: 128 }, 4), 'mean', 'uint8'],
  ['gao2017', gao2017({ channels: 1, height: 64, width: 80 }, 6), 'range', 'uint8'],
  ['a network of three channels in 16 bits', strided, 'standardise', 'uint16'],
] as const)('what the layers of %s give to be embedded', (name, spec, normalisation, pixelType) => {
  test('is what ONNX Runtime has there, for every layer and the input', async () => {
    const path = join(folder, name);
    await save(path, spec, normalisation, pixelType);
    const classifier = (await loadClassifier(path)) as CnnClassifier;
    const pixels = randomImages(spec.input, count, 5, pixelType);
    const images = ImageSet.from(pixels, spec.input);
    const layers = classifier.network.spec.layers;
    const graph = exportOnnx(classifier.network.spec, classifier.network.weights(), {
      ...{ normalisation, pixelType, activations: [...layers.keys()] },
    });
    const judged = await run(graph, spec, pixels);
    const outputs = chooseOutputs(classifier, ['input', ...layers.keys()].map(String));
    expect(outputs).toHaveLength(1 + layers.length);
    for (const [i, output] of outputs.entries()) {
      const given = await output.read(images, rows);
      const expected =
        i === 0 ? await inputOf(spec, { normalisation, pixelType }, pixels) : judged[`layer${i - 1}`]!;
      expectClose(given, expected, output.dimensions, output.name);
      if (output.dimensions > 1) await expectSameDistances(output, images, expected);
    }
    images.close();
    classifier.dispose();
  });
});

type Stored = { normalisation: 'mean' | 'range' | 'standardise'; pixelType: 'uint8' | 'uint16' };

async function save(
  path: string,
  spec: NetworkSpec,
  normalisation: Stored['normalisation'],
  pixelType: Stored['pixelType'],
): Promise<void> {
  const network = new Network(spec, { seed: 2, initialiser: { name: 'heNormal' } });
  randomiseWeights(network, 2);
  const { channels, height, width } = spec.input;
  const description = {
    ...{ formatVersion: 1, kind: 'cnn' as const, normalisation, pixelType, network: network.spec },
    classes: Array.from({ length: network.classes }, (_, k) => `class ${k}`),
    preparation: {
      height,
      width,
      channels: channels === 1 ? ('gray' as const) : [0, 1, 2],
      fit: 'stretch' as const,
    },
  };
  await saveModel(path, description, network.weights());
  network.dispose();
}

/** A graph that shows its normalised input: a window of one pixel with weight 1 on each channel. */
async function inputOf(
  spec: NetworkSpec,
  stored: Stored,
  pixels: Uint8Array | Uint16Array,
): Promise<Float32Array> {
  const { channels, height, width } = spec.input;
  const plain: NetworkSpec = {
    ...{ name: 'input', input: spec.input },
    layers: [
      { type: 'conv', filters: channels, kernel: 1, bias: false },
      { type: 'dense', units: 2 },
    ],
  };
  const weights = Float32Array.from({ length: channels ** 2 }, (_, i) => (i % (channels + 1) === 0 ? 1 : 0));
  const network = new Network(plain, { seed: 0, initialiser: { name: 'heNormal' } });
  const tensors = network.weights().map((one, i) => (i === 0 ? { ...one, data: weights } : one));
  network.dispose();
  const judged = await run(exportOnnx(plain, tensors, { ...stored, activations: [0] }), spec, pixels);
  expect(judged.layer0).toHaveLength(count * channels * height * width);
  return judged.layer0!;
}

async function run(graph: Uint8Array, spec: NetworkSpec, pixels: Uint8Array | Uint16Array) {
  const session = await InferenceSession.create(graph, { logSeverityLevel: 3 });
  const { channels, height, width } = spec.input;
  const images = new Tensor('float32', Float32Array.from(pixels), [count, channels, height, width]);
  const results = await session.run({ images });
  await session.release();
  return Object.fromEntries(Object.entries(results).map(([name, one]) => [name, one.data as Float32Array]));
}

/** Rows as they were asked for, within 1e-4 of the largest value. */
function expectClose(given: Float32Array, all: Float32Array, D: number, name: string): void {
  expect(given, name).toHaveLength(rows.length * D);
  const largest = all.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  let worst = 0;
  for (const [at, row] of rows.entries())
    for (let d = 0; d < D; d++) worst = Math.max(worst, Math.abs(given[at * D + d]! - all[row * D + d]!));
  expect(worst / largest, name).toBeLessThan(1e-4);
}

/** Principal components of all numbers keep the distances of what the judge has. */
async function expectSameDistances(
  output: Parameters<typeof reduceOutput>[0],
  images: ImageSet,
  all: Float32Array,
): Promise<void> {
  const { values, components } = await reduceOutput(output, images, rows);
  const D = output.dimensions;
  const between = (of: Float32Array, length: number, a: number, b: number) =>
    Math.sqrt(
      of
        .subarray(a * length, (a + 1) * length)
        .reduce((sum, x, d) => sum + (x - of[b * length + d]!) ** 2, 0),
    );
  for (const [a, b] of [
    [0, 1],
    [2, 3],
  ] as const) {
    const expected = between(all, D, rows[a]!, rows[b]!);
    expect(Math.abs(between(values, components, a, b) - expected), output.name).toBeLessThan(1e-3 * expected);
  }
}
