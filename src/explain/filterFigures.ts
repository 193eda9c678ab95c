// M maps (filters) of a layer, C channels that it reads, h x w its kernel.
import type { ImageSet } from '../engine/imageSet.ts';
import { divergingColours, sequentialColours } from '../figures/colourMaps.ts';
import { type DrawnFigure, drawSheet, type ImageSheet, type Tile } from '../figures/imageSheet.ts';
import { type ColourScale, colourRaster, imageRaster, type Raster, rangeOf } from '../figures/tile.ts';
import type { Excitement, LayerFilters } from './filters.ts';
import { drawSlices } from './sliceFigure.ts';

/** Filters in a row of a sheet, and most of them in it. */
const columns = 8;
const shownFilters = 64;
/** Most filters whose crops are shown. */
const shownExcited = 16;

/**
 * A sheet of each convolution's filters, and one of what excites them: of the first layer the weights as they are, a
 * channel each; of deeper ones their size at each place, over all maps that they read, and a sheet of some filters' weights
 * for each map: of `slices`, places of filters, by default the two of the largest weights.
 */
export async function drawFilters(
  layers: readonly LayerFilters[],
  images: ImageSet | null,
  slices?: readonly number[],
): Promise<DrawnFigure[]> {
  const figures: DrawnFigure[] = [];
  for (const layer of layers) {
    figures.push(layer.index === 0 ? await drawWeights(layer) : await drawNorms(layer));
    const sliced = layer.index === 0 ? undefined : await drawSlices(layer, slices);
    if (sliced) figures.push(sliced);
    if (images && layer.excitements.length > 0) figures.push(await drawExcitements(layer, images));
  }
  return figures;
}

async function drawWeights(layer: LayerFilters): Promise<DrawnFigure> {
  const { name, filters, channels, kernel, weights } = layer;
  const [height, width] = kernel;
  const size = height * width;
  const [low, high] = rangeOf([weights]);
  const end = Math.max(high, -low);
  const scale = { colours: divergingColours, low: -end, high: end };
  const shown = Math.min(filters, Math.max(1, Math.floor(shownFilters / channels)));
  const tiles = Array.from({ length: shown * channels }, (_, i) => ({
    raster: colourRaster(weights.subarray(i * size, (i + 1) * size), height, width, scale),
    label: channels === 1 ? `${i + 1}` : `${Math.floor(i / channels) + 1}, channel ${(i % channels) + 1}`,
  }));
  return drawGrid(layer, tiles, scale, [
    `The weights of ${kernel.join(' x ')} pixels: orange adds brightness to the map, blue subtracts it.`,
    ...(shown < filters ? [`${shown} of ${filters} filters; all are in ${name}-weights.npy.`] : []),
  ]);
}

async function drawNorms(layer: LayerFilters): Promise<DrawnFigure> {
  const { name, filters, channels, kernel } = layer;
  const norms = kernelNorms(layer);
  const scale = { colours: sequentialColours, low: 0, high: rangeOf(norms)[1] };
  const shown = Math.min(filters, shownFilters);
  const tiles = norms.slice(0, shown).map((norm, i) => ({
    raster: colourRaster(norm, kernel[0], kernel[1], scale),
    label: `${i + 1}`,
  }));
  return drawGrid(layer, tiles, scale, [
    `How much each filter weighs each place of ${kernel.join(' x ')}: the root of the sum of squares over the ${channels} maps that it reads.`,
    ...(shown < filters ? [`${shown} of ${filters} filters; all are in ${name}-weights.npy.`] : []),
  ]);
}

/** Of each filter [h, w]: the root of the sum of the squares over the C channels. */
export function kernelNorms({ filters, channels, kernel, weights }: LayerFilters): Float32Array[] {
  const size = kernel[0] * kernel[1];
  return Array.from({ length: filters }, (_, filter) => {
    const norm = new Float32Array(size);
    for (let c = 0; c < channels; c++)
      for (let p = 0; p < size; p++) norm[p]! += weights[(filter * channels + c) * size + p]! ** 2;
    return norm.map(Math.sqrt);
  });
}

async function drawGrid(
  { name, filters }: LayerFilters,
  tiles: Tile[],
  scale: ColourScale,
  notes: string[],
): Promise<DrawnFigure> {
  const title = `The ${filters} filters of ${name}`;
  const rows: ImageSheet['rows'] = Array.from({ length: Math.ceil(tiles.length / columns) }, (_, row) => ({
    tiles: tiles.slice(row * columns, (row + 1) * columns),
  }));
  // One scale for all, below the first of the last row.
  const last = rows.at(-1)!.tiles;
  last[0] = { ...last[0]!, scale };
  const sheet = {
    title,
    rows,
    notes: [...notes, 'All have the same scale, which stands below at the left.'],
    side: 64,
  };
  return { name: `${name}-filters`, title, svg: await drawSheet(sheet) };
}

async function drawExcitements(layer: LayerFilters, images: ImageSet): Promise<DrawnFigure> {
  const { name, filters, excitements } = layer;
  const strongest = excitements
    .map((own, filter) => ({ own, filter }))
    .filter(({ own }) => own.length > 0)
    .slice(0, shownExcited);
  const side = 64;
  const title = `What excites the filters of ${name}`;
  const sheet = {
    title,
    side,
    rows: strongest.map(({ own, filter }) => ({
      heading: `filter ${filter + 1}`,
      tiles: own.flatMap(one => cropTiles(one, images)),
    })),
    notes: [
      'For each filter the cells that it answers to most strongly, and beside each the part of it that the answer comes from: the exact receptive field of the strongest place. The number is what the layer gives there.',
      ...(strongest.length < filters
        ? [`${strongest.length} of ${filters} filters; all are in ${name}-excitements.csv.`]
        : []),
    ],
  };
  return { name: `${name}-excitements`, title, svg: await drawSheet(sheet) };
}

function cropTiles({ cell, field, value }: Excitement, images: ImageSet): Tile[] {
  const { channels, height, width } = images.shape;
  const whole = imageRaster(images.read(cell), [channels, height, width]);
  const [top, bottom] = field.rows;
  const [left, right] = field.columns;
  const frame = { top, left, height: bottom - top + 1, width: right - left + 1 };
  const crop = cut(whole, top, left, frame.height, frame.width);
  return [
    { raster: whole, frame },
    { raster: crop, note: value.toPrecision(3).replace('-', '\u2212') },
  ];
}

function cut({ rgb, width }: Raster, top: number, left: number, height: number, across: number): Raster {
  const part = new Uint8Array(height * across * 3);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * width + left) * 3;
    part.set(rgb.subarray(from, from + across * 3), y * across * 3);
  }
  return { height, width: across, rgb: part };
}
