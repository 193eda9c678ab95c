import { InferenceSession, Tensor } from 'onnxruntime-node';
import { expect, test } from 'vitest';
import type { LayerSpec, NetworkSpec } from '../../src/engine/networkSpec.ts';
import type { NamedTensor } from '../../src/engine/networkState.ts';
import type { Normalisation } from '../../src/engine/normalisation.ts';
import { exportOnnx, type OnnxOptions } from '../../src/models/onnx.ts';
import { encodeMessage } from '../../src/models/protobuf.ts';

test('protobuf fields have the bytes that the wire format gives', () => {
  // The examples of the Protocol Buffers encoding guide: 150 as field 1, "testing" as field 2.
  expect([...encodeMessage([[1, 150n]])]).toEqual([0x08, 0x96, 0x01]);
  expect(Buffer.from(encodeMessage([[2, 'testing']])).toString('hex')).toBe('120774657374696e67');
  expect(Buffer.from(encodeMessage([[1, -1n]])).toString('hex')).toBe('08ffffffffffffffffff01');
  expect(Buffer.from(encodeMessage([[2, { float: 1 }]])).toString('hex')).toBe('150000803f');
  expect(encodeMessage([[1, undefined]])).toHaveLength(0);
});

test('a dense layer on two pixels gives the softmax of its logits', async () => {
  const tensors = [
    { name: '0.dense.weights', shape: [3, 2], data: Float32Array.of(1, 0, 0, 1, 1, 1) },
    { name: '0.dense.bias', shape: [3], data: Float32Array.of(0, 0.5, -1) },
  ];
  const { probabilities } = await run(network([1, 1, 2], [{ type: 'dense', units: 3 }]), tensors, [2, 3]);
  expectClose(probabilities, softmax([2, 3.5, 4]));
});

test('a temperature divides the logits, and one that is not above 0 is refused', async () => {
  const tensors = [{ name: '0.dense.weights', shape: [3, 2], data: Float32Array.of(1, 0, 0, 1, 1, 1) }];
  const spec = network([1, 1, 2], [{ type: 'dense', units: 3, bias: false }]);
  const { probabilities } = await run(spec, tensors, [2, 3], { temperature: 2.5 });
  expectClose(probabilities, softmax([2 / 2.5, 3 / 2.5, 5 / 2.5]));
  for (const temperature of [0, -1, Number.NaN]) {
    expect(() => exportOnnx(spec, tensors, { temperature })).toThrow(
      expect.objectContaining({ code: 'option-invalid' }),
    );
  }
});

test('every activation, batch norm and inner outputs have their formulas', async () => {
  const layers: LayerSpec[] = [
    { type: 'batchNorm', epsilon: 0.5 },
    { type: 'relu' },
    { type: 'tanh' },
    { type: 'scaledTanh' },
    { type: 'dropout', rate: 0.5 },
  ];
  const tensors = [
    { name: '0.batchNorm.gamma', shape: [2], data: Float32Array.of(2, 3) },
    { name: '0.batchNorm.beta', shape: [2], data: Float32Array.of(0.25, -0.5) },
    { name: '0.batchNorm.runningMean', shape: [2], data: Float32Array.of(1, 2) },
    { name: '0.batchNorm.runningVariance', shape: [2], data: Float32Array.of(0.5, 3.5) },
  ];
  const given = await run(network([2, 1, 1], layers), tensors, [1.5, 3], { activations: [0, 1, 2, 3, 4] });
  const normed = [2 * 0.5 + 0.25, (3 * 1) / 2 - 0.5];
  const tanh = normed.map(Math.tanh);
  const scaled = tanh.map(x => 1.7159 * Math.tanh((2 / 3) * x));
  expectClose(given.layer0, normed);
  expectClose(given.layer1, normed);
  expectClose(given.layer2, tanh);
  expectClose(given.layer3, scaled);
  expectClose(given.layer4, scaled);
  expectClose(given.probabilities, softmax(scaled));
});

const head: LayerSpec = { type: 'dense', units: 2, bias: false };
const headOf = (inputs: number) => ({
  name: '1.dense.weights',
  shape: [2, inputs],
  data: new Float32Array(2 * inputs),
});

