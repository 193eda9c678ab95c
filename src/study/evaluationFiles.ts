import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { confusionCsv, curvesCsv, intervalsCsv, operatingPointsCsv, scoresCsv } from '../evaluate/csv.ts';
import {
  type PredictionTable,
  writePredictionsCsv,
  writePredictionsParquet,
} from '../evaluate/predictions.ts';
import type { EvaluatedPart } from '../evaluate/report.ts';
import { confusionFigure } from '../figures/confusionFigure.ts';
import { evaluationFigures } from '../figures/evaluationFigures.ts';
import { writeFigure } from '../figures/figure.ts';
import { writeWholeFile } from '../wholeFile.ts';
import { predictionsOf } from './evaluateParts.ts';
import type { EvaluationReport } from './evaluationReport.ts';
import { withoutScaling } from './measureDoubts.ts';

/** Writes every file of an evaluation; what an earlier one of other parts left in the folder is removed. */
export async function writeEvaluation(
  report: EvaluationReport,
  predictions: PredictionTable,
): Promise<string[]> {
  const { out } = report;
  await mkdir(out, { recursive: true });
  const texts = textsOf(report, predictions);
  await writePredictionsParquet(join(out, 'predictions.parquet'), predictions);
  await writePredictionsCsv(join(out, 'predictions.csv'), predictions);
  for (const [name, text] of texts) await writeWholeFile(join(out, name), text);
  const names = ['predictions.parquet', 'predictions.csv', ...texts.map(([name]) => name)];
  await removeOthers(out, /^(scores|intervals|confusion|operating-points|curves)-\w+\.csv$/, names);
  const figures = await writeFigures(join(out, 'figures'), report.parts, predictions);
  return [...names.map(name => join(out, name)), ...figures];
}

function textsOf(report: EvaluationReport, predictions: PredictionTable): [name: string, text: string][] {
  const { classes } = predictions;
  const texts = report.parts.flatMap(({ part, scores, operatingPoints, intervals }): [string, string][] => [
    [`scores-${part}.csv`, scoresCsv(scores)],
    [`intervals-${part}.csv`, intervalsCsv(intervals)],
    [`confusion-${part}.csv`, confusionCsv(classes, scores.confusion)],
    [`operating-points-${part}.csv`, operatingPointsCsv(operatingPoints.points)],
    [`curves-${part}.csv`, curvesCsv(predictionsOf(predictions, part))],
  ]);
  const { files: _files, seconds: _seconds, ...content } = report;
  return [...texts, ['scores.json', `${JSON.stringify({ classes, ...content }, null, 2)}\n`]];
}

/** NAME-PART.svg and .png of every figure and part. */
async function writeFigures(
  folder: string,
  parts: readonly EvaluatedPart[],
  predictions: PredictionTable,
): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const paths: string[] = [];
  for (const { part, scores, operatingPoints, doubts } of parts) {
    const shown = {
      part,
      predictions: predictionsOf(predictions, part),
      operatingPoints: operatingPoints.points,
    };
    const scaled = doubts && doubts.temperature !== 1;
    const unscaled = scaled ? { unscaled: withoutScaling(shown.predictions, doubts.temperature) } : {};
    const figures = [
      ['confusion', confusionFigure(part, predictions.classes, scores.confusion)] as const,
      ...evaluationFigures({ ...shown, ...unscaled }),
    ];
    for (const [name, figure] of figures)
      paths.push(...(await writeFigure(folder, `${name}-${part}`, figure)));
  }
  const names = paths.map(path => path.slice(folder.length + 1));
  await removeOthers(
    folder,
    /^(confusion|reliability|roc|precision-recall|operating-points)-\w+\.(svg|png)$/,
    names,
  );
  return paths;
}

async function removeOthers(folder: string, ours: RegExp, kept: string[]): Promise<void> {
  for (const name of await readdir(folder)) {
    if (ours.test(name) && !kept.includes(name)) await rm(join(folder, name));
  }
}
