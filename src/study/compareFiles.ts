import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { comparisonCsv, pairsCsv } from '../evaluate/comparisonCsv.ts';
import { classesFigure, costFigure, scoresFigure } from '../figures/comparisonFigures.ts';
import { writeFigure } from '../figures/figure.ts';
import { writeWholeFile } from '../wholeFile.ts';
import type { CompareReport } from './compareReport.ts';
import { type MeasuredMethod, writeJson } from './measureTask.ts';
import type { MethodRequest } from './methodTask.ts';

/** Writes `comparison.json`, the tables and the figures; gives their paths. */
export async function writeCompareFiles(report: CompareReport): Promise<string[]> {
  const { out, parts, methods } = report;
  const figures = join(out, 'figures');
  await mkdir(figures, { recursive: true });
  const paths = [];
  for (const { part, comparison } of parts) {
    paths.push(...(await writeFigure(figures, `scores-${part}`, scoresFigure(part, comparison))));
    paths.push(...(await writeFigure(figures, `classes-${part}`, classesFigure(part, comparison))));
  }
  const costs = methods.flatMap(one => ('failure' in one ? [] : [costOf(one)]));
  paths.push(...(await writeFigure(figures, 'cost', costFigure(costs, report.trainingCells))));
  const text = { 'scores.csv': comparisonCsv(parts), 'pairs.csv': pairsCsv(parts) };
  for (const [name, content] of Object.entries(text)) await writeWholeFile(join(out, name), content);
  const { files: _files, ...content } = report;
  await writeJson(join(out, 'comparison.json'), content);
  return [...['comparison.json', ...Object.keys(text)].map(name => join(out, name)), ...paths];
}

/** What a method cost, as figures show it; 1 MB is 10^6 bytes. */
function costOf({ name, fit, score }: MethodRequest & MeasuredMethod) {
  return {
    method: name,
    fitSeconds: fit?.seconds ?? null,
    fitMegabytes: fit === null ? null : fit.peakBytes / 1e6,
    predictSeconds: score.thousandSeconds,
    predictMegabytes: score.peakBytes / 1e6,
  };
}
