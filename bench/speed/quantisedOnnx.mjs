// A network as an ONNX model of 8 bits, as ONNX Runtime runs fastest on processors with VNNI: maps unsigned with one
// scale a tensor, weights signed with one scale a filter, sums in 32 bits. Scales come from the largest values on
// calibration images. Takes conv (then maxPool, relu), batchNorm, dense and relu, which is what the compared networks
// are made of.
import { resolveNetwork } from '../../dist/engine/networkShape.js';
import { floatAttribute, intAttribute, intsAttribute, OnnxGraph, valueInfo } from '../../dist/models/onnxGraph.js';

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
  const { channels, height, width } = spec.input;
  return graph.encode({
    name: 'quantised',
    inputs: [valueInfo('images', [undefined, channels, height, width])],
    outputs: [valueInfo('probabilities', [undefined, undefined])],
    domains: [['com.microsoft', 1n]],
  });
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

class Graph extends OnnxGraph {
  /** Scale and zero point of a map of 8 bits: [names of both, scale]. */
  scaleOf({ low, high }, name) {
    const scale = (high - low) / 255;
    return {
      scale,
      inputs: [
        this.constant(`${name}.scale`, [], Float32Array.of(scale)),
        this.constant(`${name}.zero`, [], Uint8Array.of(Math.round(-low / scale))),
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
    const names = parameters.map(one => this.constant(one.name, one.shape, one.data));
    const result = this.add('BatchNormalization', [plain, ...names], `${name}.float`, [
      floatAttribute('epsilon', epsilon),
    ]);
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
        this.constant(`${name}.weights`, tensor.shape, values),
        this.constant(`${name}.weights.scale`, [filters], scales),
        this.constant(`${name}.weights.zero`, [filters], new Int8Array(filters)),
      ],
      bias: sums ? [this.constant(`${name}.bias`, [filters], sums)] : [],
    };
  }
}

function windowAttributes([height, width, down, right, top, bottom, left, end]) {
  return [
    intsAttribute('kernel_shape', [height, width]),
    intsAttribute('strides', [down, right]),
    intsAttribute('pads', [top, left, bottom, end]),
  ];
}
