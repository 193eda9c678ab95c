import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { toCsv } from '../evaluate/csv.ts';
import { type BandPoint, bandFigure } from '../figures/bandFigure.ts';
import { writeFigure } from '../figures/figure.ts';
import { writeWholeFile } from '../wholeFile.ts';
import { writeJson } from './measureTask.ts';
import type { VolumeFit, VolumeOutcome, VolumeReport } from './volumeReport.ts';

/** Writes `volume.json`, `volume.csv` and the figures; gives their paths. */
export async function writeVolumeFiles(report: VolumeReport): Promise<string[]> {
  const { out } = report;
  const figures = join(out, 'figures');
  await mkdir(figures, { recursive: true });
  const { files: _files, ...content } = report;
  await writeJson(join(out, 'volume.json'), content);
  await writeWholeFile(join(out, 'volume.csv'), volumeCsv(report));
  return [
    join(out, 'volume.json'),
    join(out, 'volume.csv'),
    ...(await writeFigure(figures, 'accuracy', accuracyFigure(report))),
    ...(await writeFigure(figures, 'cost', costAgainstVolume(report))),
  ];
}

/** A row for every fit and part; a fit that failed has one row with its error. */
function volumeCsv({ fits }: VolumeReport): string {
  const header = [
    ...['method', 'size', 'seed', 'part', 'cells', 'accuracy', 'balanced_accuracy', 'macro_f1', 'log_loss'],
    ...['fit_seconds', 'fit_cpu_seconds', 'fit_peak_bytes', 'thousand_predictions_seconds'],
    ...['predict_peak_bytes', 'error'],
  ];
  const rows = fits.flatMap(({ method, size, seed, outcome }) => {
    if ('failure' in outcome)
      return [[method, size, seed, ...new Array<null>(11).fill(null), outcome.failure.message]];
    return outcome.parts.map(one => [
      ...[
        method,
        size,
        seed,
        one.part,
        one.cells,
        one.accuracy,
        one.balancedAccuracy,
        one.macroF1,
        one.logLoss,
      ],
      ...[outcome.fitSeconds, outcome.fitCpuSeconds, outcome.fitPeakBytes, outcome.thousandSeconds],
      ...[outcome.predictPeakBytes, null],
    ]);
  });
  return toCsv([header, ...rows]);
}

const imagesAxis = { label: 'training images', log: true };

function accuracyFigure(report: VolumeReport) {
  const parts = partsOf(report);
  const names = report.methods.map(one => one.name);
  const panel = (title: string, part: string, figure: 'accuracy' | 'macroF1', label: string) => ({
    title,
    points: bandPoints(report, outcome => outcome.parts.find(one => one.part === part)?.[figure] ?? null),
    x: imagesAxis,
    y: { label },
  });
  const cells = report.fits.flatMap(({ outcome }) => ('failure' in outcome ? [] : outcome.parts));
  const panels = parts.flatMap(part => {
    const count = cells.find(one => one.part === part)!.cells.toLocaleString('en-US');
    return [
      panel(`Accuracy, ${count} ${part} cells`, part, 'accuracy', 'accuracy (share)'),
      panel(`F score, macro, ${count} ${part} cells`, part, 'macroF1', 'F score, macro (0 to 1)'),
    ];
  });
  return bandFigure('Accuracy against the number of training images', names, panels, {
    notes: [`Lines: mean of ${seedWords(report)}; bands: least to most. Subsamples of one seed are nested.`],
    columns: 2,
  });
}

function costAgainstVolume(report: VolumeReport) {
  const panel = (title: string, label: string, of: (one: VolumeOutcome) => number) => ({
    title,
    points: bandPoints(report, of),
    x: imagesAxis,
    y: { label, log: true },
  });
  const names = report.methods.map(one => one.name);
  const panels = [
    panel('Fitting: time', 's', one => one.fitSeconds),
    panel('Fitting: memory', 'MB', one => one.fitPeakBytes / 1e6),
    panel('1,000 predictions: time', 's', one => one.thousandSeconds),
    panel('1,000 predictions: memory', 'MB', one => one.predictPeakBytes / 1e6),
  ];
  return bandFigure('Time and memory against the number of training images', names, panels, {
    notes: [
      `Lines: mean of ${seedWords(report)}; bands: least to most. Time is wall-clock time; memory is the most that the process held at once, mapped images and the program included.`,
    ],
    columns: 2,
  });
}

function seedWords({ seeds }: VolumeReport): string {
  return seeds.length === 1 ? '1 seed' : `${seeds.length} seeds`;
}

/** Names of the parts that were scored, test first. */
export function partsOf({ fits }: VolumeReport): string[] {
  const names = fits.flatMap(({ outcome }) =>
    'failure' in outcome ? [] : outcome.parts.map(one => one.part),
  );
  return ['test', 'validation'].filter(name => names.includes(name as 'test'));
}

/** The finished fits of one method on one number of images. */
export function outcomesOf(fits: readonly VolumeFit[], method: string, size: number): VolumeOutcome[] {
  return fits.flatMap(fit =>
    fit.method === method && fit.size === size && !('failure' in fit.outcome) ? [fit.outcome] : [],
  );
}

function bandPoints(
  { fits, methods, sizes }: VolumeReport,
  of: (outcome: VolumeOutcome) => number | null,
): BandPoint[] {
  return methods.flatMap(({ name }) =>
    sizes.flatMap(size => {
      const values = outcomesOf(fits, name, size)
        .map(of)
        .filter(one => one !== null);
      if (values.length === 0) return [];
      const mean = values.reduce((sum, one) => sum + one, 0) / values.length;
      return [{ series: name, x: size, mean, low: Math.min(...values), high: Math.max(...values) }];
    }),
  );
}
