// N images, C channels, H rows, W columns, K classes.
import type { PixelType } from '../engine/imageSet.ts';
import { type ResolvedLayer, resolveNetwork } from '../engine/networkShape.ts';
import type { DecoderSpec, LayerSpec, NetworkSpec } from '../engine/networkSpec.ts';
import type { NamedTensor } from '../engine/networkState.ts';
import type { Normalisation } from '../engine/normalisation.ts';
import { BrightcellError } from '../errors.ts';
import { writeWholeFile } from '../wholeFile.ts';
import {
  floatAttribute,
  intAttribute,
  intsAttribute,
  OnnxGraph,
  textAttribute,
  valueInfo,
} from './onnxGraph.ts';

export interface OnnxOptions {
  /** Put into the graph, before the first layer, so that it takes stored pixel values as they are; 'none' by default. */
  normalisation?: Normalisation;
  /** Of the stored images: what 'range' divides by. uint8 by default. */
  pixelType?: PixelType;
  /** Class names, kept as metadata "classes", a JSON list. */
  classes?: readonly string[];
  /** Of a calibrated model (`classifier.calibration.temperature`): logits are divided by it; 1 by default. */
  temperature?: number;
  /** Layers whose output becomes a further output of the graph, named `layer<index>`. */
  activations?: readonly number[];
  /** Adds the decoder's image as the output `reconstruction`, normalised as the network's input; false by default. */
  reconstruction?: boolean;
}

const largestMessage = 2 ** 31 - 1;

/** Writes `exportOnnx`'s model as a file, whole or not at all. */
export async function writeOnnx(
  path: string,
  spec: NetworkSpec,
  tensors: readonly NamedTensor[],
  options: OnnxOptions = {},
): Promise<void> {
  await writeWholeFile(path, exportOnnx(spec, tensors, options));
}

/**
 * A network with its weights (`Network.weights()`) as an ONNX model, opset 17: input `images` [N, C, H, W] float32,
 * output `probabilities` [N, K]; with the normalisation `session` a second input `light` [N, 2], the level and contrast of
 * each image's session. Dropout is left out, batch norm uses the running statistics, and a decoder is there
 * only where `reconstruction` asks for it.
 * Throws `network-invalid`, `model-corrupt` when a tensor is missing, `option-invalid` on a layer or a decoder to show
 * that is not there, on a temperature that is not above 0, or past 2 GiB.
 */
export function exportOnnx(
  spec: NetworkSpec,
  tensors: readonly NamedTensor[],
  options: OnnxOptions = {},
): Uint8Array {
  const graph = new Graph(tensors);
  let at: Value = { name: 'images', flat: false };
  at = addNormalisation(graph, at, options);
  const { layers, decoder } = resolveNetwork(spec);
  if (options.reconstruction && !decoder)
    throw new BrightcellError(
      'option-invalid',
      `reconstruction needs a network with a decoder. ${spec.name} has none.`,
    );
  for (const [index, resolved] of layers.entries()) {
    at = addLayer(graph, at, { ...resolved, name: String(index), same: isSame(spec.layers[index]!) });
    if (options.reconstruction && index === decoder?.from)
      addDecoder(graph, at, spec.decoder!, decoder.layers);
    if (options.activations?.includes(index)) graph.show(at.name, `layer${index}`, at.flat ? 2 : 4);
  }
  for (const index of options.activations ?? []) {
    if (spec.layers[index]) continue;
    throw new BrightcellError(
      'option-invalid',
      `activations must be layers from 0 to ${spec.layers.length - 1}. Received ${index}.`,
    );
  }
  const logits = scale(graph, flatten(graph, at), options.temperature ?? 1);
  graph.add('Softmax', [logits.name], 'probabilities', [intAttribute('axis', 1)]);
  return encodeModel(spec, graph, options);
}

function addDecoder(graph: Graph, code: Value, spec: DecoderSpec, layers: ResolvedLayer[]): void {
  let at = code;
  for (const [index, resolved] of layers.entries())
    at = addLayer(graph, at, { ...resolved, name: `decoder.${index}`, same: isSame(spec.layers[index]!) });
  graph.show(unflatten(graph, at, 'reconstruction').name, 'reconstruction', 4);
}

/** A tensor of the graph: [N, C, H, W], or [N, units] where flat. */
interface Value {
  name: string;
  flat: boolean;
}

class Graph extends OnnxGraph {
  readonly outputs: Uint8Array[] = [valueInfo('probabilities', [undefined, undefined])];
  readonly #tensors: Map<string, NamedTensor>;

