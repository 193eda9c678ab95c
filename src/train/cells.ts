import { createHash } from 'node:crypto';
import type { Dataset } from '../dataset/dataset.ts';
import { type CellTable, type SplitName, splitNames } from '../dataset/format.ts';
import { BrightcellError } from '../errors.ts';
import type { LabelledRows } from './batches.ts';

/** The cells of a training, and what must be known of them. */
export interface TrainingCells {
  training: LabelledRows;
  /** No rows when the split has no validation part. */
  validation: LabelledRows;
  /** Training cells of each class. */
  perClass: number[];
  warnings: string[];
  /** SHA-256 of rows, labels, classes and image shape: equal where a run may go on. */
  digest: string;
}

/**
 * The accepted, labelled cells of one part of the split. With `fold`, that fold of a k-fold split is the test
 * part, the next one the validation part, and the others the training part, whatever the split says.
 */
export async function selectCells(
  dataset: Dataset,
  part: SplitName,
  fold: number | null = null,
): Promise<LabelledRows> {
  const table = await dataset.cells(fold === null ? { split: part } : {});
  const wanted = fold === null ? () => true : inFold(table, part, fold, dataset.path);
  const kept = table.id.map((_, i) => i).filter(wanted);
  return { rows: kept.map(i => table.id[i]!), labels: kept.map(i => table.label[i]!) };
}

/** Chooses and checks the cells. Throws `dataset-unsplit` and `classes-missing`. */
export async function selectTrainingCells(dataset: Dataset, fold: number | null): Promise<TrainingCells> {
  const training = await selectCells(dataset, 'train', fold);
  const validation = await selectCells(dataset, 'validation', fold);
  const { classes } = dataset.header;
  if (training.rows.length === 0) await refuseNoTraining(dataset);
  const perClass = countLabels(training.labels, classes.length);
  await refuseMissingClasses(dataset, perClass);
  return {
    training,
    validation,
    perClass,
    warnings: findWarnings(classes, perClass),
    digest: digestCells(dataset, training, validation),
  };
}

function inFold(table: CellTable, part: SplitName, fold: number, path: string): (i: number) => boolean {
  const folds = table.fold.reduce((most, one) => Math.max(most, one + 1), 0);
  if (folds === 0) {
    throw new BrightcellError(
      'dataset-unsplit',
      `fold needs a k-fold split, which ${path} does not have. Run: brightcell split ${path} --folds 5`,
    );
  }
  if (fold >= folds) {
    throw new BrightcellError('option-invalid', `fold must be from 0 to ${folds - 1}. Received ${fold}.`);
  }
  const next = (fold + 1) % folds;
  return i => {
    const own = table.fold[i]!;
    if (own < 0) return false;
    return part === (own === fold ? 'test' : own === next ? 'validation' : 'train');
  };
}

async function refuseNoTraining(dataset: Dataset): Promise<never> {
  const table = await dataset.cells();
  if (table.count === 0) {
    throw new BrightcellError(
      'classes-missing',
      `${dataset.path} must hold labelled cells that screening accepts. It holds ${dataset.count} cells and none such. ` +
        'Import with labels, or bring rejected cells back.',
    );
  }
  const split = splitNames.filter((_, index) => table.split.includes(index));
  const what = split.length === 0 ? 'it has not been split' : `only ${split.join(' and ')} have cells`;
  throw new BrightcellError(
    'dataset-unsplit',
    `${dataset.path} must have a training part, but ${what}. Run: brightcell split ${dataset.path}`,
  );
}

/** Cells of each of K classes. */
export function countLabels(labels: Int32Array, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const label of labels) counts[label]!++;
  return counts;
}

async function refuseMissingClasses(dataset: Dataset, perClass: number[]): Promise<void> {
  const { classes } = dataset.header;
  const present = classes.filter((_, k) => perClass[k]! > 0);
  if (present.length < 2) {
    throw new BrightcellError(
      'classes-missing',
      `Training needs cells of at least 2 classes. Received ${present.length}: ${present.join(', ') || 'none'}. ` +
        'Import images of another class into the data set.',
    );
  }
  const missing = classes.filter((_, k) => perClass[k] === 0);
  if (missing.length === 0) return;
  const everywhere = new Set((await dataset.cells()).label);
  const elsewhere = missing.filter(name => everywhere.has(classes.indexOf(name)));
  const why = elsewhere.length
    ? `Cells of ${elsewhere.join(', ')} stand only in other parts: split again, by cell or with another seed, or import more.`
    : 'No accepted cell has that label: import some, bring rejected ones back, or import again without that class.';
  throw new BrightcellError(
    'classes-missing',
    `Every class needs at least 1 training image. Received none of ${missing.join(', ')}. ${why}`,
  );
}

/** Below this many training cells of a class, figures say more about chance than about the classifier. */
const fewCells = 20;

function findWarnings(classes: string[], perClass: number[]): string[] {
  const few = classes.filter((_, k) => perClass[k]! < fewCells);
  if (few.length === 0) return [];
  const counts = few.map(name => `${name} (${perClass[classes.indexOf(name)]})`);
  return [
    `Too few training cells for the figures to mean anything: ${counts.join(', ')}. At least ${fewCells} a class are needed, hundreds are better.`,
  ];
}

/** SHA-256 of rows, labels, classes and image shape. */
export function digestCells(dataset: Dataset, training: LabelledRows, validation: LabelledRows): string {
  const { classes, channels, height, width } = dataset.header;
  const hash = createHash('sha256').update(JSON.stringify([classes, channels, height, width]));
  for (const { rows, labels } of [training, validation]) {
    hash.update(`${rows.length}`).update(rows).update(labels);
  }
  return hash.digest('hex');
}
