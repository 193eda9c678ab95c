// M methods.
import { join } from 'node:path';
import { BrightcellError } from '../errors.ts';
import { type Job, type Progress, throwIfCancelled } from '../job.ts';
import { writeCompareFiles } from './compareFiles.ts';
import { compareParts } from './compareParts.ts';
import type { CompareReport } from './compareReport.ts';
import { type MethodOutcome, measureTask } from './measureTask.ts';
import {
  isRunFolder,
  type MethodRequest,
  type MethodTask,
  type RequestOptions,
  resolveRequests,
} from './methodTask.ts';
import { heldOutFolds, poolOutcomes } from './pooledFolds.ts';
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
  const folds = heldOutFolds(dataset, options, cells.folds);
  const pooled = folds.length > 1;
  if (pooled) {
    refuseRuns(requests);
    cells.parts = ['validation', 'test'];
  } else if (options.byGroup) refuseOneGroup(dataset, cells);
  const folder = await openStudy(out, 'methods');
  try {
    const tasks = makeTasks(requests, folds, { dataset, seed, out, cells });
    const outcomes = await measureAll(requests, tasks, job);
    const parts = await compareParts({ requests, tasks, outcomes, cells }, options.byGroup ?? false);
    const report: CompareReport = {
      ...{ dataset, fingerprint: cells.fingerprint, classes: cells.classes, seed, fold, parts, out },
      folds: pooled ? folds.length : 0,
      trainingCells: (pooled && trainingOfFolds(outcomes)) || cells.trainingCells,
      methods: requests.map((request, i) => ({ ...request, ...outcomes[i]! })),
      cautions: findCautions(requests, outcomes, parts),
      files: [],
      seconds: (performance.now() - started) / 1000,
    };
    report.files = await writeCompareFiles(report);
    return report;
  } finally {
    await folder.release();
  }
}

function refuseOneGroup(dataset: string, { groups }: StudyCells): void {
  if (groups > 1) return;
  throw new BrightcellError(
    'option-invalid',
    `byGroup needs a part with cells of at least 2 groups. ${dataset} has none. Leave it out to resample cells.`,
  );
}

/** For each method a task for each fold that is held out in turn. */
function makeTasks(
  requests: MethodRequest[],
  folds: (number | null)[],
  { dataset, seed, out, cells }: { dataset: string; seed: number; out: string; cells: StudyCells },
): MethodTask[][] {
  const base = { dataset, seed, cells: null, fingerprint: cells.fingerprint, parts: cells.parts };
  return requests.map(({ name, method, settings }) =>
    folds.map(fold => {
      const own = folderName(name);
      const folder = folds.length > 1 ? join(out, 'folds', own, `fold-${fold}`) : join(out, 'methods', own);
      return { ...base, method, settings, fold, folder };
    }),
  );
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

/** Training cells of a fold, in the mean; undefined where no method was fitted. */
function trainingOfFolds(outcomes: MethodOutcome[]): number | undefined {
  return outcomes.flatMap(one => ('failure' in one ? [] : [one.fit?.trainingCells])).find(Boolean);
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
