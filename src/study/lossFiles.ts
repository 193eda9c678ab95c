import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { toCsv } from '../evaluate/csv.ts';
import { type BandPoint, bandFigure } from '../figures/bandFigure.ts';
import { writeFigure } from '../figures/figure.ts';
import type { EpochRecord } from '../train/epochLog.ts';
import { writeWholeFile } from '../wholeFile.ts';
import type { CurveFigures } from './curve.ts';
import type { LossCurve, LossName, LossReport } from './lossReport.ts';
import { writeJson } from './measureTask.ts';

/** Writes `losses.json`, `epochs.csv` and the figure; gives their paths. */
export async function writeLossFiles(report: LossReport): Promise<string[]> {
  const { out } = report;
  const figures = join(out, 'figures');
  await mkdir(figures, { recursive: true });
  const { files: _files, ...content } = report;
  await writeJson(join(out, 'losses.json'), { ...content, summary: summariseLosses(report) });
  await writeWholeFile(join(out, 'epochs.csv'), epochsCsv(report));
  return [
    join(out, 'losses.json'),
    join(out, 'epochs.csv'),
    ...(await writeFigure(figures, 'convergence', convergenceFigure(report))),
  ];
}

/** How one loss did over its seeds; means. */
export interface LossSummary {
  loss: LossName;
  /** Trainings that came to their end. */
  trainings: number;
  failed: number;
  trainAccuracy: number;
  bestValidationAccuracy: number;
  bestValidationMacroF1: number;
  /** Steps until the validation accuracy first is 95 % of the best that any loss reached; null where a seed never is. */
  stepsToTarget: number | null;
  target: number;
}

/** A summary of every loss with at least one finished training. */
export function summariseLosses({ losses, curves }: LossReport): LossSummary[] {
  const accuracyOf = (one: EpochRecord) => one.validationAccuracy ?? 0;
  const best = (curve: CurveFigures) => Math.max(...curve.epochs.map(accuracyOf));
  const all = losses.flatMap(loss => finished(curves, loss));
  const target = 0.95 * Math.max(...all.map(best));
  return losses.flatMap(loss => {
    const own = finished(curves, loss);
    if (own.length === 0) return [];
    const steps = own.map(curve => {
      const epoch = curve.epochs.findIndex(one => accuracyOf(one) >= target) + 1;
      return epoch === 0 ? null : epoch * curve.stepsPerEpoch;
    });
    return {
      loss,
      trainings: own.length,
      failed: curves.filter(one => one.loss === loss).length - own.length,
      trainAccuracy: mean(own.map(curve => curve.epochs.at(-1)!.trainAccuracy)),
      bestValidationAccuracy: mean(own.map(best)),
      bestValidationMacroF1: mean(
        own.map(curve => Math.max(...curve.epochs.map(one => one.validationMacroF1 ?? 0))),
      ),
      stepsToTarget: steps.includes(null) ? null : mean(steps as number[]),
      target,
    };
  });
}

function epochsCsv({ curves }: LossReport): string {
  const header = [
    ...['loss', 'seed', 'epoch', 'step', 'train_loss', 'train_accuracy', 'validation_loss'],
    ...['validation_accuracy', 'validation_macro_f1', 'error'],
  ];
  const rows = curves.flatMap(({ loss, seed, outcome }) => {
    if ('failure' in outcome)
      return [[loss, seed, ...new Array<null>(7).fill(null), outcome.failure.message]];
    return outcome.epochs.map(one => [
      ...[loss, seed, one.epoch, one.epoch * outcome.stepsPerEpoch, one.trainLoss, one.trainAccuracy],
      ...[one.validationLoss, one.validationAccuracy, one.validationMacroF1, null],
    ]);
  });
  return toCsv([header, ...rows]);
}

function convergenceFigure(report: LossReport) {
  const seeds = report.seeds.length;
  const panel = (
    title: string,
    label: string,
    of: (one: EpochRecord, first: EpochRecord) => number | null,
  ) => ({
    title,
    points: curvePoints(report, of),
    x: { label: 'steps', log: false },
    y: { label },
  });
  const share = (value: number | null, first: number | null) =>
    value === null || !first ? null : value / first;
  return bandFigure(
    `Convergence of ${report.settings.model} by loss, ${report.trainingCells.toLocaleString('en-US')} training cells`,
    report.losses,
    [
      panel('Validation accuracy', 'accuracy (share)', one => one.validationAccuracy),
      panel('Training accuracy', 'accuracy (share)', one => one.trainAccuracy),
      panel('Validation loss', "loss, as a share of the first epoch's", (one, first) =>
        share(one.validationLoss, first.validationLoss),
      ),
      panel('Training loss', "loss, as a share of the first epoch's", (one, first) =>
        share(one.trainLoss, first.trainLoss),
      ),
    ],
    {
      notes: [
        `Lines: mean of ${seeds} ${seeds === 1 ? 'seed' : 'seeds'}; bands: least to most. A point an epoch. Each loss is drawn against its own value after the first epoch: their units differ.`,
      ],
      columns: 2,
    },
  );
}

function curvePoints(
  { losses, curves }: LossReport,
  of: (one: EpochRecord, first: EpochRecord) => number | null,
): BandPoint[] {
  return losses.flatMap(loss => {
    const own = finished(curves, loss);
    const length = Math.max(0, ...own.map(curve => curve.epochs.length));
    return Array.from({ length }, (_, e) => e).flatMap(e => {
      const values = own.flatMap(({ epochs }) => {
        const value = epochs[e] && of(epochs[e], epochs[0]!);
        return value === null || value === undefined ? [] : [value];
      });
      if (values.length === 0) return [];
      const x = (e + 1) * own[0]!.stepsPerEpoch;
      return [{ series: loss, x, mean: mean(values), low: Math.min(...values), high: Math.max(...values) }];
    });
  });
}

function finished(curves: readonly LossCurve[], loss: LossName): CurveFigures[] {
  return curves.flatMap(one => (one.loss === loss && !('failure' in one.outcome) ? [one.outcome] : []));
}

function mean(values: number[]): number {
  return values.reduce((sum, one) => sum + one, 0) / values.length;
}
