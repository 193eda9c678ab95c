import { BrightcellError } from '../errors.ts';
import type { DecoderSpec, Extent, LayerSpec, NetworkSpec, Padding } from './networkSpec.ts';

/** [C, H, W]. */
export type MapShape = [number, number, number];

/** A layer with every default filled in, as the native core takes it. */
export interface ResolvedLayer {
  type: LayerSpec['type'];
  /** Filters of a convolution, units of a dense layer. */
  units?: number;
  bias?: boolean;
  /** Height, width, stride down, stride right, then padding top, bottom, left, right. */
  window?: Int32Array;
  decay?: number;
  epsilon?: number;
  rate?: number;
  /** Of an upsampling: rows and columns for each. */
  times?: Int32Array;
  /** Of a reshape: [C, H, W]. */
  shape?: Int32Array;
}

interface ResolvedLayers {
  layers: ResolvedLayer[];
  outputShapes: MapShape[];
}

export interface ResolvedNetwork extends ResolvedLayers {
  decoder?: ResolvedLayers & { from: number };
}

/**
 * Fills in the defaults of a network and works out the shape [C, H, W] of every layer's output. Throws
 * `network-invalid`, naming the layer, where a value is out of its range or a window is larger than its input, and
 * where the last layer does not give a vector of at least two numbers, or the decoder's last not the input's shape.
 */
export function resolveNetwork(spec: NetworkSpec): ResolvedNetwork {
  const input = readInput(spec);
  if (!Array.isArray(spec.layers) || spec.layers.length === 0)
    throw new BrightcellError(
      'network-invalid',
      'A network must have at least one layer in "layers". Received none.',
    );
  const { layers, outputShapes } = resolveLayers(spec.layers, input, '');
  const shape = outputShapes.at(-1)!;
  if (shape[1] !== 1 || shape[2] !== 1 || shape[0] < 2)
    throw new BrightcellError(
      'network-invalid',
      `The last layer must give a vector of at least two classes (K x 1 x 1). Layer ${layers.length - 1} ` +
        `(${layers.at(-1)?.type}) gives ${shape.join(' x ')}. End the network with a dense layer of K units.`,
    );
  if (spec.decoder === undefined) return { layers, outputShapes };
  return { layers, outputShapes, decoder: resolveDecoder(spec.decoder, input, outputShapes) };
}

function resolveLayers(specs: LayerSpec[], input: MapShape, before: string): ResolvedLayers {
  const layers: ResolvedLayer[] = [];
  const outputShapes: MapShape[] = [];
  let shape = input;
  let numbers = 0;
  specs.forEach((layer, index) => {
    const place = new Place(index, layer, before);
    const resolved = resolveLayer(layer, shape, place);
    numbers += countWeights(resolved, shape);
    if (numbers > mostWeights)
      place.fail(
        `the network must have at most ${mostWeights} weights. This layer brings them to ${numbers}. ` +
          'Pool before dense layers, or use fewer units.',
      );
    shape = outputOf(resolved, shape, place);
    layers.push(resolved);
    outputShapes.push(shape);
  });
  return { layers, outputShapes };
}

function resolveDecoder(decoder: DecoderSpec, input: MapShape, outputs: MapShape[]) {
  const { from, layers } = decoder;
  if (!Number.isInteger(from) || from < 0 || from > outputs.length - 2)
    throw new BrightcellError(
      'network-invalid',
      `The decoder's "from" must be a layer from 0 to ${outputs.length - 2}, not the last. Received ${show(from)}.`,
    );
  if (!Array.isArray(layers) || layers.length === 0)
    throw new BrightcellError(
      'network-invalid',
      'A decoder must have at least one layer in "layers". Received none.',
    );
  const resolved = resolveLayers(layers, outputs[from]!, "decoder's ");
  const last = resolved.outputShapes.at(-1)!;
  if (last.join() !== input.join())
    throw new BrightcellError(
      'network-invalid',
      `The decoder's last layer must give the shape of the input, ${input.join(' x ')}. It gives ${last.join(' x ')}.`,
    );
  return { from, ...resolved };
}

const mostWeights = 500_000_000;

