import type { ExplainedCell, ExplainedClass, OcclusionExplanation } from './occlusionExplanation.ts';
import { type Regions, regionNames } from './regions.ts';

export interface OcclusionReport extends Pick<OcclusionExplanation, 'classes' | 'settings' | 'warnings'> {
  model: string;
  inputs: readonly string[];
  cells: (Omit<ExplainedCell, 'occlusion' | 'probabilities'> & {
    whole: number;
    measured: number;
    positions: number;
  })[];
  perClass: Omit<ExplainedClass, 'meanDrop'>[];
  out: string;
  files: string[];
  seconds: number;
}

/** Everything that the figures show; maps as lists of H x W numbers, row after row, to four decimals. */
export function occlusionJson(
  { files: _files, seconds: _seconds, ...report }: OcclusionReport,
  { cells, perClass }: OcclusionExplanation,
): string {
  const content = {
    ...report,
    cells: report.cells.map((cell, i) => ({
      ...cell,
      probabilities: short(cells[i]!.probabilities),
      height: cells[i]!.occlusion.height,
      width: cells[i]!.occlusion.width,
      probabilityMap: short(cells[i]!.occlusion.probability),
    })),
    perClass: report.perClass.map((one, i) => ({ ...one, meanDropMap: short(perClass[i]!.meanDrop) })),
  };
  return `${JSON.stringify(content)}\n`;
}

/** `cells.csv`, a row a cell, and `regions.csv`, a row a class and region. */
export function occlusionCsv({ classes, cells, perClass }: OcclusionExplanation): [string, string][] {
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
  return [
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

function short(values: ArrayLike<number>): number[] {
  return Array.from(values, value => Math.round(value * 1e4) / 1e4);
}

/** A cell without its lists of numbers. */
export function withoutMaps({
  occlusion,
  probabilities: _probabilities,
  ...rest
}: ExplainedCell): OcclusionReport['cells'][number] {
  const { whole, measured, positions } = occlusion;
  return { ...rest, whole, measured, positions };
}