  constructor(tensors: readonly NamedTensor[]) {
    super();
    this.#tensors = new Map(tensors.map(tensor => [tensor.name, tensor]));
  }

  /** Adds a layer's tensor as a constant. */
  weights(layer: string, what: string): string {
    const tensor = this.#tensors.get(`${layer}.${what}`);
    if (!tensor) {
      const names = [...this.#tensors.keys()].join(', ');
      throw new BrightcellError(
        'model-corrupt',
        `The weights must have "${layer}.${what}". Received ${names}.`,
      );
    }
    return this.constant(tensor.name, tensor.shape, tensor.data);
  }

  /** Makes a value an output of the graph under another name. */
  show(value: string, name: string, rank: number): void {
    this.add('Identity', [value], name);
    this.outputs.push(valueInfo(name, new Array(rank).fill(undefined)));
  }
}

function addNormalisation(graph: Graph, src: Value, options: OnnxOptions): Value {
  const { normalisation = 'none', pixelType = 'uint8' } = options;
  const range = { uint8: 255, uint16: 65535, float32: 1 }[pixelType];
  if (normalisation === 'none') return src;
  if (normalisation === 'range') {
    return { name: graph.add('Div', [src.name, graph.scalar('range', range)], 'normalised'), flat: false };
  }
  if (normalisation === 'session') return addSession(graph, src, range);
  const axes = [intsAttribute('axes', [1, 2, 3]), intAttribute('keepdims', 1)];
  const mean = graph.add('ReduceMean', [src.name], 'mean', axes);
  if (normalisation === 'mean') {
    const floor = graph.add('Max', [mean, graph.scalar('smallest', 1e-4 * range)], 'meanAtLeast');
    const quotient = graph.add('Div', [src.name, floor], 'relative');
    return { name: graph.add('Sub', [quotient, graph.scalar('one', 1)], 'normalised'), flat: false };
  }
  const centred = graph.add('Sub', [src.name, mean], 'centred');
  const squares = graph.add('Mul', [centred, centred], 'squares');
  const variance = graph.add('ReduceMean', [squares], 'variance', axes);
  const deviation = graph.add(
    'Max',
    [graph.add('Sqrt', [variance], 'deviation'), graph.scalar('smallest', 1e-6 * range)],
    'deviationAtLeast',
  );
  return { name: graph.add('Div', [centred, deviation], 'normalised'), flat: false };
}

/** Level and contrast of each image's session come as a second input, `light` [N, 2]. */
function addSession(graph: Graph, src: Value, range: number): Value {
  const shape = graph.constant('one by one', [4], BigInt64Array.of(-1n, 1n, 1n, 1n));
  const [level, contrast] = ['level', 'contrast'].map((name, i) => {
    const place = graph.constant(`${name}Place`, [1], BigInt64Array.of(BigInt(i)));
    const column = graph.add('Gather', ['light', place], name, [intAttribute('axis', 1)]);
    return graph.add('Reshape', [column, shape], `${name}OfImage`);
  });
  const floor = graph.add('Max', [contrast!, graph.scalar('smallest', 1e-6 * range)], 'contrastAtLeast');
  const difference = graph.add('Sub', [src.name, level!], 'difference');
  return { name: graph.add('Div', [difference, floor], 'normalised'), flat: false };
}

/** A layer with its defaults filled in. */
interface Layer extends ResolvedLayer {
  /** Its index, as its tensors are named. */
  name: string;
  /** Padded 'same'. */
  same: boolean;
}

function isSame(layer: LayerSpec): boolean {
  return 'padding' in layer && layer.padding === 'same';
}

function addLayer(graph: Graph, src: Value, layer: Layer): Value {
  const prefix = `${layer.name}.${layer.type}`;
  const biased = layer.bias ? ['weights', 'bias'] : ['weights'];
  const addWith = (operation: string, input: Value, what: string[], attributes: Uint8Array[]): Value => {
    const inputs = [input.name, ...what.map(one => graph.weights(prefix, one))];
    return { name: graph.add(operation, inputs, prefix, attributes), flat: input.flat };
  };
  switch (layer.type) {
    case 'conv':
      return addWith('Conv', unflatten(graph, src, prefix), biased, windowAttributes(layer));
    case 'maxPool':
      return addWith('MaxPool', unflatten(graph, src, prefix), [], windowAttributes(layer));
    case 'averagePool':
      return addWith('AveragePool', unflatten(graph, src, prefix), [], windowAttributes(layer));
    case 'batchNorm': {
      const what = ['gamma', 'beta', 'runningMean', 'runningVariance'];
      return addWith('BatchNormalization', src, what, [floatAttribute('epsilon', layer.epsilon!)]);
    }
    case 'dense':
      return addWith('Gemm', flatten(graph, src), biased, [intAttribute('transB', 1)]);
    case 'dropout':
      return addWith('Identity', src, [], []);
    case 'relu':
      return addWith('Relu', src, [], []);
    case 'tanh':
      return addWith('Tanh', src, [], []);
    case 'sigmoid':
      return addWith('Sigmoid', src, [], []);
    case 'upsample': {
      const scales = graph.constant(`${prefix}.scales`, [4], Float32Array.of(1, 1, ...layer.times!));
      const inputs = [unflatten(graph, src, prefix).name, '', scales];
      const how = ['mode', 'coordinate_transformation_mode', 'nearest_mode'];
      const attributes = ['nearest', 'asymmetric', 'floor'].map((text, i) => textAttribute(how[i]!, text));
      return { name: graph.add('Resize', inputs, prefix, attributes), flat: false };
    }
    case 'reshape': {
      const shape = graph.constant(`${prefix}.shape`, [4], BigInt64Array.from([-1, ...layer.shape!], BigInt));
      return { name: graph.add('Reshape', [src.name, shape], prefix), flat: false };
    }
    case 'scaledTanh': {
      const inner = graph.add('Mul', [src.name, graph.scalar(`${prefix}.slope`, 2 / 3)], `${prefix}.inner`);
      const tanh = graph.add('Tanh', [inner], `${prefix}.tanh`);
      return {
        name: graph.add('Mul', [tanh, graph.scalar(`${prefix}.scale`, 1.7159)], prefix),
        flat: src.flat,
      };
    }
  }
}

/** [N, C, H, W] to [N, C x H x W]. */
function flatten(graph: Graph, src: Value): Value {
  if (src.flat) return src;
  return {
    name: graph.add('Flatten', [src.name], `${src.name}.flat`, [intAttribute('axis', 1)]),
    flat: true,
  };
}

function scale(graph: Graph, src: Value, temperature: number): Value {
  if (!(temperature > 0 && Number.isFinite(temperature)))
    throw new BrightcellError(
      'option-invalid',
      `temperature must be a number above 0. Received ${temperature}.`,
    );
  if (temperature === 1) return src;
  const inputs = [src.name, graph.scalar('temperature', temperature)];
  return { name: graph.add('Div', inputs, 'scaledLogits'), flat: true };
}

/** [N, units] to [N, units, 1, 1], for a convolution or a pool after a dense layer. */
function unflatten(graph: Graph, src: Value, prefix: string): Value {
  if (!src.flat) return src;
  const axes = graph.constant(`${prefix}.axes`, [2], BigInt64Array.of(2n, 3n));
  return { name: graph.add('Unsqueeze', [src.name, axes], `${prefix}.input`), flat: false };
}

function windowAttributes({ window, same }: Layer): Uint8Array[] {
  const [height, width, down, right, top, bottom, left, end] = window!;
  const sizes = [intsAttribute('kernel_shape', [height!, width!]), intsAttribute('strides', [down!, right!])];
  // ONNX Runtime takes 'same' only where windows leave no gap; its own rule is then used, so that it judges ours.
  if (same && down! <= height! && right! <= width!)
    return [...sizes, textAttribute('auto_pad', 'SAME_UPPER')];
  return [...sizes, intsAttribute('pads', [top!, left!, bottom!, end!])];
}

function encodeModel(spec: NetworkSpec, graph: Graph, options: OnnxOptions): Uint8Array {
  const { channels, height, width } = spec.input;
  const metadata: Record<string, string> = { normalisation: options.normalisation ?? 'none' };
  if (options.temperature !== undefined) metadata.temperature = String(options.temperature);
  if (options.classes) metadata.classes = JSON.stringify(options.classes);
  if (graph.size > largestMessage - 1e6) {
    throw new BrightcellError(
      'option-invalid',
      `An ONNX file must be smaller than 2 GiB. Received ${graph.size} bytes.`,
    );
  }
  return graph.encode({
    name: spec.name,
    inputs: [
      valueInfo('images', [undefined, channels, height, width]),
      ...(options.normalisation === 'session' ? [valueInfo('light', [undefined, 2])] : []),
    ],
    outputs: graph.outputs,
    metadata,
  });
}