function countWeights(layer: ResolvedLayer, [channels, height, width]: MapShape): number {
  if (layer.type === 'dense') return layer.units! * channels * height * width;
  return layer.type === 'conv' ? layer.units! * channels * layer.window![0]! * layer.window![1]! : 0;
}

/** Names a layer in messages. */
class Place {
  private readonly index: number;
  private readonly type: string;
  private readonly before: string;

  constructor(index: number, layer: LayerSpec, before: string) {
    this.index = index;
    this.before = before;
    this.type = layer?.type;
  }

  fail(message: string): never {
    const name = this.before === '' ? 'Layer' : `The ${this.before}layer`;
    throw new BrightcellError('network-invalid', `${name} ${this.index} (${this.type}): ${message}`, {
      fields: { layer: this.index },
    });
  }

  whole(name: string, value: unknown, least: number, most = 1 << 20): number {
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
    this.fail(`${name} must be a whole number from ${least} to ${most}. Received ${show(value)}.`);
  }

  flag(name: string, value: unknown, fallback: boolean): boolean {
    if (value === undefined) return fallback;
    if (typeof value === 'boolean') return value;
    this.fail(`${name} must be true or false. Received ${show(value)}.`);
  }

  below(name: string, value: unknown, least: number, limit: number): number {
    if (typeof value === 'number' && value >= least && value < limit) return value;
    this.fail(`${name} must be at least ${least} and less than ${limit}. Received ${show(value)}.`);
  }

  pair(name: string, value: Extent | undefined, fallback?: [number, number]): [number, number] {
    if (value === undefined && fallback) return fallback;
    if (!Array.isArray(value)) return [this.whole(name, value, 1), this.whole(name, value, 1)];
    if (value.length !== 2)
      this.fail(`${name} must be one number or [rows, columns]. Received ${show(value)}.`);
    return [this.whole(name, value[0], 1), this.whole(name, value[1], 1)];
  }
}

const show = (value: unknown) => (value === undefined ? 'nothing' : (JSON.stringify(value) ?? String(value)));

const fields: Record<LayerSpec['type'], string[]> = {
  conv: ['filters', 'kernel', 'stride', 'padding', 'bias'],
  maxPool: ['size', 'stride', 'padding'],
  averagePool: ['size', 'stride', 'padding'],
  batchNorm: ['decay', 'epsilon'],
  dense: ['units', 'bias'],
  dropout: ['rate'],
  upsample: ['size'],
  reshape: ['shape'],
  relu: [],
  tanh: [],
  scaledTanh: [],
  sigmoid: [],
};

function readInput(spec: NetworkSpec): MapShape {
  const { channels, height, width } = spec.input ?? {};
  for (const value of [channels, height, width])
    if (!Number.isInteger(value) || value < 1 || value > 20_000)
      throw new BrightcellError(
        'network-invalid',
        'The input of a network must have whole numbers of channels, height and width from 1 to 20000. ' +
          `Received ${show(channels)} x ${show(height)} x ${show(width)}.`,
      );
  return [channels, height, width];
}

function resolveLayer(layer: LayerSpec, shape: MapShape, place: Place): ResolvedLayer {
  const known = fields[layer?.type];
  if (!known) place.fail(`the type must be one of ${Object.keys(fields).join(', ')}.`);
  for (const name of Object.keys(layer))
    if (name !== 'type' && !known.includes(name))
      place.fail(`"${name}" is not an option of this layer. It has ${known.join(', ') || 'none'}.`);
  switch (layer.type) {
    case 'conv': {
      const window = resolveWindow(layer.kernel, layer.stride ?? 1, layer.padding, shape, place, 'kernel');
      const units = place.whole('filters', layer.filters, 1);
      return { type: layer.type, units, bias: place.flag('bias', layer.bias, true), window };
    }
    case 'maxPool':
    case 'averagePool': {
      const size = place.pair('size', layer.size);
      const window = resolveWindow(size, layer.stride ?? size, layer.padding, shape, place, 'size');
      if (layer.type === 'maxPool' && size[0] * size[1] > 256)
        place.fail(`a window has at most 256 positions. Received ${size.join(' x ')}; pool in two layers.`);
      return { type: layer.type, window };
    }
    case 'batchNorm':
      return {
        type: layer.type,
        decay: place.below('decay', layer.decay ?? 0.99, 0, 1),
        epsilon: place.below('epsilon', layer.epsilon ?? 0.001, 1e-12, 1),
      };
    case 'dense':
      return {
        type: layer.type,
        units: place.whole('units', layer.units, 1),
        bias: place.flag('bias', layer.bias, true),
      };
    case 'dropout':
      return { type: layer.type, rate: place.below('rate', layer.rate, 0, 1) };
    case 'upsample':
      return { type: layer.type, times: Int32Array.from(place.pair('size', layer.size)) };
    case 'reshape':
      return { type: layer.type, shape: Int32Array.from(resolveShape(layer.shape, shape, place)) };
    default:
      return { type: layer.type };
  }
}

