// N cells, K classes. Runs in a child process: memory is that of the process.
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { LoadedClassifier } from '../classifiers/classifier.ts';
import { loadClassifier } from '../classifiers/loadClassifier.ts';
import { Dataset } from '../dataset/dataset.ts';
import { BrightcellError } from '../errors.ts';
import { writePredictionsCsv, writePredictionsParquet } from '../evaluate/predictions.ts';
import { type Scores, scorePredictions } from '../evaluate/score.ts';
import type { Job } from '../job.ts';
import { fitMethod } from '../methods/fitMethod.ts';
import type { MethodCells } from '../methods/fittedMethod.ts';
import { withSeed } from '../methods/method.ts';
import { selectTrainingCells } from '../train/cells.ts';
import type { PartScore } from '../train/report.ts';
import { evaluate, predictParts } from './evaluateRun.ts';
import { embeddingOf, isRunFolder, type MethodTask } from './methodTask.ts';
import { splitParts } from './parts.ts';
import { readRun } from './runFolder.ts';
import { drawSubset } from './subset.ts';

/** What fitting took and gave. */
export interface FitFigures {
  /** Wall-clock, from the open data set to the fitted classifier; what was left to choose is chosen within it. */
  seconds: number;
  /** Of all threads, over the life of the process. */
  cpuSeconds: number;
  /** Most memory that the process held, mapped images and the program included. */
  peakBytes: number;
  /** The same before fitting began: the program itself. */
  startBytes: number;
  trainingCells: number;
  /** In full, defaults included. */
  settings: Record<string, unknown>;
  /** What fitting chose and found. */
  facts: Record<string, unknown>;
  /** As fitting saw it; null without a validation part. */
  validation: PartScore | null;
}

/** What predicting took, and what must be known of the figures. */
export interface ScoreFigures {
  /** Wall-clock of loading the model. */
  loadSeconds: number;
  /** Wall-clock of a thousand predictions, the median of up to three passes. */
  thousandSeconds: number;
  /** Of all threads, loading and predicting. */
  cpuSeconds: number;
  /** Most memory while loading and predicting a thousand. */
  peakBytes: number;
  startBytes: number;
  /** Those that the classifier knows; predictions are in this order. */
  classes: string[];
  parts: PartFigures[];
  cautions: string[];
}

/** How one part was classified. */
export interface PartFigures {
  part: 'validation' | 'test';
  cells: number;
  accuracy: number;
  balancedAccuracy: number;
  macroF1: number;
  logLoss: number;
}

/** Fits a method on the training cells of the split and saves it to FOLDER/model. */
export async function fitMethodTask(task: MethodTask, job: Job): Promise<FitFigures> {
  const dataset = await openUnchanged(task);
  try {
    await dataset.requireIntact(job);
    const cells = await selectMethodCells(dataset, task);
    const startBytes = await peakMemory();
    const settings = await withSeed(task.method, task.settings, task.seed);
    const started = performance.now();
    const fitted = await fitMethod(dataset, task.method, settings, cells, job);
    const seconds = (performance.now() - started) / 1000;
    const figures = { seconds, cpuSeconds: cpuSeconds(), peakBytes: await peakMemory(), startBytes };
    const model = join(task.folder, 'model');
    await rm(model, { recursive: true, force: true });
    await fitted.classifier.save(model);
    fitted.classifier.dispose();
    const { facts, validation, settings: full } = fitted;
    return { ...figures, trainingCells: cells.training.rows.length, settings: full, facts, validation };
  } finally {
    await dataset.close();
  }
}

/** A data set that changed while the study ran would give figures under the name of what it was. */
async function openUnchanged({ dataset: path, fingerprint }: MethodTask): Promise<Dataset> {
  const dataset = await Dataset.open(path, 'read');
  if ((await dataset.fingerprint()) === fingerprint) return dataset;
  await dataset.close();
  throw new BrightcellError(
    'dataset-changed',
    `${path} must stay as it was when the study began, but its cells, labels, verdicts or split have changed since. Start it again.`,
    { fields: { path } },
  );
}

async function selectMethodCells(dataset: Dataset, { fold, cells, seed }: MethodTask): Promise<MethodCells> {
  const { training, validation } = await selectTrainingCells(dataset, fold);
  if (cells === null) return { training, validation };
  const drawn = drawSubset(training.labels, dataset.header.classes, cells, seed);
  const { rows, labels } = training;
  return { training: { rows: drawn.map(i => rows[i]!), labels: drawn.map(i => labels[i]!) }, validation };
}

