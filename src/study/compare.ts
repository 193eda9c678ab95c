// N cells, M methods, K classes.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BrightcellError } from '../errors.ts';
import { compareMethods, type MethodComparison } from '../evaluate/comparison.ts';
import { comparisonCsv, pairsCsv } from '../evaluate/comparisonCsv.ts';
import { type PredictionTable, readPredictionsParquet } from '../evaluate/predictions.ts';
import { type Job, type Progress, throwIfCancelled } from '../job.ts';
import { classesFigure, costFigure, scoresFigure } from '../report/comparisonFigures.ts';
import { writeFigure } from '../report/figure.ts';
import { writeWholeFile } from '../wholeFile.ts';
import {
  type Failure,
  type MeasuredMethod,
  type MethodOutcome,
  measureTask,
  writeJson,
} from './measureTask.ts';
import {
  isRunFolder,
  type MethodRequest,
  type MethodTask,
  type RequestOptions,
  resolveRequests,
} from './methodTask.ts';
import { heldOutFolds, poolOutcomes, poolTables } from './pooledFolds.ts';
import { folderName, openStudy, readStudyCells, type StudyCells } from './studyFolder.ts';

export interface CompareOptions extends RequestOptions {
  /** Folder of the comparison; 'comparison' by default. The same command goes on with what is finished there. */
  out?: string;
  /** Of every training; 0 by default. */
  seed?: number;
  /** Fold of a k-fold split to hold out as the test part; null: the data set's own split. */
  fold?: number | null;
  /** Every fold of a k-fold split is the test part in turn, and the cells of all are pooled: each is tested once. */
  folds?: boolean;
  /** Bootstrap whole groups (donors, runs) instead of cells. */
  byGroup?: boolean;
}

export interface CompareReport {
  dataset: string;
  fingerprint: string;
  classes: string[];
  trainingCells: number;
  seed: number;
  fold: number | null;
  /** Folds that were pooled; 0 for one test part. */
  folds: number;
  methods: (MethodRequest & (MeasuredMethod | { failure: Failure }))[];
  /** Validation and test, where they have cells. The test part was not looked at by any method. */
  parts: { part: string; comparison: MethodComparison }[];
  cautions: string[];
  out: string;
  files: string[];
  seconds: number;
}

/**
 * Fits every method on the training part of one split, lets it choose on the validation part, and compares them on the
 * validation and the test part: scores with bootstrap intervals, McNemar's test with Holm's correction for every pair, time
 * and memory. Each method runs in processes of its own, one after another; one that fails is reported and does not end the
 * others. Finished methods are kept in the folder, so that the same call goes on after a stop or a kill.
 *
 * Throws `option-invalid`, `dataset-unsplit`, `run-exists`, `run-locked`, `disk-full`, `cancelled`, what opening the data
 * set throws, and `comparison-empty` where every method failed.
 */
export async function compare(
  dataset: string,
  options: CompareOptions = {},
  job: Job = {},
): Promise<CompareReport> {
  const started = performance.now();
  const requests = await resolveRequests(options);
  const { seed = 0, fold = null, out = 'comparison' } = options;
  const cells = await readStudyCells(dataset, options.folds ? null : fold);
  const held = heldOutFolds(dataset, options, cells.folds);
  if (held.length > 1) {
    refuseRuns(requests);
    cells.parts = ['validation', 'test'];
  }
  if (options.byGroup && held.length === 1 && cells.groups < 2) {
    throw new BrightcellError(
      'option-invalid',
      `byGroup needs a part with cells of at least 2 groups. ${dataset} has none. Leave it out to resample cells.`,
    );
  }
  const folder = await openStudy(out, 'methods');
  try {
    const base = { dataset, seed, cells: null, fingerprint: cells.fingerprint, parts: cells.parts };
    const tasks = requests.map(({ name, method, settings }) =>
      held.map((own): MethodTask => {
        const pooled = held.length > 1;
        const folder = pooled
          ? join(out, 'folds', folderName(name), `fold-${own}`)
          : join(out, 'methods', folderName(name));
        return { ...base, method, settings, fold: own, folder };
      }),
    );
    const outcomes = await measureAll(requests, tasks, job);
    const parts = await compareParts({ requests, tasks, outcomes, cells }, options.byGroup ?? false);
    const report: CompareReport = {
      ...{ dataset, fingerprint: cells.fingerprint, classes: cells.classes, seed, fold, parts, out },
      folds: held.length > 1 ? held.length : 0,
      trainingCells: held.length > 1 ? meanTraining(outcomes) : cells.trainingCells,
      methods: requests.map((request, i) => ({ ...request, ...outcomes[i]! })),
      cautions: findCautions(requests, outcomes, parts),
      files: [],
      seconds: (performance.now() - started) / 1000,
    };
    report.files = await writeFiles(report);
    return report;
  } finally {
    await folder.release();
  }
}

/** A run that was trained before has held out one fold at most. */
function refuseRuns(requests: MethodRequest[]): void {
  const ready = requests.filter(({ method }) => isRunFolder(method)).map(({ name }) => name);
  if (ready.length === 0) return;
  throw new BrightcellError(
    'option-invalid',
    `With folds every method is trained once for each fold. Received the finished run ${ready.join(', ')}.`,
  );
}

