// M maps (filters) of a layer, C channels that it reads, h x w its kernel; N cells.
import type { Network } from '../engine/network.ts';
import type { InputRows } from '../engine/networkInput.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { findConvolution, type NamedLayer, nameLayers } from './layers.ts';
import { type Field, receptiveField } from './receptiveField.ts';

/** What a filter answers to most strongly. */
export interface Excitement {
  /** Position among the rows that were looked at. */
  cell: number;
  /** Of the layer's map. */
  row: number;
  column: number;
  /** What the layer gives there. */
  value: number;
  /** The part of the image that it comes from. */
  field: Field;
}

/** The filters of one convolution. */
export interface LayerFilters extends NamedLayer {
  filters: number;
  channels: number;
  kernel: [height: number, width: number];
  /** M x C x h x w. */
  weights: Float32Array;
  /** M; zeros where the layer has none. */
  bias: Float32Array;
  /** For each filter the strongest of the cells looked at, each cell once, strongest first. */
  excitements: Excitement[][];
}

/** Filters of the convolutions named, or of all, without what excites them. Throws `option-invalid`, listing them. */
export function readFilters(network: Network, names?: readonly string[]): LayerFilters[] {
  findConvolution(network.spec); // there is one
  const all = nameLayers(network.spec).filter(({ type }) => type === 'conv');
  const layers = names?.map(name => findConvolution(network.spec, name)) ?? all;
  const tensors = new Map(network.weights().map(tensor => [tensor.name, tensor]));
  return layers.map(layer => {
    const { data, shape } = tensors.get(`${layer.index}.conv.weights`)!;
    const [filters, channels, height, width] = shape as [number, number, number, number];
    const bias = tensors.get(`${layer.index}.conv.bias`)?.data ?? new Float32Array(filters);
    return {
      ...layer,
      ...{ filters, channels, kernel: [height, width] as [number, number], weights: data, bias },
      excitements: [],
    };
  });
}

/** Bytes of a layer's maps that are held at once. */
const mapBytes = 48 << 20;

/**
 * The cells and places that excite each filter of a layer most: the `most` largest of what the layer gives, one place a
 * cell. Where a max pool, an activation and a batch norm follow, the order is the same. Goes through the cells some at a
 * time. Throws `cancelled`.
 */
export async function findExcitements(
  network: Network,
  input: InputRows,
  layer: NamedLayer,
  most: number,
  job: Job = {},
): Promise<Excitement[][]> {
  const [maps, rows, columns] = layer.shape;
  const size = rows * columns;
  const best: Excitement[][] = Array.from({ length: maps }, () => []);
  const chunk = Math.max(1, Math.min(256, Math.floor(mapBytes / (4 * maps * size))));
  for (let first = 0; first < input.rows.length; first += chunk) {
    throwIfCancelled(job);
    job.onProgress?.({
      stage: `looking at ${layer.name}`,
      done: first,
      total: input.rows.length,
      unit: 'cells',
    });
    const part = { ...input, rows: input.rows.subarray(first, first + chunk) };
    const values = await network.activations(part, layer.index);
    for (let i = 0; i < part.rows.length; i++)
      for (let map = 0; map < maps; map++) {
        const own = values.subarray((i * maps + map) * size, (i * maps + map + 1) * size);
        keepBest(best[map]!, first + i, own, columns, most);
      }
  }
  for (const one of best.flat()) one.field = receptiveField(network.spec, layer.index, one.row, one.column);
  return best;
}

const nowhere: Field = { rows: [0, 0], columns: [0, 0] };

/** Puts the largest value of a cell's map in its place among the best, if it is one. */
function keepBest(
  best: Excitement[],
  cell: number,
  values: Float32Array,
  columns: number,
  most: number,
): void {
  let at = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[at]!) at = i;
  const value = values[at]!;
  if (best.length === most && value <= best.at(-1)!.value) return;
  const place = best.findIndex(one => value > one.value);
  const found = { cell, row: Math.floor(at / columns), column: at % columns, value, field: nowhere };
  best.splice(place < 0 ? best.length : place, 0, found);
  if (best.length > most) best.pop();
}
