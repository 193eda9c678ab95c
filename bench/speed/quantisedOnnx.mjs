// A network as an ONNX model of 8 bits, as ONNX Runtime runs fastest on processors with VNNI: maps unsigned with one
// scale a tensor, weights signed with one scale a filter, sums in 32 bits. Scales come from the largest values on
// calibration images. Takes conv (then maxPool, relu), batchNorm, dense and relu, which is what the compared networks
// are made of. Field numbers are those of onnx.proto.
import { resolveNetwork } from '../../dist/engine/networkShape.js';
import { encodeMessage } from '../../dist/models/protobuf.js';

const float = 1n;
const uint8 = 2n;
const int8 = 3n;
const int32 = 6n;

/** `input`: calibration images and rows as Network.activations takes them. */
export async function exportQuantised(spec, network, input) {
  const tensors = new Map(network.weights().map(tensor => [tensor.name, tensor]));
  const graph = new Graph();
  const { layers } = resolveNetwork(spec);
  const ranges = await measureRanges(spec, network, input);
  let at = graph.quantise('images', { low: -1, high: 1.5 }, 'images.q');
  for (const [index, layer] of layers.entries()) {
    const name = `${index}.${layer.type}`;
    const weights = what => tensors.get(`${name}.${what}`);
    if (layer.type === 'conv') {
      // A following max pool and ReLU only clip what is below zero: the result's scale starts there.
      at = graph.conv(at, weights('weights'), weights('bias'), layer.window, rangeAfter(layers, ranges, index), name);
    } else if (layer.type === 'maxPool') {
      at = { ...at, name: graph.add('MaxPool', [at.name], name, windowAttributes(layer.window)) };
    } else if (layer.type === 'batchNorm') {
      const what = ['gamma', 'beta', 'runningMean', 'runningVariance'].map(weights);
      at = graph.batchNorm(at, what, layer.epsilon, ranges[index], name);
    } else if (layer.type === 'dense') {
      const last = index === layers.length - 1;
      at = graph.dense(at, weights('weights'), weights('bias'), last ? undefined : rangeAfter(layers, ranges, index), name);
    } else if (layer.type !== 'relu') {
      throw new Error(`The quantised peer has no layer ${layer.type}.`);
    }
  }
  graph.add('Softmax', [at.name], 'probabilities', [intAttribute('axis', 1)]);
  return graph.encode(spec.input);
}

/** { low, high } of every layer's output. */
async function measureRanges(spec, network, input) {
  const ranges = [];
  for (const layer of spec.layers.keys()) {
    const range = { low: 0, high: 1e-6 };
    for (const value of await network.activations(input, layer)) {
      range.low = Math.min(range.low, value);
      range.high = Math.max(range.high, value);
    }
    ranges.push(range);
  }
  return ranges;
}

/** Range of the last of the max pool and ReLU that follow a layer. */
function rangeAfter(layers, ranges, index) {
  let last = index;
  while (['maxPool', 'relu'].includes(layers[last + 1]?.type)) last++;
  return ranges[last];
}

class Graph {
  nodes = [];
  initialisers = [];

  add(operation, inputs, output, attributes = [], domain = undefined) {
    this.nodes.push(
      encodeMessage([
        [1, inputs],
        [2, output],
        [3, output],
        [4, operation],
        [5, attributes],
        [7, domain],
      ]),
    );
    return output;
  }

  constant(name, type, shape, data) {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.initialisers.push(
      encodeMessage([
        [1, shape.map(BigInt)],
        [2, type],
        [8, name],
        [9, bytes],
      ]),
    );
    return name;
  }

  /** Scale and zero point of a map of 8 bits: [names of both, scale]. */
  scaleOf({ low, high }, name) {
    const scale = (high - low) / 255;
    return {
      scale,
      inputs: [
        this.constant(`${name}.scale`, float, [], Float32Array.of(scale)),
        this.constant(`${name}.zero`, uint8, [], Uint8Array.of(Math.round(-low / scale))),
      ],
    };
  }

  quantise(src, range, name) {
    const { scale, inputs } = this.scaleOf(range, name);
    return { name: this.add('QuantizeLinear', [src, ...inputs], name), scale, inputs };
  }

