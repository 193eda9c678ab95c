import { loadClassifier } from '../classifiers/loadClassifier.ts';
import type { Job } from '../job.ts';
import { type CellChoice, chooseCells } from './chooseCells.ts';
import { type ExplainSettings, explainCells } from './occlusionExplanation.ts';
import { drawOcclusion } from './occlusionFigures.ts';
import {
  type OcclusionReport,
  occlusionCsv,
  occlusionJson,
  occlusionMaps,
  withoutMaps,
  withoutSanityMaps,
} from './occlusionFiles.ts';
import { foldFor, inputsOf, placeOf, writeExplanation } from './place.ts';

export interface ExplainOcclusionOptions extends CellChoice, ExplainSettings {
  /** Folder for the files; RUN/explain/occlusion by default. */
  out?: string;
}

/**
 * Shows which parts of cells a classifier of any kind looks at, and writes `occlusion.json`, `cells.csv`,
 * `regions.csv` and figures. Without `inputs` the data set of the run is taken. Throws what `chooseCells` and
 * `measureOcclusion` throw, what loading a model throws, and `disk-full`.
 */
export async function explainOcclusion(
  model: string,
  inputs: readonly string[] = [],
  options: ExplainOcclusionOptions = {},
  job: Job = {},
): Promise<OcclusionReport> {
  const started = performance.now();
  const classifier = await loadClassifier(model);
  try {
    const taken = await inputsOf(model, inputs);
    const chosen = await chooseCells(
      classifier,
      taken,
      { fold: await foldFor(model, inputs), ...options },
      job,
    );
    const explanation = await explainCells(classifier, chosen, options, job);
    const out = options.out ?? placeOf(model, 'occlusion');
    const report: OcclusionReport = {
      ...{ model, inputs: taken, classes: explanation.classes },
      ...{ settings: explanation.settings, warnings: explanation.warnings },
      attributions: explanation.attributions && withoutSanityMaps(explanation.attributions),
      cells: explanation.cells.map(withoutMaps),
      perClass: explanation.perClass.map(({ meanDrop: _meanDrop, ...rest }) => rest),
      ...{ out, files: [], seconds: 0 },
    };
    const figures = await drawOcclusion(explanation, chosen.images);
    report.files = await writeExplanation(out, {
      texts: [
        ['occlusion.json', occlusionJson(report, explanation)],
        ...occlusionCsv(explanation),
        ...occlusionMaps(explanation),
      ],
      figures,
    });
    return { ...report, seconds: (performance.now() - started) / 1000 };
  } finally {
    classifier.dispose();
  }
}
