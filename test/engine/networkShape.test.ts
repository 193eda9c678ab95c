import fc from 'fast-check';
import { expect, test } from 'vitest';
import { resolveNetwork } from '../../src/engine/networkShape.ts';
import type { DecoderSpec, LayerSpec } from '../../src/engine/networkSpec.ts';

const resolve = (layers: LayerSpec[], side = 16) =>
  resolveNetwork({ name: 'test', input: { channels: 1, height: side, width: side }, layers });
const withHead = (...layers: LayerSpec[]): LayerSpec[] => [...layers, { type: 'dense', units: 2 }];

test("'same' pads as TensorFlow does: the odd row and column at the bottom and right", () => {
  const padding = (kernel: number, stride: number) => [
    ...resolve(withHead({ type: 'conv', filters: 1, kernel, stride, padding: 'same' }), 128).layers[0]!
      .window!,
  ];
  expect(padding(11, 2)).toEqual([11, 11, 2, 2, 4, 5, 4, 5]);
  expect(padding(6, 2)).toEqual([6, 6, 2, 2, 2, 2, 2, 2]);
  expect(padding(6, 1)).toEqual([6, 6, 1, 1, 2, 3, 2, 3]);
  expect(padding(1, 3)).toEqual([1, 1, 3, 3, 0, 0, 0, 0]);
});

test("'same' gives the input's side over the stride, rounded up", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 5 }),
      (side, kernel, stride) => {
        const layers = withHead({ type: 'conv', filters: 3, kernel, stride, padding: 'same' });
        const out = Math.ceil(side / stride);
        expect(resolve(layers, side).outputShapes[0]).toEqual([3, out, out]);
      },
    ),
  );
});

test('a network that cannot be built is refused, naming the layer and what must hold', () => {
  const refused: [LayerSpec[], RegExp][] = [
    [[], /at least one layer/],
    [[{ type: 'conv', filters: 4, kernel: 3 }], /last layer must give a vector/],
    [[{ type: 'dense', units: 1 }], /at least two classes/],
    [withHead({ type: 'relu' }, { type: 'conv', filters: 4, kernel: 17 }), /Layer 1 \(conv\).*17 x 17.*fit/],
    [withHead({ type: 'conv', filters: 0, kernel: 3 }), /Layer 0 \(conv\): filters.*Received 0/],
    [withHead({ type: 'conv', filters: Number.NaN, kernel: 3 }), /filters/],
    [withHead({ type: 'conv', filters: 2, kernel: [3] as never }), /one number or \[rows, columns\]/],
    [withHead({ type: 'conv', filters: 2, kernel: 3, stride: 0 }), /stride/],
    [withHead({ type: 'conv', filters: 2, kernel: 3, padding: [3, 0, 0, 0] }), /padding.*from 0 to 2/],
    [withHead({ type: 'conv', filters: 2, kernel: 3, padding: 'full' as never }), /"same", "valid"/],
    [withHead({ type: 'conv', filters: 2, kernel: 3, dilation: 2 } as never), /"dilation" is not an option/],
    [withHead({ type: 'maxPool', size: 17, padding: 'same' }), /at most 256 positions/],
    [withHead({ type: 'dropout', rate: 1 }), /rate must be at least 0 and less than 1/],
    [withHead({ type: 'batchNorm', epsilon: 0 }), /epsilon/],
    [withHead({ type: 'batchNorm', decay: 1 }), /decay/],
    [withHead({ type: 'softmax' } as never), /type must be one of conv, maxPool/],
    [withHead({ type: 'dense', units: 1 << 20 }, { type: 'dense', units: 1 << 20 }), /at most 500000000/],
  ];
  for (const [layers, message] of refused)
    expect(() => resolve(layers)).toThrow(
      expect.objectContaining({ code: 'network-invalid', message: expect.stringMatching(message) }),
    );
});

test('an input of no pixels is refused', () => {
  expect(() => resolve(withHead(), 0)).toThrow(/1 x 0 x 0/);
});

test('a decoder must give the shape of the input, from a layer that is not the last', () => {
  const resolveWith = (decoder: DecoderSpec) =>
    resolveNetwork({
      name: 'test',
      input: { channels: 1, height: 16, width: 16 },
      layers: withHead({ type: 'conv', filters: 3, kernel: 1, stride: 2 }),
      decoder,
    });
  const upsample: LayerSpec = { type: 'upsample', size: 2 };
  const conv: LayerSpec = { type: 'conv', filters: 1, kernel: 1 };
  expect(resolveWith({ from: 0, layers: [upsample, conv] }).decoder!.outputShapes).toEqual([
    [3, 16, 16],
    [1, 16, 16],
  ]);
  const refused: [DecoderSpec, RegExp][] = [
    [{ from: 1, layers: [conv] }, /"from" must be a layer from 0 to 0.*Received 1/],
    [{ from: 0.5, layers: [conv] }, /"from" must be/],
    [{ from: 0, layers: [] }, /at least one layer/],
    [{ from: 0, layers: [upsample] }, /shape of the input, 1 x 16 x 16. It gives 3 x 16 x 16/],
    [{ from: 0, layers: [upsample, { type: 'conv', filters: 1, kernel: 17 }] }, /decoder's layer 1 \(conv\)/],
    [{ from: 0, layers: [{ type: 'reshape', shape: [1, 16, 16] }] }, /hold the 192 numbers/],
    [{ from: 0, layers: [{ type: 'upsample', size: 0 }] }, /size must be a whole number/],
  ];
  for (const [decoder, message] of refused)
    expect(() => resolveWith(decoder)).toThrow(
      expect.objectContaining({ code: 'network-invalid', message: expect.stringMatching(message) }),
    );
});
