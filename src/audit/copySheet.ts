import type { Dataset } from '../dataset/dataset.ts';
import { type CellTable, splitNames } from '../dataset/format.ts';
import { type DrawnFigure, drawSheet, type Tile } from '../figures/imageSheet.ts';
import { imageRaster } from '../figures/tile.ts';
import type { CopyPair } from './copies.ts';
import type { Places } from './places.ts';

/** Pairs by how one image must be changed to fit on the other. */
export function describePairs(pairs: readonly CopyPair[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const pair of pairs) counts[kindOf(pair)] = (counts[kindOf(pair)] ?? 0) + 1;
  return counts;
}

/** In one word or two; a turn of a round cell by a few degrees may be none. */
export function kindOf({ exact, mirrored, degrees, shift, scale }: CopyPair): string {
  if (exact) return 'exact';
  if (scale > 1.03) return 'of another size';
  if (mirrored) return 'mirrored';
  if (shift > 0.2) return 'overlapping crops';
  if (Math.abs(degrees) > 5) return 'turned';
  return shift > 0.02 ? 'shifted' : 'in place';
}

const shownPairs = 15;

/** A sheet of pairs: those across the split first, then those of different labels; undefined without any. */
export async function drawPairs(
  found: {
    table: CellTable;
    places: Places;
    pairs: readonly CopyPair[];
    crossing: readonly number[][];
    conflicting: readonly number[][];
  },
  dataset: Dataset,
): Promise<DrawnFigure | undefined> {
  const { table, pairs } = found;
  if (pairs.length === 0) return undefined;
  const crossing = new Set(found.crossing.flat());
  const conflicting = new Set(found.conflicting.flat());
  const rank = ({ a, b }: CopyPair) =>
    (table.split[a] !== table.split[b] && crossing.has(a) && crossing.has(b) ? 2 : 0) +
    (table.label[a] !== table.label[b] && conflicting.has(a) ? 1 : 0);
  const shown = [...pairs].sort((p, q) => rank(q) - rank(p) || p.a - q.a || p.b - q.b).slice(0, shownPairs);
  const { header } = dataset;
  const images = dataset.images();
  const tile = (i: number): Tile => ({
    raster: imageRaster(images.read(table.id[i]!), [header.channels, header.height, header.width]),
    label: `${header.classes[table.label[i]!]}`,
    note: `${table.id[i]} ${splitNames[table.split[i]!] ?? 'in no part'}`,
  });
  const perRow = 3;
  const rows = Array.from({ length: Math.ceil(shown.length / perRow) }, (_, row) => {
    const own = shown.slice(row * perRow, (row + 1) * perRow);
    return { tiles: own.flatMap(pair => [tile(pair.a), tile(pair.b)]) };
  });
  const title = 'Images that show one cell twice';
  const svg = await drawSheet({
    title,
    columns: Array.from({ length: Math.min(perRow, shown.length) }, () => ['image', 'its copy']).flat(),
    rows,
    side: 110,
    notes: [
      'Above each image its class, below it its number and its part of the split.',
      `${shown.length} of ${pairs.length.toLocaleString('en-US')} pairs; those on two sides of the split come first, then those of different classes.`,
    ],
  });
  return { name: 'leak-pairs', title, svg };
}