/** Times a thousand predictions, then predicts every part into FOLDER/evaluation. */
export async function scoreMethodTask(task: MethodTask, job: Job): Promise<ScoreFigures> {
  const startBytes = await peakMemory();
  const ready = isRunFolder(task.method);
  const started = performance.now();
  const classifier = await loadClassifier(ready ? task.method : join(task.folder, 'model'));
  const loadSeconds = (performance.now() - started) / 1000;
  const dataset = await openUnchanged(task);
  const out = join(task.folder, 'evaluation');
  try {
    const thousandSeconds = await timeThousand(classifier, dataset, task, job);
    const figures = { loadSeconds, thousandSeconds, cpuSeconds: cpuSeconds(), startBytes };
    const peakBytes = await peakMemory();
    const scored = ready
      ? await scoreRun(task, out, job)
      : await scoreModel({ classifier, dataset, task, out }, job);
    return { ...figures, peakBytes, classes: [...classifier.classes], ...scored };
  } finally {
    await dataset.close();
    classifier.dispose();
  }
}

/** A run that was there before is evaluated as such: it may have been trained on other cells, and then says so. */
async function scoreRun({ method, dataset, parts, fold }: MethodTask, out: string, job: Job) {
  const held = (await readRun(method)).fold;
  if (held !== fold) {
    const words = (one: number | null) => (one === null ? 'no fold' : `fold ${one}`);
    throw new BrightcellError(
      'model-mismatch',
      `A run must have held out what the others do, ${words(fold)}. ${method} held out ${words(held)}. Give its fold, or train it anew.`,
    );
  }
  const report = await evaluate(method, { dataset, splits: parts, out }, job);
  const figures = report.parts.map(({ part, scores }) => partFigures(part as PartFigures['part'], scores));
  return { parts: figures, cautions: report.cautions };
}

interface Scored {
  classifier: LoadedClassifier;
  dataset: Dataset;
  task: MethodTask;
  out: string;
}

async function scoreModel({ classifier, dataset, task, out }: Scored, job: Job) {
  const table = await dataset.cells();
  const parts = splitParts(table, task.fold, task.parts);
  const predictions = await predictParts({ classifier, dataset, table, parts, labelOf: k => k }, job);
  await mkdir(out, { recursive: true });
  await writePredictionsParquet(join(out, 'predictions.parquet'), predictions);
  await writePredictionsCsv(join(out, 'predictions.csv'), predictions);
  const { classes, labels, probabilities } = predictions;
  const K = classes.length;
  let from = 0;
  const figures = parts.map(({ name, positions }) => {
    const to = from + positions.length;
    const own = {
      labels: labels.subarray(from, to),
      probabilities: probabilities.subarray(from * K, to * K),
    };
    from = to;
    return partFigures(name as PartFigures['part'], scorePredictions({ classes, ...own }));
  });
  return { parts: figures, cautions: await findEmbeddingCautions(task) };
}

/** Says when the network of an embedding may have been trained on cells that are scored here. */
async function findEmbeddingCautions({ method, fingerprint, fold }: MethodTask): Promise<string[]> {
  const path = embeddingOf(method);
  const run = path === undefined ? undefined : await readRun(path).catch(() => null);
  if (run === undefined || (run?.fingerprint === fingerprint && run.fold === fold)) return [];
  return [
    'The network of its embedding was not trained on this split: it may have been trained on cells that are scored here.',
  ];
}

function partFigures(part: PartFigures['part'], scores: Scores): PartFigures {
  const { cells, accuracy, balancedAccuracy, macro, logLoss } = scores;
  return { part, cells, accuracy, balancedAccuracy, macroF1: macro.f1, logLoss };
}

const enoughSeconds = 10;

async function timeThousand(
  classifier: LoadedClassifier,
  dataset: Dataset,
  { parts, fold }: MethodTask,
  { signal }: Job,
): Promise<number> {
  const table = await dataset.cells();
  const ids = splitParts(table, fold, parts).flatMap(part => [...part.positions].map(i => table.id[i]!));
  const rows = Int32Array.from({ length: 1000 }, (_, i) => ids[i % ids.length]!); // again from the first where they are fewer
  const images = dataset.images();
  await classifier.predict(images, rows.subarray(0, 32), { signal }); // pages, and what the engine chooses at first use
  const passes: number[] = [];
  let all = 0;
  while (passes.length === 0 || (passes.length < 3 && all < enoughSeconds)) {
    const before = performance.now();
    await classifier.predict(images, rows, { signal });
    passes.push((performance.now() - before) / 1000);
    all += passes.at(-1)!;
  }
  return passes.sort((a, b) => a - b)[passes.length >> 1]!;
}

/**
 * Most bytes of this process that were in memory at once. Linux's own count of the program's memory is taken where there is
 * one: getrusage also counts what the parent held when it started this process.
 */
async function peakMemory(): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(status)?.[1];
  return 1024 * Number(kilobytes ?? process.resourceUsage().maxRSS);
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
