import { BrightcellError } from '../errors.ts';
import type { PredictionTable } from '../evaluate/predictions.ts';
import type { MethodOutcome } from './measureTask.ts';

/** The folds to hold out: every one of a k-fold split, or the given one. Throws `dataset-unsplit` without a k-fold split. */
export function heldOutFolds(
  dataset: string,
  { folds, fold }: { folds?: boolean; fold?: number | null },
  count: number,
): (number | null)[] {
  if (!folds) return [fold ?? null];
  if (fold !== undefined && fold !== null)
    throw new BrightcellError(
      'option-invalid',
      `Either one fold is held out or all are. Received fold ${fold} and folds.`,
    );
  if (count > 1) return Array.from({ length: count }, (_, i) => i);
  throw new BrightcellError(
    'dataset-unsplit',
    `folds needs a k-fold split, which ${dataset} does not have. Run: brightcell split ${dataset} --folds 5`,
  );
}

/**
 * One outcome of a method's folds: times add up, of a thousand predictions the mean; memory is the most of any fold. One fold
 * that failed makes it a failure, for its cells are missing.
 */
export function poolOutcomes(outcomes: readonly MethodOutcome[]): MethodOutcome {
  const [first] = outcomes;
  if (outcomes.length === 1) return first!;
  for (const [fold, one] of outcomes.entries()) {
    if ('failure' in one)
      return { failure: { ...one.failure, message: `Fold ${fold}: ${one.failure.message}` } };
  }
  const measured = outcomes.flatMap(one => ('failure' in one ? [] : [one]));
  const fits = measured.map(one => one.fit!);
  const scores = measured.map(one => one.score);
  const sum = (values: number[]) => values.reduce((total, one) => total + one, 0);
  const mean = (values: number[]) => sum(values) / values.length;
  return {
    kept: measured.every(one => one.kept),
    fit: {
      ...fits[0]!,
      seconds: sum(fits.map(one => one.seconds)),
      cpuSeconds: sum(fits.map(one => one.cpuSeconds)),
      peakBytes: Math.max(...fits.map(one => one.peakBytes)),
      trainingCells: Math.round(mean(fits.map(one => one.trainingCells))),
      facts: Object.fromEntries(fits.map((one, fold) => [`fold ${fold}`, one.facts])),
      validation: null,
    },
    score: {
      ...scores[0]!,
      loadSeconds: mean(scores.map(one => one.loadSeconds)),
      thousandSeconds: mean(scores.map(one => one.thousandSeconds)),
      cpuSeconds: mean(scores.map(one => one.cpuSeconds)),
      peakBytes: Math.max(...scores.map(one => one.peakBytes)),
      parts: [],
      cautions: [...new Set(scores.flatMap(one => one.cautions))],
    },
  };
}

/** The cells of all folds in one table, part by part; every cell of the split stands once in each part. */
export function poolTables(tables: readonly PredictionTable[], parts: readonly string[]): PredictionTable {
  const [first] = tables;
  if (tables.length === 1) return first!;
  const { classes } = first!;
  const K = classes.length;
  const places = parts.flatMap(part =>
    tables.flatMap(table => table.part.flatMap((own, cell) => (own === part ? [{ table, cell }] : []))),
  );
  const probabilities = new Float32Array(places.length * K);
  for (const [i, { table, cell }] of places.entries())
    probabilities.set(table.probabilities.subarray(cell * K, (cell + 1) * K), i * K);
  return {
    ...{ classes, probabilities },
    id: Int32Array.from(places, ({ table, cell }) => table.id[cell]!),
    part: places.map(({ table, cell }) => table.part[cell]!),
    source: places.map(({ table, cell }) => table.source[cell]!),
    frame: Int32Array.from(places, ({ table, cell }) => table.frame[cell]!),
    group: places.map(({ table, cell }) => table.group[cell] ?? null),
    labels: Int32Array.from(places, ({ table, cell }) => table.labels[cell]!),
  };
}
