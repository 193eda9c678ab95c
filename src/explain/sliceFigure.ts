// M maps (filters) of a layer, C channels that it reads, h x w its kernel.
import { divergingColours } from '../figures/colourMaps.ts';
import { type DrawnFigure, drawSheet, type ImageSheet, type Tile } from '../figures/imageSheet.ts';
import { type ColourScale, colourRaster, rangeOf } from '../figures/tile.ts';
import type { LayerFilters } from './filters.ts';

const columns = 12;
/** Slices of one filter that are shown. */
const mostSlices = 128;
/** Filters of a layer that are shown where none are chosen. */
const usualFilters = 2;

/**
 * What some filters of a deeper layer do with each map that they read: their weights, a slice a map. `chosen` are places
 * of filters; by default the two of the largest weights (root of the sum of squares). Undefined where the layer has none of
 * the chosen ones.
 */
export async function drawSlices(
  layer: LayerFilters,
  chosen?: readonly number[],
): Promise<DrawnFigure | undefined> {
  const shown = (chosen ?? largest(layer)).filter(filter => filter < layer.filters);
  if (shown.length === 0) return undefined;
  const { name, channels } = layer;
  const weights = shown.map(filter => weightsOf(layer, filter));
  const [low, high] = rangeOf(weights);
  const end = Math.max(high, -low);
  const scale = { colours: divergingColours, low: -end, high: end };
  const rows = shown.flatMap((filter, i) => rowsOf(layer, { filter, weights: weights[i]!, scale }));
  const last = rows.at(-1)!.tiles;
  last[0] = { ...last[0]!, scale };
  const title = `Slices of ${shown.length} of the ${layer.filters} filters of ${name}`;
  const notes = [
    `A picture for each map that a filter reads, under the map's number: orange raises what the filter gives where that map is high, blue lowers it.${
      chosen ? '' : ' Shown are the filters of the largest weights; others are chosen by their numbers.'
    }`,
    ...(channels > mostSlices ? [`The ${mostSlices} of ${channels} slices with the largest weights.`] : []),
    'All have the same scale, which stands below at the left.',
  ];
  return { name: `${name}-slices`, title, svg: await drawSheet({ title, rows, notes, side: 60 }) };
}

function weightsOf({ channels, kernel, weights }: LayerFilters, filter: number): Float32Array {
  const length = channels * kernel[0] * kernel[1];
  return weights.subarray(filter * length, (filter + 1) * length);
}

function squareSum(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value * value, 0);
}

function largest(layer: LayerFilters): number[] {
  const sizes = Array.from({ length: layer.filters }, (_, filter) => squareSum(weightsOf(layer, filter)));
  const order = [...sizes.keys()].sort((a, b) => sizes[b]! - sizes[a]! || a - b);
  return order.slice(0, usualFilters).sort((a, b) => a - b);
}

function rowsOf(
  { channels, kernel: [height, width] }: LayerFilters,
  { filter, weights, scale }: { filter: number; weights: Float32Array; scale: ColourScale },
): ImageSheet['rows'] {
  const size = height * width;
  const slice = (c: number) => weights.subarray(c * size, (c + 1) * size);
  const sizes = Array.from({ length: channels }, (_, c) => squareSum(slice(c)));
  const bySize = [...sizes.keys()].sort((a, b) => sizes[b]! - sizes[a]! || a - b);
  const tiles: Tile[] = bySize
    .slice(0, mostSlices)
    .sort((a, b) => a - b)
    .map(c => ({ raster: colourRaster(slice(c), height, width, scale), label: `${c + 1}` }));
  return Array.from({ length: Math.ceil(tiles.length / columns) }, (_, row) => ({
    ...(row === 0 && { heading: `filter ${filter + 1}` }),
    tiles: tiles.slice(row * columns, (row + 1) * columns),
  }));
}
