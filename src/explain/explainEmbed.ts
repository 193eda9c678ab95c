import type { LoadOptions } from '../classifiers/classifier.ts';
import { loadClassifier } from '../classifiers/loadClassifier.ts';
import { Dataset } from '../dataset/dataset.ts';
import { BrightcellError } from '../errors.ts';
import type { Job } from '../job.ts';
import { type EmbedOptions, embedCells } from './embed.ts';
import { drawEmbedding } from './embedFigures.ts';
import { type EmbedReport, embedJson, layerRows, writeCoordinates } from './embedFiles.ts';
import { csv } from './occlusionFiles.ts';
import { foldFor, inputsOf, placeOf, writeExplanation } from './place.ts';

export interface ExplainEmbedOptions extends EmbedOptions, LoadOptions {
  /** Folder for the files; RUN/explain/embed by default. */
  out?: string;
}

/**
 * Shows how a model's layers arrange cells: `embedCells` of a data set, by default the one that the run was trained on.
 * Writes `embed.json`, `layers.csv`, the points as `coordinates.parquet` and `coordinates.csv`, and figures. Throws what
 * `embedCells`, loading a model and opening a data set throw, `source-invalid` without a data set, and `disk-full`.
 */
export async function explainEmbed(
  model: string,
  dataset: string | undefined,
  options: ExplainEmbedOptions = {},
  job: Job = {},
): Promise<EmbedReport> {
  const started = performance.now();
  const { out = placeOf(model, 'embed'), precision, ...rest } = options;
  const inputs = dataset === undefined ? [] : [dataset];
  const classifier = await loadClassifier(model, { precision });
  try {
    const [path] = await inputsOf(model, inputs);
    if (path === undefined) throw noDataset(model);
    const opened = await Dataset.open(path, 'read');
    try {
      const embedding = await embedCells(
        classifier,
        opened,
        { fold: await foldFor(model, inputs), ...rest },
        job,
      );
      const report: EmbedReport = {
        ...{ ...embedding, model, dataset: path, cells: embedding.cells.id.length },
        layers: embedding.layers.map(({ coordinates: _coordinates, ...layer }) => layer),
        ...{ out, files: [], seconds: 0 },
      };
      const files = await writeExplanation(out, {
        texts: [
          ['embed.json', embedJson(report)],
          ['layers.csv', csv(layerRows(report))],
        ],
        figures: await drawEmbedding(embedding),
        others: folder => writeCoordinates(folder, embedding, job),
      });
      return { ...report, files, seconds: (performance.now() - started) / 1000 };
    } finally {
      await opened.close();
    }
  } finally {
    classifier.dispose();
  }
}

function noDataset(model: string): BrightcellError {
  return new BrightcellError(
    'source-invalid',
    `A data set must be given: ${model} is no run that says which it was trained on. ` +
      `Try: brightcell explain embed ${model} DATASET`,
  );
}
