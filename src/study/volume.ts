// N training cells, M methods.
import { join } from 'node:path';
import { BrightcellError } from '../errors.ts';
import { type Job, type Progress, throwIfCancelled } from '../job.ts';
import { takesSeed } from '../methods/method.ts';
import { dropModel, measureTask } from './measureTask.ts';
import {
  isRunFolder,
  type MethodRequest,
  type MethodTask,
  type RequestOptions,
  resolveRequests,
} from './methodTask.ts';
import { RemainingTime } from './remainingTime.ts';
import { folderName, openStudy, readStudyCells, type StudyCells } from './studyFolder.ts';
import { writeVolumeFiles } from './volumeFiles.ts';
import type { VolumeFit, VolumeReport } from './volumeReport.ts';

export interface VolumeOptions extends RequestOptions {
  /**
   * Numbers of training images; the whole training part is always among those that are possible, and by default it and its
   * quarters, sixteenths ... down to 20 images a class.
   */
  sizes?: number[];
  /** How many seeds: 3 by default. Each draws other images and seeds the training. */
  seeds?: number;
  /** The first of them; 0 by default. */
  seed?: number;
  fold?: number | null;
  /** Folder of the study; 'volume' by default. The same call goes on with what is finished there. */
  out?: string;
  /** Keep every model: kNN's are as large as its images. */
  keepModels?: boolean;
}

/**
 * Fits every method on nested subsamples of the training part, each class's share kept, with several seeds, and scores each
 * fit on the same whole validation and test part: accuracy against volume, as Meng et al. 2019, Table II and Fig. 5. Each fit
 * runs in processes of its own; one that fails is noted with its error, ends nothing and is tried again next time. What is
 * finished is kept in the folder, so that the same call goes on after a stop or a kill.
 *
 * Throws `option-invalid`, `dataset-unsplit`, `run-exists`, `run-locked`, `disk-full`, `cancelled`, what opening the data
 * set throws, and `comparison-empty` where every fit failed.
 */
export async function studyVolume(
  dataset: string,
  options: VolumeOptions = {},
  job: Job = {},
): Promise<VolumeReport> {
  const started = performance.now();
  const methods = await resolveRequests(options);
  refuseRuns(methods);
  const { out = 'volume', fold = null, keepModels = false } = options;
  const cells = await readStudyCells(dataset, fold);
  const sizes = checkSizes(options.sizes ?? usualSizes(cells), cells.trainingCells);
  const seeds = Array.from({ length: options.seeds ?? 3 }, (_, i) => (options.seed ?? 0) + i);
  const folder = await openStudy(out, 'fits');
  try {
    const plan = await makePlan({ dataset, fold, out, cells, sizes, seeds, methods });
    const { fits, kept } = await fitAll(plan, keepModels, job);
    const report: VolumeReport = {
      ...{ dataset, fingerprint: cells.fingerprint, classes: cells.classes, fold, sizes, seeds, methods },
      ...{ trainingCells: cells.trainingCells, fits, kept, out, files: [], seconds: 0 },
    };
    refuseEmpty(fits);
    report.seconds = (performance.now() - started) / 1000;
    report.files = await writeVolumeFiles(report);
    return report;
  } finally {
    await folder.release();
  }
}

function refuseRuns(methods: MethodRequest[]): void {
  const ready = methods.filter(({ method }) => isRunFolder(method)).map(({ name }) => name);
  if (ready.length === 0) return;
  throw new BrightcellError(
    'option-invalid',
    `Methods of a volume study must be trained anew on each number of images. Received the finished run ${ready.join(', ')}.`,
  );
}

function checkSizes(given: number[], trainingCells: number): number[] {
  const sizes = [...new Set(given)].sort((a, b) => a - b);
  const wrong = sizes.find(size => !Number.isSafeInteger(size) || size < 2 || size > trainingCells);
  if (sizes.length > 0 && wrong === undefined) return sizes;
  throw new BrightcellError(
    'option-invalid',
    `Sizes must be whole numbers from 2 to ${trainingCells}, the images of the training part. Received ${wrong ?? 'none'}.`,
  );
}