test("'same' puts the odd row and column at the bottom and right, and pools leave padding out", async () => {
  const ones = (name: string) => ({ name, shape: [1, 1, 2, 2], data: new Float32Array(4).fill(1) });
  const image = [1, 2, 3, 4, 5, 6, 7, 8, 9];
  const conv: LayerSpec = { type: 'conv', filters: 1, kernel: 2, padding: 'same', bias: false };
  const pool: LayerSpec = { type: 'averagePool', size: 2, padding: 'same' };
  const given = await run(network([1, 3, 3], [conv, head]), [ones('0.conv.weights'), headOf(9)], image, {
    activations: [0],
  });
  expectClose(given.layer0, [12, 16, 9, 24, 28, 15, 15, 17, 9]);
  const pooled = await run(network([1, 3, 3], [pool, head]), [headOf(4)], image, { activations: [0] });
  expectClose(pooled.layer0, [3, 4.5, 7.5, 9]);
});

test('explicit padding is top, bottom, left, right', async () => {
  const conv: LayerSpec = { type: 'conv', filters: 1, kernel: [2, 3], padding: [1, 0, 2, 0], bias: false };
  const ramp = { name: '0.conv.weights', shape: [1, 1, 2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) };
  const given = await run(network([1, 1, 1], [conv, head]), [ramp, headOf(1)], [7], { activations: [0] });
  expectClose(given.layer0, [42]);
});

test.each<[Normalisation, number[], number[]]>([
  ['none', [10, 30], [10, 30]],
  ['range', [51, 255], [0.2, 1]],
  ['mean', [10, 30], [-0.5, 0.5]],
  ['standardise', [10, 30], [-1, 1]],
  ['mean', [0, 0], [-1, -1]],
  ['standardise', [9, 9], [0, 0]],
])('the normalisation %s is in the graph when asked for', async (normalisation, pixels, expected) => {
  const given = await run(network([2, 1, 1], [{ type: 'dropout', rate: 0 }]), [], pixels, {
    normalisation,
    activations: [0],
  });
  expectClose(given.layer0, expected);
});

test.each([
  [20, [-1, 1]],
  [0, [-10 / 255e-6, 10 / 255e-6]],
])('the normalisation session takes the light as an input: contrast %d', async (contrast, expected) => {
  const options: OnnxOptions = { normalisation: 'session', activations: [0] };
  const spec = network([2, 1, 1], [{ type: 'dropout', rate: 0 }]);
  const { layer0 } = await run(spec, [], [10, 30], options, [20, contrast / 2]);
  expect([...layer0!]).toEqual(expected.map(value => expect.closeTo(value, 1)));
});

test('a layer after a dense one sees one position', async () => {
  const layers: LayerSpec[] = [
    { type: 'dense', units: 2, bias: false },
    { type: 'conv', filters: 2, kernel: 1, bias: false },
  ];
  const tensors = [
    { name: '0.dense.weights', shape: [2, 1], data: Float32Array.of(1, 2) },
    { name: '1.conv.weights', shape: [2, 2, 1, 1], data: Float32Array.of(0, 1, 1, 0) },
  ];
  const { probabilities } = await run(network([1, 1, 1], layers), tensors, [1]);
  expectClose(probabilities, softmax([2, 1]));
});

test('a missing tensor and a layer that is not there are named', () => {
  const spec = network([1, 1, 2], [{ type: 'dense', units: 3 }]);
  expect(() => exportOnnx(spec, [])).toThrow(expect.objectContaining({ code: 'model-corrupt' }));
  const norm = network([2, 1, 1], [{ type: 'relu' }]);
  expect(() => exportOnnx(norm, [], { activations: [1] })).toThrow(
    expect.objectContaining({ code: 'option-invalid' }),
  );
});

function network([channels, height, width]: [number, number, number], layers: LayerSpec[]): NetworkSpec {
  return { name: 'tiny', input: { channels, height, width }, layers };
}

/** Outputs by name of the exported network on one image, by ONNX Runtime. */
async function run(
  spec: NetworkSpec,
  tensors: NamedTensor[],
  image: number[],
  options: OnnxOptions = {},
  light?: number[],
) {
  const session = await InferenceSession.create(exportOnnx(spec, tensors, options));
  const { channels, height, width } = spec.input;
  const images = new Tensor('float32', Float32Array.from(image), [1, channels, height, width]);
  const more = light && { light: new Tensor('float32', Float32Array.from(light), [1, 2]) };
  const results = await session.run({ images, ...more });
  return Object.fromEntries(Object.entries(results).map(([name, one]) => [name, one.data as Float32Array]));
}

function softmax(logits: number[]): number[] {
  const powers = logits.map(Math.exp);
  return powers.map(power => power / powers.reduce((a, b) => a + b));
}

function expectClose(actual: Float32Array | undefined, expected: number[]): void {
  expect([...actual!]).toEqual(expected.map(value => expect.closeTo(value, 5)));
}