  conv(src, weights, bias, window, range, name) {
    const filter = this.weights(weights, bias, src.scale, name);
    const { scale, inputs } = this.scaleOf(range, name);
    const all = [src.name, ...src.inputs, ...filter.weights, ...inputs, ...filter.bias];
    return { name: this.add('QLinearConv', all, name, windowAttributes(window)), scale, inputs };
  }

  /** Without a range the result is float32. */
  dense(src, weights, bias, range, name) {
    const filter = this.weights(weights, bias, src.scale, name);
    const flat = this.add('Flatten', [src.name], `${name}.flat`, [intAttribute('axis', 1)]);
    const result = range ? this.scaleOf(range, name) : { inputs: [] };
    const all = [flat, ...src.inputs, ...filter.weights, ...(filter.bias.length ? filter.bias : ['']), ...result.inputs];
    return { name: this.add('QGemm', all, name, [intAttribute('transB', 1)], 'com.microsoft'), ...result };
  }

  /** Its scale and shift are float32: no operation on 8 bits has one a channel. */
  batchNorm(src, parameters, epsilon, range, name) {
    const plain = this.add('DequantizeLinear', [src.name, ...src.inputs], `${name}.plain`);
    const names = parameters.map(one => this.constant(one.name, float, one.shape, one.data));
    const epsilonAttribute = attribute('epsilon', 1n, [2, { float: epsilon }]);
    const result = this.add('BatchNormalization', [plain, ...names], `${name}.float`, [epsilonAttribute]);
    return this.quantise(result, range, name);
  }

  weights(tensor, bias, sourceScale, name) {
    const [filters] = tensor.shape;
    const each = tensor.data.length / filters;
    const scales = new Float32Array(filters);
    const values = new Int8Array(tensor.data.length);
    for (let f = 0; f < filters; f++) {
      const row = tensor.data.subarray(f * each, (f + 1) * each);
      scales[f] = Math.max(row.reduce((most, value) => Math.max(most, Math.abs(value)), 0), 1e-12) / 127;
      for (let i = 0; i < each; i++) values[f * each + i] = Math.round(row[i] / scales[f]);
    }
    const sums = bias && Int32Array.from(bias.data, (value, f) => Math.round(value / (sourceScale * scales[f])));
    return {
      weights: [
        this.constant(`${name}.weights`, int8, tensor.shape, values),
        this.constant(`${name}.weights.scale`, float, [filters], scales),
        this.constant(`${name}.weights.zero`, int8, [filters], new Int8Array(filters)),
      ],
      bias: sums ? [this.constant(`${name}.bias`, int32, [filters], sums)] : [],
    };
  }

  encode({ channels, height, width }) {
    const graph = encodeMessage([
      [1, this.nodes],
      [2, 'quantised'],
      [5, this.initialisers],
      [11, valueInfo('images', ['N', channels, height, width])],
      [12, valueInfo('probabilities', ['N', 'K'])],
    ]);
    const opsets = [
      [2, 17n],
      [1, 'com.microsoft'],
    ];
    return encodeMessage([
      [1, 8n],
      [7, graph],
      [8, [encodeMessage([opsets[0]]), encodeMessage([opsets[1], [2, 1n]])]],
    ]);
  }
}

function windowAttributes([height, width, down, right, top, bottom, left, end]) {
  const ints = (name, values) => attribute(name, 7n, [8, values.map(BigInt)]);
  return [ints('kernel_shape', [height, width]), ints('strides', [down, right]), ints('pads', [top, left, bottom, end])];
}

function intAttribute(name, value) {
  return attribute(name, 2n, [3, BigInt(value)]);
}

function attribute(name, type, value) {
  return encodeMessage([[1, name], value, [20, type]]);
}

/** A float32 tensor; a side with a name is free. */
function valueInfo(name, shape) {
  const sides = shape.map(side => encodeMessage([typeof side === 'string' ? [2, side] : [1, BigInt(side)]]));
  const tensorType = encodeMessage([
    [1, float],
    [2, encodeMessage([[1, sides]])],
  ]);
  return encodeMessage([
    [1, name],
    [2, encodeMessage([[1, tensorType]])],
  ]);
}