function usualSizes({ trainingCells, classes }: StudyCells): number[] {
  const sizes = [trainingCells];
  while (sizes[0]! / 4 >= 20 * classes.length) sizes.unshift(Math.round(sizes[0]! / 4));
  return sizes;
}

interface Plan {
  dataset: string;
  fold: number | null;
  out: string;
  cells: StudyCells;
  sizes: number[];
  seeds: number[];
  methods: MethodRequest[];
}

interface PlannedFit {
  fit: Omit<VolumeFit, 'outcome'>;
  task: MethodTask;
}

/** The fits in order: small ones first, so that a table is there early. */
async function makePlan(plan: Plan): Promise<PlannedFit[]> {
  const chance = new Map<string, boolean>();
  for (const { method } of plan.methods) chance.set(method, await takesSeed(method));
  return plan.sizes.flatMap(size =>
    plan.seeds.flatMap(seed =>
      plan.methods.map(({ name, method, settings }) => {
        const whole = size === plan.cells.trainingCells;
        // Without chance in method and draw, every seed would give the same: one fit stands for all.
        const own = whole && !chance.get(method) ? plan.seeds[0]! : seed;
        const folder = join(plan.out, 'fits', String(size), folderName(name), `seed-${own}`);
        const { fingerprint, parts } = plan.cells;
        const task = {
          ...{ method, settings, dataset: plan.dataset, fingerprint, seed: own, fold: plan.fold },
          ...{ cells: whole ? null : size, parts, folder },
        };
        return { fit: { method: name, size, seed }, task };
      }),
    ),
  );
}

async function fitAll(plan: PlannedFit[], keepModels: boolean, job: Job) {
  const fits: VolumeFit[] = [];
  const time = new RemainingTime(plan.map(({ fit }) => ({ method: fit.method, size: fit.size })));
  const here = new Set<string>();
  let kept = 0;
  for (const [i, { fit, task }] of plan.entries()) {
    throwIfCancelled(job);
    const started = performance.now();
    const where = `${i + 1}/${plan.length} ${fit.method} ${fit.size}`;
    const onProgress = (progress: Progress) => {
      const note = [time.describe(i), progress.note].filter(Boolean).join(', ');
      job.onProgress?.({ ...progress, stage: `${where} ${progress.stage}`, ...(note && { note }) });
    };
    const outcome = await measureTask(task, { signal: job.signal, onProgress });
    if ('failure' in outcome) fits.push({ ...fit, outcome });
    else {
      if (outcome.kept && !here.has(task.folder)) kept++;
      if (!outcome.kept && !keepModels) await dropModel(task);
      here.add(task.folder);
      const { fit: figures, score } = outcome;
      const own = {
        ...{ parts: score.parts, fitSeconds: figures!.seconds, fitCpuSeconds: figures!.cpuSeconds },
        ...{ fitPeakBytes: figures!.peakBytes, thousandSeconds: score.thousandSeconds },
        ...{ predictPeakBytes: score.peakBytes, facts: figures!.facts },
      };
      fits.push({ ...fit, outcome: own });
      time.note(i, outcome.kept ? figures!.seconds : (performance.now() - started) / 1000);
    }
    job.onProgress?.({
      stage: 'study',
      done: i + 1,
      total: plan.length,
      unit: 'fits',
      note: time.describe(i + 1),
    });
  }
  return { fits, kept };
}

function refuseEmpty(fits: VolumeFit[]): void {
  const failures = fits.flatMap(({ outcome }) => ('failure' in outcome ? [outcome.failure] : []));
  if (failures.length < fits.length) return;
  const reasons = [...new Set(failures.map(one => one.message))];
  throw new BrightcellError(
    'comparison-empty',
    `At least one fit must come to its end, but all ${fits.length} failed. ${reasons.join(' ')}`,
    { fields: { failures } },
  );
}
