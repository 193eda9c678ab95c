import { encodeNpyHeader } from '../dataset/npy.ts';
import type { Attributions, ResolvedAttribution, SanityStage } from './attributions.ts';
import type { IntegratedGradients } from './integratedGradients.ts';
import type { ExplainedCell, ExplainedClass, OcclusionExplanation } from './occlusionExplanation.ts';
import { type Regions, regionNames } from './regions.ts';

/** A cell without its lists of numbers. */
export interface ReportedCell extends Omit<ExplainedCell, 'occlusion' | 'probabilities' | 'attributions'> {
  /** Probability without a mask. */
  whole: number;
  measured: number;
  positions: number;
  integratedGradients: Omit<IntegratedGradients, 'map'> | null;
}

export interface OcclusionReport extends Pick<OcclusionExplanation, 'classes' | 'settings' | 'warnings'> {
  model: string;
  inputs: readonly string[];
  cells: ReportedCell[];
  /** Of the maps by gradients; null where there are none. */
  attributions: {
    settings: ResolvedAttribution;
    sanityCells: number[];
    sanity: Omit<SanityStage, 'maps'>[];
  } | null;
  perClass: Omit<ExplainedClass, 'meanDrop'>[];
  out: string;
  files: string[];
  seconds: number;
}

/** Everything that the figures show, but the maps, which stand in NumPy files beside it. */
export function occlusionJson(
  { files: _files, seconds: _seconds, ...report }: OcclusionReport,
  { cells }: OcclusionExplanation,
): string {
  const content = {
    ...report,
    cells: report.cells.map((cell, i) => ({ ...cell, probabilities: cells[i]!.probabilities })),
    maps: { 'cell-maps.npy': mapNames(cells), 'class-maps.npy': ['meanDrop'] },
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

/**
 * `cell-maps.npy`, N x M x H x W: of each cell the probability, and of a network Grad-CAM and integrated gradients.
 * `class-maps.npy`, classes with cells x 1 x H x W: the mean fall.
 */
export function occlusionMaps({ cells, perClass }: OcclusionExplanation): [string, Uint8Array][] {
  const { height, width } = cells[0]!.occlusion;
  const ofCells = cells.map(({ occlusion, attributions }) => [
    occlusion.probability,
    ...(attributions ? [attributions.gradCam, attributions.integratedGradients.map] : []),
  ]);
  const ofClasses = perClass.map(({ meanDrop }) => [meanDrop]);
  return [
    ['cell-maps.npy', npy(ofCells, height, width)],
    ['class-maps.npy', npy(ofClasses, height, width)],
  ];
}

function mapNames(cells: readonly ExplainedCell[]): string[] {
  return ['probability', ...(cells[0]!.attributions ? ['gradCam', 'integratedGradients'] : [])];
}

function npy(maps: Float32Array[][], height: number, width: number): Uint8Array {
  const header = encodeNpyHeader('<f4', [maps.length, maps[0]!.length, height, width]);
  return Buffer.concat([
    header,
    ...maps.flat().map(map => Buffer.from(map.buffer, map.byteOffset, map.byteLength)),
  ]);
}

/** `cells.csv`, a row a cell, `regions.csv`, a row a class, and `sanity.csv`, a row a step of forgetting. */
export function occlusionCsv({
  classes,
  cells,
  perClass,
  attributions,
}: OcclusionExplanation): [string, string][] {
  const head = [
    'id',
    'source',
    'label',
    'named',
    'target',
    'probability',
    'lowest',
    'measured',
    'positions',
    ...regionHead,
  ];
  const rows = cells.map(cell => [
    cell.id,
    cell.source,
    cell.label === null ? null : classes[cell.label]!,
    classes[cell.predicted]!,
    classes[cell.target]!,
    cell.occlusion.whole,
    lowestOf(cell),
    cell.occlusion.measured,
    cell.occlusion.positions,
    ...regionRow(cell.regions),
  ]);
  const ofClasses = perClass.map(({ name, cells: count, regions }) => [name, count, ...regionRow(regions)]);
  const stages = (attributions?.sanity ?? []).map(({ from, gradCam, integratedGradients }) => [
    from,
    ...[gradCam, integratedGradients].flatMap(one => [one.rankCorrelation, one.similarity]),
    integratedGradients.signedRankCorrelation,
  ]);
  const stageHead = ['gradcam', 'integrated_gradients'].flatMap(name => [
    `${name}_rank_correlation`,
    `${name}_similarity`,
  ]);
  stageHead.push('integrated_gradients_signed_rank_correlation');
  return [
    ...(stages.length > 0
      ? [['sanity.csv', csv([['random_from', ...stageHead], ...stages])] as [string, string]]
      : []),
    ['cells.csv', csv([head, ...rows])],
    ['regions.csv', csv([['class', 'cells', ...regionHead], ...ofClasses])],
  ];
}

const regionHead = regionNames.flatMap(name => [`${name}_area`, `${name}_mean_drop`, `${name}_share`]);

function regionRow(regions: Regions): (number | null)[] {
  return regionNames.flatMap(name => [regions[name].area, regions[name].meanDrop, regions[name].share]);
}

/** The least probability anywhere in a cell's map. */
export function lowestOf({ occlusion }: Pick<ExplainedCell, 'occlusion'>): number {
  return occlusion.probability.reduce((least, one) => Math.min(least, one), 1);
}

/** A table as CSV; null is an empty field. */
export function csv(rows: readonly (readonly (string | number | null)[])[]): string {
  const field = (value: string | number | null) => {
    if (value === null) return '';
    if (typeof value === 'number') return String(Number(value.toPrecision(7)));
    return /[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
  };
  return `${rows.map(row => row.map(field).join(',')).join('\n')}\n`;
}

export function withoutMaps({
  occlusion,
  probabilities: _probabilities,
  attributions,
  ...rest
}: ExplainedCell): ReportedCell {
  const { whole, measured, positions } = occlusion;
  const { map: _map, ...integrated } = attributions?.integratedGradients ?? {};
  return {
    ...{ ...rest, whole, measured, positions },
    integratedGradients: attributions ? (integrated as Omit<IntegratedGradients, 'map'>) : null,
  };
}

export function withoutSanityMaps({
  settings,
  sanityCells,
  sanity,
}: Omit<Attributions, 'cells'>): OcclusionReport['attributions'] {
  return { settings, sanityCells, sanity: sanity.map(({ maps: _maps, ...stage }) => stage) };
}
