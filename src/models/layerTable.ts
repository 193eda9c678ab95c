// C channels, H rows, W columns.
import { resolveNetwork } from '../engine/networkShape.ts';
import type { Extent, LayerSpec, NetworkSpec, Padding } from '../engine/networkSpec.ts';
import { BrightcellError } from '../errors.ts';

/** One layer of a network and what it costs. */
export interface LayerRow {
  index: number;
  type: LayerSpec['type'];
  /** What was chosen, in words: "32 maps, 11 x 11, stride 2, same". */
  settings: string;
  /** [C, H, W] of the output. */
  output: [number, number, number];
  /** Trained numbers. */
  parameters: number;
  /** Multiply-adds of convolutions and dense layers, forward, for one image; biases and the rest count as none. */
  multiplyAdds: number;
}

/**
 * The layers of a network with shapes, parameters and multiply-adds, in order, without its decoder. Throws `network-invalid`, naming
 * the layer, when a layer's output would be empty.
 */
export function measureLayers(spec: NetworkSpec): LayerRow[] {
  const { channels, height, width } = spec.input;
  return measureChain(spec.layers, [channels, height, width]);
}

/** The same for the layers of its decoder, counted from 0; none where there is no decoder. */
export function measureDecoder(spec: NetworkSpec): LayerRow[] {
  if (!spec.decoder) return [];
  const { outputShapes } = resolveNetwork(spec);
  return measureChain(spec.decoder.layers, outputShapes[spec.decoder.from]!);
}

function measureChain(layers: LayerSpec[], input: LayerRow['output']): LayerRow[] {
  let shape = input;
  return layers.map((layer, index) => {
    const row = { index, type: layer.type, ...measureLayer(layer, shape, `${index} (${layer.type})`) };
    shape = row.output;
    return row;
  });
}

/** The layer table as text for the terminal, with a line of totals; a decoder's layers come last. */
export function formatLayerTable(spec: NetworkSpec): string {
  const rows = measureLayers(spec);
  const decoder = measureDecoder(spec);
  const cells = [
    ['layer', 'settings', 'output', 'parameters', 'multiply-adds'],
    ...rows.map(rowCells),
    ...(spec.decoder
      ? [totalCells('to classify', rows), ['', `decoder of layer ${spec.decoder.from}`, '', '', '']]
      : []),
    ...decoder.map(rowCells),
    totalCells('total', [...rows, ...decoder]),
  ];
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map(row => row[column]!.length)));
  const align = (text: string, column: number) =>
    column < 3 ? text.padEnd(widths[column]!) : text.padStart(widths[column]!);
  return cells.map(row => row.map(align).join('  ').trimEnd()).join('\n');
}

function rowCells(row: LayerRow): string[] {
  const { index, type, settings, output, parameters, multiplyAdds } = row;
  return [
    `${index} ${type}`,
    settings,
    output.join(' x '),
    formatCount(parameters),
    formatCount(multiplyAdds),
  ];
}

function totalCells(name: string, rows: readonly LayerRow[]): string[] {
  const [parameters, multiplyAdds] = [totalOf(rows, 'parameters'), totalOf(rows, 'multiplyAdds')];
  return [name, '', '', formatCount(parameters), formatCount(multiplyAdds)];
}

/** Sum of a column of the layer table. */
export function totalOf(rows: readonly LayerRow[], column: 'parameters' | 'multiplyAdds'): number {
  return rows.reduce((total, row) => total + row[column], 0);
}

type Measured = Pick<LayerRow, 'settings' | 'output' | 'parameters' | 'multiplyAdds'>;

function measureLayer(layer: LayerSpec, shape: LayerRow['output'], place: string): Measured {
  const [C, H, W] = shape;
  switch (layer.type) {
    case 'conv': {
      const { filters, bias = true, stride = 1, padding = 'valid' } = layer;
      const [kernelHeight, kernelWidth] = pair(layer.kernel);
      const output = slide(filters, [H, W], { ...layer, size: layer.kernel, stride, padding }, place);
      const weights = filters * C * kernelHeight * kernelWidth;
      return {
        settings: `${filters} maps, ${window(layer.kernel, stride, padding)}`,
        output,
        parameters: weights + (bias ? filters : 0),
        multiplyAdds: weights * output[1] * output[2],
      };
    }
    case 'maxPool':
    case 'averagePool': {
      const { size, stride = size, padding = 'valid' } = layer;
      const output = slide(C, [H, W], { size, stride, padding }, place);
      return { settings: window(size, stride, padding), output, parameters: 0, multiplyAdds: 0 };
    }
    case 'dense': {
      const weights = C * H * W * layer.units;
      const parameters = weights + ((layer.bias ?? true) ? layer.units : 0);
      return {
        settings: `${layer.units} units`,
        output: [layer.units, 1, 1],
        parameters,
        multiplyAdds: weights,
      };
    }
    case 'batchNorm': {
      const { decay = 0.99, epsilon = 0.001 } = layer;
      const settings = `decay ${decay}, epsilon ${epsilon}`;
      return { settings, output: shape, parameters: 2 * C, multiplyAdds: 0 };
    }
    case 'upsample': {
      const [down, right] = pair(layer.size);
      return {
        settings: `${down} x ${right}`,
        output: [C, H * down, W * right],
        parameters: 0,
        multiplyAdds: 0,
      };
    }
    case 'reshape':
      return { settings: '', output: [...layer.shape], parameters: 0, multiplyAdds: 0 };
    case 'dropout':
      return { settings: `rate ${layer.rate}`, output: shape, parameters: 0, multiplyAdds: 0 };
    default:
      return { settings: '', output: shape, parameters: 0, multiplyAdds: 0 };
  }
}

function slide(
  channels: number,
  sides: [number, number],
  { size, stride, padding }: { size: Extent; stride: Extent; padding: Padding },
  place: string,
): LayerRow['output'] {
  const before = typeof padding === 'string' ? [0, 0] : [padding[0] + padding[1], padding[2] + padding[3]];
  const output = sides.map((side, axis) => {
    const [extent, step] = [pair(size)[axis]!, pair(stride)[axis]!];
    if (padding === 'same') return Math.ceil(side / step);
    return Math.floor((side + before[axis]! - extent) / step) + 1;
  });
  if (output.some(side => side < 1)) {
    throw new BrightcellError(
      'network-invalid',
      `Layer ${place} must have an output of at least 1 x 1. Its window of ${pair(size).join(' x ')} does not fit ` +
        `the ${sides.join(' x ')} that reach it. Use a smaller window, padding "same", or larger images.`,
    );
  }
  return [channels, output[0]!, output[1]!];
}

function pair(extent: Extent): [number, number] {
  return typeof extent === 'number' ? [extent, extent] : extent;
}

function window(size: Extent, stride: Extent, padding: Padding): string {
  const steps = pair(stride);
  const pace = steps[0] === steps[1] ? steps[0] : steps.join(' x ');
  const pads = typeof padding === 'string' ? padding : `padding ${padding.join(' ')}`;
  return `${pair(size).join(' x ')}, stride ${pace}, ${pads}`;
}

function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}