function meanTraining(outcomes: MethodOutcome[]): number {
  for (const one of outcomes) if (!('failure' in one) && one.fit) return one.fit.trainingCells;
  return 0;
}

/** An outcome for each method, of all its folds together. */
async function measureAll(
  requests: MethodRequest[],
  tasks: MethodTask[][],
  job: Job,
): Promise<MethodOutcome[]> {
  const outcomes: MethodOutcome[] = [];
  const count = tasks.flat().length;
  let done = 0;
  for (const [i, own] of tasks.entries()) {
    const folds: MethodOutcome[] = [];
    for (const task of own) {
      throwIfCancelled(job);
      const where = `${++done}/${count} ${requests[i]!.name}`;
      const onProgress = (progress: Progress) =>
        job.onProgress?.({ ...progress, stage: `${where} ${progress.stage}` });
      folds.push(await measureTask(task, { signal: job.signal, onProgress }));
    }
    outcomes.push(poolOutcomes(folds));
  }
  const failures = outcomes.flatMap(one => ('failure' in one ? [one.failure] : []));
  if (failures.length < outcomes.length) return outcomes;
  throw new BrightcellError(
    'comparison-empty',
    `At least one method must come to its end, but all ${failures.length} failed. ` +
      failures.map(({ message }, i) => `${requests[i]!.name}: ${message}`).join(' '),
    { fields: { failures } },
  );
}

interface Measured {
  requests: MethodRequest[];
  tasks: MethodTask[][];
  outcomes: MethodOutcome[];
  cells: StudyCells;
}

/** Compares what every method that ended well predicted; one whose cells are others becomes a failure. */
async function compareParts({ requests, tasks, outcomes, cells }: Measured, byGroup: boolean) {
  const tables = new Map<number, PredictionTable>();
  for (const [i, outcome] of outcomes.entries()) {
    if ('failure' in outcome) continue;
    const folds: PredictionTable[] = [];
    for (const { folder } of tasks[i]!) {
      const path = join(folder, 'evaluation', 'predictions.parquet');
      folds.push(inOrderOf(cells.classes, await readPredictionsParquet(path, outcome.score.classes)));
    }
    tables.set(i, poolTables(folds, cells.parts));
  }
  const [first] = [...tables.values()];
  for (const [i, table] of tables) {
    if (sameCells(table, first!)) continue;
    const message = `${requests[i]!.name} must have scored the same cells as the others, but was trained with another fold.`;
    outcomes[i] = { failure: { stage: 'score', code: 'model-mismatch', message } };
    tables.delete(i);
  }
  return cells.parts.map(part => ({ part, comparison: comparePart(part, requests, tables, byGroup) }));
}

function comparePart(
  part: string,
  requests: MethodRequest[],
  tables: Map<number, PredictionTable>,
  byGroup: boolean,
): MethodComparison {
  const [first] = [...tables.values()];
  const from = first!.part.indexOf(part);
  const to = first!.part.lastIndexOf(part) + 1;
  const K = first!.classes.length;
  const groups = first!.group.slice(from, to);
  return compareMethods(
    {
      classes: first!.classes,
      labels: first!.labels.slice(from, to),
      groups,
      methods: [...tables].map(([i, { probabilities }]) => ({
        method: requests[i]!.name,
        probabilities: probabilities.slice(from * K, to * K),
      })),
    },
    { byGroup: byGroup && new Set(groups).size > 1 },
  );
}

function sameCells(a: PredictionTable, b: PredictionTable): boolean {
  return a.id.length === b.id.length && a.id.every((id, i) => id === b.id[i] && a.part[i] === b.part[i]);
}

/** Columns in the order of the data set's classes. A run may know classes that it lacks: they are left out, shares kept. */
function inOrderOf(classes: readonly string[], table: PredictionTable): PredictionTable {
  const from = classes.map(name => table.classes.indexOf(name));
  const K = table.classes.length;
  if (K === classes.length && from.every((k, i) => k === i)) return table;
  const probabilities = new Float32Array(table.id.length * classes.length);
  for (let cell = 0; cell < table.id.length; cell++) {
    const own = from.map(k => table.probabilities[cell * K + k]!);
    const total = own.reduce((sum, one) => sum + one, 0);
    const row = own.map(one => (total > 0 ? one / total : 1 / classes.length));
    probabilities.set(row, cell * classes.length);
  }
  return {
    ...table,
    classes,
    labels: table.labels.map(label => from.indexOf(label)),
    probabilities,
  };
}

function findCautions(
  requests: MethodRequest[],
  outcomes: MethodOutcome[],
  parts: CompareReport['parts'],
): string[] {
  const own = outcomes.flatMap((outcome, i) =>
    'failure' in outcome ? [] : outcome.score.cautions.map(one => `${requests[i]!.name}: ${one}`),
  );
  const shared = parts.flatMap(({ part, comparison }) =>
    comparison.cautions.map(one => `${part.charAt(0).toUpperCase()}${part.slice(1)} part: ${one}`),
  );
  return [...own, ...shared];
}

async function writeFiles(report: CompareReport): Promise<string[]> {
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
