// N cells, K classes.
import { basename, join, resolve } from 'node:path';
import type { LoadedClassifier, LoadOptions } from '../classifiers/classifier.ts';
import { loadClassifier } from '../classifiers/loadClassifier.ts';
import { matchClasses } from '../classifiers/matchClasses.ts';
import { scoreCells } from '../classifiers/scoreCells.ts';
import { Dataset } from '../dataset/dataset.ts';
import type { CellTable, SplitName } from '../dataset/format.ts';
import { BrightcellError } from '../errors.ts';
import type { PredictionTable } from '../evaluate/predictions.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { type EvaluatePartOptions, evaluateParts } from './evaluateParts.ts';
import { writeEvaluation } from './evaluationFiles.ts';
import type { EvaluationReport } from './evaluationReport.ts';
import { type Part, splitParts, wholePart } from './parts.ts';
import { type RunFolder, readRun } from './runFolder.ts';
import { countTrained, readChecksums } from './trainedCells.ts';

export type { EvaluationReport } from './evaluationReport.ts';

export interface EvaluateOptions extends LoadOptions, EvaluatePartOptions {
  /** Those of validation and test that have cells by default; of another data set, all its cells as one part. */
  splits?: SplitName[];
  /** Another data set than the one trained on; by default that one, where it was when the run was made. */
  dataset?: string;
  /** Evaluate although the data set is not as it was when the run was trained; the report then says so. */
  allowChanged?: boolean;
  /** Folder for the files; `<run>/evaluation` by default, `<run>/evaluation-<data set>` for another data set. */
  out?: string;
}

/**
 * Evaluates a trained run on the validation and test part of its data set, or on another data set, and writes
 * scores (JSON, CSV), confusion matrices and operating points (CSV), predictions (Parquet, CSV) and figures (SVG, PNG)
 * into the run folder.
 * Throws `run-missing`, `model-missing`, `dataset-changed` when cells, labels, split or verdicts are not those of
 * the training and `allowChanged` is not set, `dataset-corrupt` when stored pixels have changed, `model-mismatch` when the data set does not fit the model, and
 * `option-invalid` when a part has no cells or the precision cannot be had.
 */
export async function evaluate(
  run: string,
  options: EvaluateOptions = {},
  job: Job = {},
): Promise<EvaluationReport> {
  const started = performance.now();
  const folder = await readRun(run);
  const path = options.dataset ?? folder.dataset;
  const own = resolve(path) === resolve(folder.dataset);
  const classifier = await loadClassifier(run, options);
  try {
    const dataset = await Dataset.open(path, 'read');
    try {
      const report = await evaluateOn({ classifier, dataset, run, folder, own }, options, job);
      return { ...report, seconds: (performance.now() - started) / 1000 };
    } finally {
      await dataset.close();
    }
  } finally {
    classifier.dispose();
  }
}

interface Subject {
  classifier: LoadedClassifier;
  dataset: Dataset;
  run: string;
  folder: RunFolder;
  /** Whether the data set is the one that was trained on. */
  own: boolean;
}

async function evaluateOn(subject: Subject, options: EvaluateOptions, job: Job): Promise<EvaluationReport> {
  const { classifier, dataset, run, folder, own } = subject;
  const index = matchClasses(classifier, dataset);
  const labelOf = (label: number) => index[label]!;
  await dataset.requireIntact(job);
  const changed = own && (await isChanged(dataset, folder, options));
  const table = await dataset.cells();
  const parts =
    own || options.splits ? splitParts(table, own ? folder.fold : null, options.splits) : wholePart(table);
  const predictions = await predictParts({ classifier, dataset, table, parts, labelOf }, job);
  const unknownScores = await scoreUnknowns(subject, predictions.id, job);
  const predicted = { parts, table, predictions, classifier, unknownScores };
  const unfinished = 'The training is not complete: these are the figures of its best epoch so far.';
  const name = own ? 'evaluation' : `evaluation-${basename(resolve(dataset.path))}`;
  const report: EvaluationReport = {
    ...{ run, dataset: dataset.path, method: folder.network, fold: folder.fold },
    precision: folder.isNetwork ? (options.precision ?? 'float32') : null,
    parts: await evaluateParts(predicted, options, job),
    cautions: [
      ...(await findLeaks({ dataset, folder, own, changed }, predictions.id)),
      ...(folder.finished ? [] : [unfinished]),
    ],
    out: options.out ?? join(run, name),
    files: [],
    seconds: 0,
  };
  report.files = await writeEvaluation(report, predictions);
  return report;
}