function resolveShape(wanted: unknown, given: MapShape, place: Place): number[] {
  if (!Array.isArray(wanted) || wanted.length !== 3)
    place.fail(`shape must be [channels, rows, columns]. Received ${show(wanted)}.`);
  const shape = wanted.map(side => place.whole('a side of the shape', side, 1));
  const [numbers, there] = [shape, given].map(sides => sides.reduce((product, side) => product * side));
  if (numbers === there) return shape;
  place.fail(`shape must hold the ${there} numbers that reach it. Received ${shape.join(' x ')}.`);
}

function resolveWindow(
  extent: Extent,
  stride: Extent,
  padding: Padding | undefined,
  shape: MapShape,
  place: Place,
  name: string,
): Int32Array {
  const size = place.pair(name, extent);
  const step = place.pair('stride', stride);
  const sides = resolvePadding(padding ?? 'valid', size, step, shape, place);
  for (const axis of [0, 1] as const) {
    const padded = shape[axis + 1]! + sides[2 * axis]! + sides[2 * axis + 1]!;
    if (padded < size[axis])
      place.fail(
        `the ${name} (${size.join(' x ')}) must fit into the padded input. The input is ${shape[1]} x ${shape[2]}, ` +
          `padded to ${padded} ${axis === 0 ? 'rows' : 'columns'}. Make it smaller, or pad with "same".`,
      );
  }
  return Int32Array.of(...size, ...step, ...sides);
}

/** [top, bottom, left, right]. */
function resolvePadding(
  padding: Padding,
  size: [number, number],
  step: [number, number],
  shape: MapShape,
  place: Place,
): number[] {
  if (padding === 'valid') return [0, 0, 0, 0];
  if (padding === 'same') {
    return [0, 1].flatMap(axis => {
      const length = shape[axis + 1]!;
      const reach = (Math.ceil(length / step[axis]!) - 1) * step[axis]! + size[axis]!;
      const total = Math.max(0, reach - length);
      return [Math.floor(total / 2), Math.ceil(total / 2)];
    });
  }
  if (!Array.isArray(padding) || padding.length !== 4)
    place.fail(`padding must be "same", "valid" or [top, bottom, left, right]. Received ${show(padding)}.`);
  return padding.map((side, i) =>
    place.whole('padding, which is less than the window,', side, 0, size[i >> 1]! - 1),
  );
}

function outputOf(layer: ResolvedLayer, [channels, height, width]: MapShape, place: Place): MapShape {
  if (layer.type === 'dense') return [layer.units!, 1, 1];
  if (layer.shape) return [...layer.shape] as MapShape;
  const shape = layer.times
    ? ([channels, height * layer.times[0]!, width * layer.times[1]!] as MapShape)
    : slide(layer, [channels, height, width]);
  if (shape[0] * shape[1] * shape[2] > 2 ** 28)
    place.fail(`an output of ${shape.join(' x ')} is larger than 268435456 numbers an image.`);
  return shape;
}

function slide({ units, window }: ResolvedLayer, [channels, height, width]: MapShape): MapShape {
  if (!window) return [channels, height, width];
  const [h, w, down, right, top, bottom, left, end] = window as unknown as number[];
  return [
    units ?? channels,
    Math.floor((height + top! + bottom! - h!) / down!) + 1,
    Math.floor((width + left! + end! - w!) / right!) + 1,
  ];
}
