import type { ImageSet } from '../engine/imageSet.ts';
import { divergingColours } from '../figures/colourMaps.ts';
import { type DrawnFigure, drawSheet, type Tile } from '../figures/imageSheet.ts';
import { type ColourScale, colourRaster, imageRaster, rangeOf } from '../figures/tile.ts';
import type { ExplainedCell, ExplainedClass, OcclusionExplanation } from './occlusionExplanation.ts';
import { fileWord } from './place.ts';
import { type Regions, regionNames } from './regions.ts';

/** Most cells of a class in its figure. */
const shownCells = 8;

/** A figure of all classes' means, and one of cells for each class. */
export async function drawOcclusion(
  explanation: OcclusionExplanation,
  images: ImageSet,
): Promise<DrawnFigure[]> {
  const ofClasses = explanation.perClass.map(one => drawCells(explanation, images, one));
  return [await drawMeans(explanation), ...(await Promise.all(ofClasses))];
}

async function drawMeans({ perClass, cells, settings }: OcclusionExplanation): Promise<DrawnFigure> {
  const { height, width } = cells[0]!.occlusion;
  const tiles = perClass.map(({ name, cells: count, meanDrop, regions }) => ({
    ...dropTile(meanDrop, height, width),
    label: `${name} (${count})`,
    note: strongest(regions),
  }));
  const columns = Math.min(4, tiles.length);
  const title = 'Where each class is recognised';
  const sheet = {
    title,
    rows: Array.from({ length: Math.ceil(tiles.length / columns) }, (_, row) => ({
      tiles: tiles.slice(row * columns, (row + 1) * columns),
    })),
    notes: [
      `How far the probability of the class falls, on average over its cells (their number in brackets), where a mask of ${settings.mask} x ${settings.mask} pixels hides the image (orange), or rises (blue). Each map has its own scale.`,
      'Below it, where most of the fall is: with the mask wholly inside the cell, on its edge, or wholly on the background.',
    ],
  };
  return { name: 'classes', title, svg: await drawSheet(sheet) };
}

async function drawCells(
  { cells, classes, settings }: OcclusionExplanation,
  images: ImageSet,
  { name, index }: ExplainedClass,
): Promise<DrawnFigure> {
  const own = cells.map((cell, row) => ({ cell, row })).filter(({ cell }) => cell.target === index);
  const shown = own.slice(0, shownCells);
  const title = `What the classifier looks at in cells of ${name}`;
  const sheet = {
    title,
    columns: ['image', 'occlusion'],
    rows: shown.map(({ cell, row }) => ({
      heading: describeCell(cell, classes),
      tiles: cellTiles(cell, images, row),
    })),
    notes: [
      `Occlusion: how far the probability of ${name} falls where a mask of ${settings.mask} x ${settings.mask} pixels, filled with ${fillWords[settings.fill]}, hides the image (orange), or rises (blue). Each map has its own scale.`,
      ...(own.length > shown.length ? [`${shown.length} of ${own.length} cells.`] : []),
    ],
  };
  return { name: `cells-${index}-${fileWord(name)}`, title, svg: await drawSheet(sheet) };
}

const fillWords = {
  mean: "the image's mean",
  border: 'the mean of its border',
  blur: 'the image blurred',
  noise: 'noise like it',
};

function cellTiles(cell: ExplainedCell, images: ImageSet, row: number): Tile[] {
  const { channels, height, width } = images.shape;
  const { whole, probability } = cell.occlusion;
  return [
    { raster: imageRaster(images.read(row), [channels, height, width]) },
    dropTile(
      probability.map(one => whole - one),
      height,
      width,
    ),
  ];
}

/** A map of falls, orange, and rises, blue; one that hardly changes anywhere stays pale instead of showing its noise. */
function dropTile(
  drop: Float32Array,
  height: number,
  width: number,
): { raster: Tile['raster']; scale: ColourScale } {
  const [least, most] = rangeOf([drop]);
  const end = Math.max(0.02, most, -least);
  const scale = { colours: divergingColours, low: -end, high: end };
  return { raster: colourRaster(drop, height, width, scale), scale };
}

function describeCell(
  { id, source, label, predicted, probabilities }: ExplainedCell,
  classes: readonly string[],
): string {
  const what = id === null ? source : `cell ${id}`;
  const named = `named ${classes[predicted]} (${probabilities[predicted]!.toFixed(3)})`;
  return `${what}: ${label === null ? '' : label === predicted ? 'rightly ' : 'wrongly '}${named}`;
}

/** "72 % inside" */
function strongest(regions: Regions): string {
  const shares = regionNames.map(name => ({ name, share: regions[name].share ?? 0 }));
  const best = shares.reduce((most, one) => (one.share > most.share ? one : most));
  return best.share === 0 ? 'no fall' : `${Math.round(100 * best.share)} % ${best.name}`;
}
