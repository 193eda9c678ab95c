import { resolveNetwork } from '../engine/networkShape.ts';
import type { NetworkSpec } from '../engine/networkSpec.ts';

/** Rows or columns of the input, first and last; the last one belongs to it. */
export type Range = readonly [number, number];

/** The part of the input that one position of a layer depends on. */
export interface Field {
  rows: Range;
  columns: Range;
}

/**
 * The receptive field of a position of what layer `layer` gives: exactly the input's rows and columns that it depends
 * on, padding left out.
 */
export function receptiveField(spec: NetworkSpec, layer: number, row: number, column: number): Field {
  return { rows: reachBack(spec, layer, 0, row, true), columns: reachBack(spec, layer, 1, column, true) };
}

/**
 * Where the positions of a layer's maps stand over the input: the middle of the first one's field, padding included,
 * and the pixels from one to the next, down and across. A layer that sees the whole image at once stands in its middle.
 */
export function mapPlacement(
  spec: NetworkSpec,
  layer: number,
): { first: [number, number]; step: [number, number] } {
  const middle = (axis: 0 | 1, at: number) => {
    const [low, high] = reachBack(spec, layer, axis, at, false);
    return (low + high) / 2;
  };
  return {
    first: [middle(0, 0), middle(1, 0)],
    step: [middle(0, 1) - middle(0, 0), middle(1, 1) - middle(1, 0)],
  };
}

function reachBack(spec: NetworkSpec, layer: number, axis: 0 | 1, at: number, cut: boolean): Range {
  const { layers, outputShapes } = resolveNetwork(spec);
  const input = [spec.input.height, spec.input.width][axis]!;
  let [low, high] = [at, at];
  for (let i = layer; i >= 0; i--) {
    const { type, window, times } = layers[i]!;
    const length = i === 0 ? input : outputShapes[i - 1]![axis + 1]!;
    if (type === 'dense' || type === 'reshape') [low, high] = [0, length - 1];
    else if (times) [low, high] = [Math.floor(low / times[axis]!), Math.floor(high / times[axis]!)];
    else if (window) {
      const [extent, stride, before] = [window[axis]!, window[2 + axis]!, window[4 + 2 * axis]!];
      [low, high] = [low * stride - before, high * stride - before + extent - 1];
    }
    if (cut) [low, high] = [Math.max(0, low), Math.min(length - 1, high)];
  }
  return [low, high];
}
