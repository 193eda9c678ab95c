import type { ImageSet } from '../engine/imageSet.ts';
import { divergingColours, sequentialColours } from '../figures/colourMaps.ts';
import { type DrawnFigure, drawSheet, type Tile } from '../figures/imageSheet.ts';
import { type ColourScale, colourRaster, imageRaster, rangeOf } from '../figures/tile.ts';
import type { Attributions } from './attributions.ts';
import type { ExplainedCell, ExplainedClass, OcclusionExplanation } from './occlusionExplanation.ts';
import { fileWord } from './place.ts';
import { type Regions, regionNames } from './regions.ts';

/** Most cells of a class in its figure. */
const shownCells = 8;

/** A figure of all classes' means, one of cells for each class and, of a network, one of the check of its maps. */
export async function drawOcclusion(
  explanation: OcclusionExplanation,
  images: ImageSet,
): Promise<DrawnFigure[]> {
  const ofClasses = explanation.perClass.map(one => drawCells(explanation, images, one));
  const checked = explanation.attributions?.sanity.length ? [await drawSanity(explanation, images)] : [];
  return [await drawMeans(explanation), ...(await Promise.all(ofClasses)), ...checked];
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
  { cells, classes, settings, attributions }: OcclusionExplanation,
  images: ImageSet,
  { name, index }: ExplainedClass,
): Promise<DrawnFigure> {
  const own = cells.map((cell, row) => ({ cell, row })).filter(({ cell }) => cell.target === index);
  const shown = own.slice(0, shownCells);
  const title = `What the classifier looks at in cells of ${name}`;
  const sheet = {
    title,
    side: 150,
    columns: ['image', 'occlusion', ...(attributions ? ['Grad-CAM', 'integrated gradients'] : [])],
    rows: shown.map(({ cell, row }) => ({
      heading: describeCell(cell, classes),
      tiles: cellTiles(cell, images, row),
    })),
    notes: [
      `Occlusion: how far the probability of ${name} falls (orange) or rises (blue) where a mask of ${settings.mask} x ${settings.mask} pixels, filled with ${fillWords[settings.fill]}, hides the image.`,
      ...(attributions ? attributionNotes(attributions, name) : []),
      'Each map has its own scale.',
      ...(own.length > shown.length ? [`${shown.length} of ${own.length} cells.`] : []),
    ],
  };
  return { name: `cells-${index}-${fileWord(name)}`, title, svg: await drawSheet(sheet) };
}

function attributionNotes({ settings }: Omit<Attributions, 'cells'>, name: string): string[] {
  const baseline = settings.baseline === 'mean' ? 'its own mean everywhere' : 'itself blurred';
  return [
    `Grad-CAM: where the maps of ${settings.layer} speak for ${name}.`,
    `Integrated gradients: what each pixel adds to the logit of ${name} (orange) or takes from it (blue), the image being compared with ${baseline}.`,
  ];
}

/** The first cell of the check, its maps by the trained network and as it forgets, from left to right. */
async function drawSanity(
  { cells, attributions, classes }: OcclusionExplanation,
  images: ImageSet,
): Promise<DrawnFigure> {
  const { sanity, sanityCells } = attributions!;
  const row = sanityCells[0]!;
  const cell = cells[row]!;
  const { channels, height, width } = images.shape;
  const methods = ['gradCam', 'integratedGradients'] as const;
  const mapOf = (
    one: { gradCam: Float32Array; integratedGradients: Float32Array },
    method: (typeof methods)[number],
  ) =>
    method === 'gradCam'
      ? camTile(one.gradCam, height, width)
      : signedTile(one.integratedGradients, height, width);
  const trained = {
    gradCam: cell.attributions!.gradCam,
    integratedGradients: cell.attributions!.integratedGradients.map,
  };
  const title = 'Do the maps depend on what the network has learnt?';
  const sheet = {
    title,
    side: 92,
    columns: ['image', 'trained', ...sanity.map(({ from }) => from)],
    rows: methods.map(method => ({
      heading: method === 'gradCam' ? 'Grad-CAM' : 'Integrated gradients',
      tiles: [
        { raster: imageRaster(images.read(row), [channels, height, width]), note: classes[cell.target]! },
        { ...mapOf(trained, method), note: 'rank corr. 1' },
        ...sanity.map(stage => ({
          ...mapOf(stage.maps, method),
          note: stage[method].rankCorrelation.toFixed(2).replace('-', '\u2212'),
        })),
      ],
    })),
    notes: [
      'From left to right the network forgets: its weights are random from the named layer to the last one, at the right all of them.',
      `Below each map the rank correlation with the trained network's, the mean of ${sanityCells.length} cells. A method whose maps stay alike shows edges of the image, not what was learnt.`,
    ],
  };
  return { name: 'sanity', title, svg: await drawSheet(sheet) };
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
  const drop = probability.map(one => whole - one);
  const image = { raster: imageRaster(images.read(row), [channels, height, width]) };
  if (!cell.attributions) return [image, dropTile(drop, height, width)];
  const { gradCam, integratedGradients } = cell.attributions;
  return [
    image,
    dropTile(drop, height, width),
    camTile(gradCam, height, width),
    signedTile(integratedGradients.map, height, width),
  ];
}

type ScaledTile = Tile & { scale: ColourScale };

function camTile(map: Float32Array, height: number, width: number): ScaledTile {
  const scale = { colours: sequentialColours, low: 0, high: rangeOf([map])[1] };
  return { raster: colourRaster(map, height, width, scale), scale };
}

/** The few strongest pixels would leave the others pale: the scale ends where all but one in 200 are within. */
function signedTile(map: Float32Array, height: number, width: number): ScaledTile {
  const sizes = map.map(Math.abs).sort();
  const end = sizes[Math.floor(0.995 * (sizes.length - 1))]!;
  const scale = { colours: divergingColours, low: -end, high: end };
  return { raster: colourRaster(map, height, width, scale), scale };
}

/** A map of falls, orange, and rises, blue; one that hardly changes anywhere stays pale instead of showing its noise. */
function dropTile(drop: Float32Array, height: number, width: number): ScaledTile {
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