async function isChanged(dataset: Dataset, folder: RunFolder, options: EvaluateOptions): Promise<boolean> {
  if ((await dataset.fingerprint()) === folder.fingerprint) return false;
  if (options.allowChanged) return true;
  throw new BrightcellError(
    'dataset-changed',
    `${dataset.path} must be as it was when the run was trained. Its cells, labels, verdicts or split have changed since, ` +
      'so images that were trained on may now stand in the test part. Train again, or allow it (--allow-changed).',
    { fields: { path: dataset.path } },
  );
}

/** Cells to predict, and by what. */
export interface Work {
  classifier: LoadedClassifier;
  dataset: Dataset;
  table: CellTable;
  parts: Part[];
  /** The data set's label as the classifier's. */
  labelOf: (label: number) => number;
}

const chunk = 4096;

/** For each cell how unlike any class it is, by a calibrated classifier; null of any other. */
async function scoreUnknowns(
  { classifier, dataset }: Subject,
  ids: Int32Array,
  job: Job,
): Promise<Float32Array | null> {
  if (!classifier.calibration) return null;
  const scores = new Float32Array(ids.length);
  for (let first = 0; first < ids.length; first += chunk) {
    throwIfCancelled(job);
    const rows = ids.slice(first, first + chunk);
    scores.set(await scoreCells(classifier, { images: dataset.images(), rows }, job), first);
    job.onProgress?.({ stage: 'comparing', done: first, total: ids.length, unit: 'images' });
  }
  return scores;
}

/** Predictions of all parts, one part after another. */
export async function predictParts(work: Work, job: Job): Promise<PredictionTable> {
  const { classifier, dataset, table, parts, labelOf } = work;
  const positions = Int32Array.from(parts.flatMap(part => [...part.positions]));
  const id = positions.map(i => table.id[i]!);
  const K = classifier.classes.length;
  const probabilities = new Float32Array(id.length * K);
  const images = dataset.images();
  for (let first = 0; first < id.length; first += chunk) {
    throwIfCancelled(job);
    job.onProgress?.({ stage: 'evaluating', done: first, total: id.length, unit: 'images' });
    const rows = id.slice(first, first + chunk);
    probabilities.set(await classifier.predict(images, rows, { signal: job.signal }), first * K);
  }
  job.onProgress?.({ stage: 'evaluating', done: id.length, total: id.length, unit: 'images' });
  return {
    ...{ classes: classifier.classes, id, probabilities },
    ...(await readSources(dataset, id)),
    part: parts.flatMap(part => new Array<string>(part.positions.length).fill(part.name)),
    group: Array.from(positions, i => table.group[i] ?? null),
    labels: positions.map(i => labelOf(table.label[i]!)),
  };
}

async function readSources(dataset: Dataset, ids: Int32Array) {
  const place = new Map(Array.from(ids, (id, i) => [id, i]));
  const source = new Array<string>(ids.length).fill('');
  const frame = new Int32Array(ids.length);
  await dataset.scan('SELECT id, source, frame FROM cells ORDER BY id', rows => {
    const [id, path, page] = [0, 1, 2].map(column => rows.getColumnValues(column));
    for (let row = 0; row < rows.rowCount; row++) {
      const at = place.get(id![row] as number);
      if (at === undefined) continue;
      source[at] = path![row] as string;
      frame[at] = page![row] as number;
    }
  });
  return { source, frame };
}

interface Origin {
  dataset: Dataset;
  folder: RunFolder;
  own: boolean;
  changed: boolean;
}

/** Says when cells that were trained on may be among those evaluated. */
async function findLeaks({ dataset, folder, own, changed }: Origin, ids: Int32Array): Promise<string[]> {
  if (changed) {
    return [
      'The data set changed after the training. Cells of the validation and test part may have been trained on: these are not test figures.',
    ];
  }
  if (own) return [];
  const trained = await countTrained(folder, await readChecksums(dataset, ids));
  if (trained === undefined) {
    return [
      `Whether images of this data set were trained on is not known: ${folder.dataset} is gone or has changed since.`,
    ];
  }
  if (trained === 0) return [];
  return [
    `${trained} of the ${ids.length} images were trained on, pixel for pixel: these are not test figures.`,
  ];
}
