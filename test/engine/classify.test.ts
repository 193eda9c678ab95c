import { expect, test } from 'vitest';
import { ImageSet, type Pixels } from '../../src/engine/imageSet.ts';
import { Network } from '../../src/engine/network.ts';
import type { NetworkSpec } from '../../src/engine/networkSpec.ts';
import { normalisations } from '../../src/engine/normalisation.ts';

const input = { channels: 2, height: 14, width: 11 };
const spec: NetworkSpec = {
  name: 'one',
  input,
  layers: [
    { type: 'conv', filters: 8, kernel: 3 },
    { type: 'maxPool', size: 2 },
    { type: 'relu' },
    { type: 'batchNorm' },
    { type: 'dense', units: 70 },
    { type: 'tanh' },
    { type: 'dense', units: 3 },
  ],
};
const size = 2 * 14 * 11;
const count = 5;
const create = () => new Network(spec, { seed: 3, initialiser: { name: 'heNormal' } });
const values = Array.from({ length: count * size }, (_, i) => (i * 2654435761) % 251);

test.each<[string, Pixels]>([
  ['uint8', Uint8Array.from(values)],
  ['uint16', Uint16Array.from(values, x => 200 * x)],
  ['float32', Float32Array.from(values, x => x / 251)],
])('one image of %s classified at once has the bits that a batch gives it', async (_, pixels) => {
  const network = create();
  const images = ImageSet.from(pixels, input);
  const rows = Int32Array.from({ length: count }, (_, i) => i);
  const probabilities = new Float32Array(3);
  for (const normalisation of normalisations.filter(one => one !== 'session')) {
    const expected = await network.predict({ images, rows, normalisation });
    rows.forEach((_, i) => {
      network.classify(pixels.subarray(i * size, (i + 1) * size), normalisation, probabilities);
      expect(probabilities).toEqual(expected.slice(3 * i, 3 * i + 3));
    });
  }
});

test('one image alone is refused where its session would have to be known', () => {
  const image = Uint8Array.from(values.slice(0, size));
  expect(() => create().classify(image, 'session', new Float32Array(3))).toThrow(/of one session/);
  expect(() => create().embedOne(image, 'session')).toThrow(/of one session/);
});

test('one image sees the weights that were loaded last', () => {
  const [first, second] = [create(), new Network(spec, { seed: 4, initialiser: { name: 'heNormal' } })];
  const [before, after, expected] = [new Float32Array(3), new Float32Array(3), new Float32Array(3)];
  const image = Uint8Array.from(values.slice(0, size));
  first.classify(image, 'mean', before);
  first.load(second.weights());
  first.classify(image, 'mean', after);
  second.classify(image, 'mean', expected);
  expect(after).toEqual(expected);
  expect(after).not.toEqual(before);
});

test('one image of a wrong size or kind, and a wrong place for the result, are refused', () => {
  const network = create();
  const image = new Uint8Array(size);
  const refused = expect.objectContaining({ code: 'option-invalid' });
  expect(() => network.classify(new Uint8Array(size - 1), 'mean', new Float32Array(3))).toThrow(refused);
  expect(() => network.classify(new Int8Array(size) as never, 'mean', new Float32Array(3))).toThrow(refused);
  expect(() => network.classify(image, 'mean', new Float32Array(4))).toThrow(refused);
  expect(() => network.classify(image, 'mean', new Float64Array(3) as never)).toThrow(refused);
  expect(() => network.classify(image, 'median' as never, new Float32Array(3))).toThrow(refused);
});

test('one image waits for nobody: while the network predicts, it is refused', async () => {
  const network = create();
  const image = new Uint8Array(size).fill(7);
  const images = ImageSet.from(image, input);
  const underWay = network.predict({ images, rows: Int32Array.of(0), normalisation: 'mean' });
  const probabilities = new Float32Array(3);
  expect(() => network.classify(image, 'mean', probabilities)).toThrow(
    expect.objectContaining({ code: 'network-busy' }),
  );
  await underWay;
  network.classify(image, 'mean', probabilities);
  expect(probabilities.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5);
});
