// N cells, M filters.
import { CnnClassifier } from '../classifiers/cnn.ts';
import { loadClassifier } from '../classifiers/loadClassifier.ts';
import { encodeNpyHeader } from '../dataset/npy.ts';
import { BrightcellError } from '../errors.ts';
import type { Job } from '../job.ts';
import { type CellChoice, type ChosenCells, chooseCells } from './chooseCells.ts';
import { drawFilters, kernelNorms } from './filterFigures.ts';
import { findExcitements, type LayerFilters, readFilters } from './filters.ts';
import { csv } from './occlusionFiles.ts';
import { foldFor, inputsOf, placeOf, writeExplanation } from './place.ts';

export interface ExplainFiltersOptions extends Omit<CellChoice, 'outcome'> {
  /** Convolutions ("conv2", or an index); all by default. */
  layers?: readonly string[];
  /** Cells shown for each filter; 4 by default, 0 leaves them out. */
  most?: number;
  /** Filters, by their numbers from 1, whose weights for each map are drawn; the two largest of each layer by default. */
  slices?: readonly number[];
  /** Folder for the files; RUN/explain/filters by default. */
  out?: string;
}

/** Everything that the files and figures show. */
export interface FilterExplanation {
  layers: LayerFilters[];
  /** Null where no cells were looked at. */
  chosen: ChosenCells | null;
}

export interface FiltersReport {
  model: string;
  inputs: readonly string[];
  /** Cells that were looked at. */
  cells: number;
  layers: {
    name: string;
    index: number;
    filters: number;
    channels: number;
    kernel: [number, number];
    shape: number[];
  }[];
  warnings: string[];
  out: string;
  files: string[];
  seconds: number;
}

/**
 * Shows the filters of a network's convolutions and, for a data set or images (by default the data set of the run), the
 * cells and parts of them that excite each filter most; writes `filters.json`, tables, weights and figures. Throws
 * `option-invalid` for a model that is no network and for layers that there are not, and what `chooseCells` throws.
 */
export async function explainFilters(
  model: string,
  inputs: readonly string[] = [],
  options: ExplainFiltersOptions = {},
  job: Job = {},
): Promise<FiltersReport> {
  const started = performance.now();
  const classifier = await loadClassifier(model);
  try {
    if (!(classifier instanceof CnnClassifier))
      throw new BrightcellError(
        'option-invalid',
        `Only networks have filters. The model at ${model} is no network. "explain occlusion" explains any model.`,
      );
    const slices = slicesOf(readFilters(classifier.network, options.layers), options.slices);
    const taken = await inputsOf(model, inputs);
    const choice = { perClass: 250, fold: await foldFor(model, inputs), ...options };
    const explanation = await explainNetwork(classifier, options.most === 0 ? [] : taken, choice, job);
    const out = options.out ?? placeOf(model, 'filters');
    const report: FiltersReport = {
      ...{ model, inputs: taken, cells: explanation.chosen?.cells.length ?? 0 },
      layers: explanation.layers.map(({ name, index, filters, channels, kernel, shape }) => ({
        ...{ name, index, filters, channels, kernel, shape },
      })),
      warnings: explanation.chosen?.warnings ?? [],
      ...{ out, files: [], seconds: 0 },
    };
    const figures = await drawFilters(explanation.layers, explanation.chosen?.images ?? null, slices);
    report.files = await writeExplanation(out, { texts: filterData(report, explanation), figures });
    return { ...report, seconds: (performance.now() - started) / 1000 };
  } finally {
    classifier.dispose();
  }
}

/** The same without files: what the figures are drawn from. Without inputs no cells are looked at. */
export async function explainNetwork(
  classifier: CnnClassifier,
  inputs: readonly string[],
  options: ExplainFiltersOptions,
  job: Job = {},
): Promise<FilterExplanation> {
  const { most = 4, layers: names } = options;
  if (!Number.isInteger(most) || most < 0 || most > 100)
    throw new BrightcellError(
      'option-invalid',
      `most must be a whole number from 0 to 100. Received ${most}.`,
    );
  const layers = readFilters(classifier.network, names);
  if (inputs.length === 0 || most === 0) return { layers, chosen: null };
  const chosen = await chooseCells(classifier, inputs, options, job);
  const rows = Int32Array.from(chosen.cells.keys());
  const input = { images: chosen.images, rows, normalisation: classifier.normalisation };
  for (const layer of layers)
    layer.excitements = await findExcitements(classifier.network, input, layer, most, job);
  return { layers, chosen };
}

function filterData(
  { files: _files, seconds: _seconds, ...report }: FiltersReport,
  { layers, chosen }: FilterExplanation,
): [string, string | Uint8Array][] {
  return [
    ['filters.json', `${JSON.stringify(report, null, 2)}\n`],
    ...layers.flatMap(layer => [
      [`${layer.name}.csv`, filtersCsv(layer)] as [string, string],
      [`${layer.name}-weights.npy`, weightsFile(layer)] as [string, Uint8Array],
      ...(chosen
        ? [[`${layer.name}-excitements.csv`, excitementsCsv(layer, chosen)] as [string, string]]
        : []),
    ]),
  ];
}

/** A row a filter. */
function filtersCsv(layer: LayerFilters): string {
  const norms = kernelNorms(layer);
  const rows = norms.map((norm, i) => {
    const length = Math.sqrt(norm.reduce((sum, one) => sum + one * one, 0));
    return [i + 1, length, layer.bias[i]!, layer.excitements[i]?.[0]?.value ?? null];
  });
  return csv([['filter', 'norm', 'bias', 'most_excited'], ...rows]);
}

/** A row a filter and cell; rows and columns of the field are the first and the last. */
function excitementsCsv({ excitements }: LayerFilters, { cells }: ChosenCells): string {
  const rows = excitements.flatMap((own, filter) =>
    own.map(({ cell, value, row, column, field }, rank) => [
      ...[filter + 1, rank + 1, cells[cell]!.id, cells[cell]!.source, value, row, column],
      ...[...field.rows, ...field.columns],
    ]),
  );
  const head = ['filter', 'rank', 'id', 'source', 'value', 'row', 'column', 'top', 'bottom', 'left', 'right'];
  return csv([head, ...rows]);
}

function weightsFile({ filters, channels, kernel, weights }: LayerFilters): Uint8Array {
  const header = encodeNpyHeader('<f4', [filters, channels, ...kernel]);
  return Buffer.concat([header, Buffer.from(weights.buffer, weights.byteOffset, weights.byteLength)]);
}

/** Places of the filters; throws where no layer that reads maps has one of that number. */
function slicesOf(layers: readonly LayerFilters[], wanted?: readonly number[]): number[] | undefined {
  if (wanted === undefined) return undefined;
  const deep = layers.filter(one => one.index > 0);
  const most = Math.max(0, ...deep.map(one => one.filters));
  const wrong = wanted.find(one => !(Number.isInteger(one) && one >= 1 && one <= most));
  if (wanted.length > 0 && wrong === undefined) return wanted.map(one => one - 1);
  throw new BrightcellError(
    'option-invalid',
    deep.length === 0
      ? 'Slices are those of deeper convolutions. The layers shown have none: leave slices away.'
      : `Slices must be numbers of filters, from 1 to ${most}. Received ${wrong ?? 'none'}.`,
  );
}
