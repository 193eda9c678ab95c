// A network that classifies and reconstructs at once. The mathematics is checked in native/test, and against ONNX Runtime
// in judgeOnnx.test.ts.
import { afterEach, expect, test } from 'vitest';
import { ImageSet } from '../../src/engine/imageSet.ts';
import { Network } from '../../src/engine/network.ts';
import type { TrainStep } from '../../src/engine/networkInput.ts';
import type { NetworkSpec } from '../../src/engine/networkSpec.ts';
import { getThreads, setThreads } from '../../src/engine/threads.ts';

const spec: NetworkSpec = {
  name: 'both',
  input: { channels: 1, height: 16, width: 12 },
  layers: [
    { type: 'conv', filters: 8, kernel: 3, padding: 'same' },
    { type: 'relu' },
    { type: 'maxPool', size: 2 },
    { type: 'batchNorm' },
    { type: 'dense', units: 2 },
  ],
  decoder: {
    from: 3,
    layers: [
      { type: 'upsample', size: 2 },
      { type: 'conv', filters: 1, kernel: 3, padding: 'same' },
    ],
  },
};
const { decoder: _decoder, ...plain } = spec;

// A bright square in the upper or the lower half.
const count = 32;
const size = 16 * 12;
const labels = Int32Array.from({ length: count }, (_, i) => i % 2);
const pixels = Uint8Array.from({ length: count * size }, (_, at) => {
  const [y, x] = [Math.floor((at % size) / 12), at % 12];
  const place = Math.floor(at / size);
  const top = 9 * labels[place]! + (place % 3);
  const left = (place * 5) % 8;
  return y >= top && y < top + 4 && x >= left && x < left + 4 ? 220 : 40 + ((at * 7) % 11);
});
const images = ImageSet.from(pixels, spec.input);
const rows = Int32Array.from({ length: count }, (_, i) => i);
const input = { images, rows, normalisation: 'standardise' } as const;
const step = (changes: Partial<TrainStep> = {}): TrainStep => ({
  ...input,
  labels,
  loss: { name: 'crossEntropy' },
  optimiser: { name: 'adam' },
  learningRate: 0.01,
  ...changes,
});
const create = (network: NetworkSpec = spec) =>
  new Network(network, { seed: 1, initialiser: { name: 'heNormal' } });

const threads = getThreads();
afterEach(() => setThreads(threads));

test('classes and images are learned at once, and the loss told is that of the reconstructions', async () => {
  const network = create();
  const first = await network.trainStep(step());
  let last = first;
  for (let i = 0; i < 150; i++) last = await network.trainStep(step());
  expect(first.reconstructionLoss).toBeGreaterThan(0.8);
  expect(last.reconstructionLoss).toBeLessThan(0.1);
  expect(last.correct).toBe(count);
  const seen = await images.load(rows, 'standardise');
  const made = await network.reconstruct(input);
  const square = made.reduce((sum, value, i) => sum + (value - seen[i]!) ** 2, 0) / made.length;
  expect(square).toBeLessThan(0.15);
});

test('the decoder changes what is learned but not how a network classifies', async () => {
  const [both, alone] = [create(), create(plain)];
  expect(alone.weights()).toEqual(both.weights().slice(0, alone.weights().length));
  expect(await both.predict(input)).toEqual(await alone.predict(input));
  const { reconstructionLoss, gradientNorm, ...classes } = await both.trainStep(step());
  const { gradientNorm: ofClasses, ...expected } = await alone.trainStep(step());
  expect(classes).toEqual(expected);
  expect(reconstructionLoss).toBeGreaterThan(0);
  expect(gradientNorm).toBeGreaterThan(ofClasses);
  expect(await both.predict(input)).not.toEqual(await alone.predict(input));
});

test('a weight near zero leaves the gradient of the classes alone', async () => {
  const [faint, alone] = [create(), create(plain)];
  const { gradientNorm } = await faint.trainStep(step({ reconstructionWeight: 1e-7 }));
  expect(gradientNorm).toBeCloseTo((await alone.trainStep(step())).gradientNorm, 5);
});

test('training and reconstructions have the same bits on any number of threads and in any batch', async () => {
  const [one, many] = [create(), create()];
  setThreads(1);
  for (let i = 0; i < 3; i++) await one.trainStep(step({ seed: i }));
  const expected = await one.reconstruct(input);
  setThreads(5);
  for (let i = 0; i < 3; i++) await many.trainStep(step({ seed: i }));
  expect(many.state()).toEqual(one.state());
  expect(await many.reconstruct(input)).toEqual(expected);
  const single = await many.reconstruct({ ...input, rows: Int32Array.of(7) });
  expect(single).toEqual(expected.slice(7 * size, 8 * size));
});

test("one image's class has the bits of the batch", async () => {
  const network = create();
  await network.trainStep(step());
  const probabilities = new Float32Array(2);
  network.classify(images.read(5), 'standardise', probabilities);
  expect(probabilities).toEqual((await network.predict(input)).slice(10, 12));
});

test('a profile tells the blocks of the decoder after the others', async () => {
  const { blocks } = await create().profile(step());
  expect(blocks.map(({ layer }) => layer)).toEqual([0, 3, 4, 5, 6]);
  expect(blocks.at(-1)!.passes.backward.seconds).toBeGreaterThan(0);
});

test('what needs a decoder is refused without one, and a weight out of its range', async () => {
  const refusal = { code: 'option-invalid', message: expect.stringMatching(/decoder/) };
  await expect(create(plain).reconstruct(input)).rejects.toMatchObject(refusal);
  await expect(create(plain).trainStep(step({ reconstructionWeight: 2 }))).rejects.toMatchObject(refusal);
  for (const reconstructionWeight of [0, -1, Number.NaN])
    await expect(create().trainStep(step({ reconstructionWeight }))).rejects.toMatchObject({
      code: 'option-invalid',
      message: expect.stringMatching(/reconstructionWeight/),
    });
});
