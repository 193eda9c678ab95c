import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Dataset } from '../dataset/dataset.ts';
import { split } from '../dataset/split.ts';
import { BrightcellError } from '../errors.ts';
import { importImages } from '../import/importImages.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { train } from '../methods/train.ts';
import { report } from '../report/report.ts';
import { screen } from '../screen/screen.ts';
import { simulate } from '../simulate/simulate.ts';
import { compare } from '../study/compare.ts';
import { evaluate } from '../study/evaluateRun.ts';
import { studyVolume } from '../study/volume.ts';
import { maybeReadProvenance } from '../train/provenance.ts';
import { writeWholeFile } from '../wholeFile.ts';
import { type BesideNumber, type ClassCount, countClasses, setBeside, trainingImagesOf } from './beside.ts';
import { besideCsv, besideSection } from './besideSection.ts';
import { checkReproduceOptions, type ReproduceOptions } from './options.ts';
import { paperImages, paperReferences, paperSplit, tableTwo } from './paper.ts';
import { findReasons } from './reasons.ts';

export interface ReproduceReport {
  /** Folder of everything. */
  out: string;
  /** Whether the cells are simulated. */
  simulated: boolean;
  cells: number;
  trainingCells: number;
  numbers: BesideNumber[];
  /** Why our numbers are not the paper's. */
  reasons: string[];
  dataset: string;
  run: string;
  report: string;
  seconds: number;
}

/**
 * Runs Meng et al. 2019 from images to report: import (or simulation), screening, split, training of the network, comparison
 * with kNN on 6,500 references, SVM and the network of Gao et al., and accuracy by number of images; then sets every
 * number of Tables II, III and IV beside the paper's. All of it goes into `out`; the same call goes on after a stop.
 * Writes reproduction.json, reproduction.csv and report.html, with the pictures of what the network sees unless `explain` is false. Throws `option-invalid`, also where another reproduction
 * stands in `out`, and what the steps throw.
 */
export async function reproduce(
  out: string,
  options: Partial<ReproduceOptions> & { explain?: boolean } = {},
  job: Job = {},
): Promise<ReproduceReport> {
  const started = performance.now();
  const { explain, ...rest } = options;
  const checked = checkReproduceOptions(rest);
  await claim(out, checked);
  const dataset = join(out, 'cells');
  await makeDataset(dataset, checked, job);
  const data = await describe(dataset);
  const run = await trainNetwork(dataset, out, checked, job);
  const { comparison, volume } = await study(dataset, out, run, { options: checked, data }, job);
  const numbers = setBeside({ comparison, volume, counts: data.counts, cells: data.cells });
  const reasons = findReasons(checked, data.cells, data.splitBy);
  const simulated = checked.folders.length === 0;
  const page = await report(
    [run, comparison.out, volume.out],
    {
      out: join(out, 'report.html'),
      title: `Meng et al. 2019 run again on ${simulated ? 'simulated cells' : 'images'}`,
      front: [besideSection(numbers, reasons)],
      explain,
    },
    job,
  );
  const result: ReproduceReport = {
    ...{ out, simulated, cells: data.cells, trainingCells: data.trainingCells, numbers, reasons },
    ...{ dataset, run, report: page.out, seconds: (performance.now() - started) / 1000 },
  };
  const json = JSON.stringify({ options: checked, ...result }, null, 2);
  await writeWholeFile(join(out, 'reproduction.csv'), besideCsv(numbers));
  await writeWholeFile(join(out, 'reproduction.json'), `${json}\n`);
  return result;
}

/** The comparison of Tables III and IV, and Table II. */
async function study(
  dataset: string,
  out: string,
  run: string,
  { options, data }: { options: ReproduceOptions; data: { trainingCells: number } },
  job: Job,
) {
  const methods = requests(options, data.trainingCells);
  const { seed, seeds, volumes } = options;
  const compared = methods.map(one => (one.name === 'CNN' ? { name: 'CNN', method: run } : one));
  const comparison = await compare(
    dataset,
    { methods: compared, seed, out: join(out, 'comparison') },
    staged(job, 'comparing'),
  );
  const sizes = sizesFor(data.trainingCells, volumes);
  const volume = await studyVolume(
    dataset,
    { methods, sizes, seeds, seed, out: join(out, 'volume') },
    staged(job, 'volumes'),
  );
  return { comparison, volume };
}

/** Notes what is reproduced, so that another call cannot mix its own into it. */
async function claim(out: string, options: ReproduceOptions): Promise<void> {
  const path = join(out, 'options.json');
  const own = { ...options, folders: options.folders.map(one => resolve(one)) };
  const before = await readFile(path, 'utf8').catch(() => undefined);
  if (before === undefined) {
    await mkdir(out, { recursive: true });
    await writeWholeFile(path, `${JSON.stringify(own, null, 2)}\n`);
    return;
  }
  if (isDeepStrictEqual(JSON.parse(before), JSON.parse(JSON.stringify(own)))) return;
  throw new BrightcellError(
    'option-invalid',
    `${out} must be gone on with by the options it was begun with (${path}). Give the same, or another --out.`,
    { fields: { path: out } },
  );
}

async function makeDataset(dataset: string, options: ReproduceOptions, job: Job): Promise<void> {
  const { folders, cells, seed, by } = options;
  if (await hasSplit(dataset)) return;
  if (folders.length === 0) {
    const sessions = Math.min(1000, Math.max(12, Math.round(cells / 150)));
    await simulate(dataset, { cells, seed, sessions, weights: weightsFor(cells) }, job);
  }
  for (const folder of folders) {
    throwIfCancelled(job);
    await importImages(folder, dataset, {}, job);
  }
  await screen(dataset, {}, job);
  const brought = folders.length > 0 && (await bringsSplit(dataset));
  await split(dataset, brought ? { by: 'imported' } : { by, seed, fractions: paperSplit }, job);
}

const leastOfClass = 60;

/** Types as frequent as in the public images, but each with some 60 cells, so that every part of the split has some. */
function weightsFor(cells: number): Record<string, number> {
  const total = Object.values(paperImages).reduce((sum, one) => sum + one, 0);
  const least = (total * leastOfClass) / cells;
  return Object.fromEntries(
    Object.entries(paperImages).map(([name, images]) => [name, Math.max(images, least)]),
  );
}

async function hasSplit(dataset: string): Promise<boolean> {
  if (!existsSync(join(dataset, 'dataset.json'))) return false;
  return withDataset(dataset, async opened => (await opened.settings('split')) !== undefined);
}

async function bringsSplit(dataset: string): Promise<boolean> {
  return withDataset(dataset, async opened => {
    const [row] = await opened.query('SELECT count(DISTINCT imported_split) AS n FROM cells');
    return Number(row?.n) >= 3;
  });
}

async function describe(dataset: string) {
  return withDataset(dataset, async opened => {
    const counts: ClassCount[] = await countClasses(opened);
    const training = await opened.cells({ split: 'train' });
    const splitBy = String((await opened.settings('split'))?.by);
    return { counts, cells: opened.count, trainingCells: training.count, splitBy };
  });
}

async function withDataset<T>(path: string, look: (dataset: Dataset) => Promise<T>): Promise<T> {
  const dataset = await Dataset.open(path, 'read');
  try {
    return await look(dataset);
  } finally {
    await dataset.close();
  }
}

/** The paper's network as a run of its own, so that its report shows curves, mistakes and layers. */
async function trainNetwork(
  dataset: string,
  out: string,
  options: ReproduceOptions,
  job: Job,
): Promise<string> {
  const runs = join(out, 'runs');
  const run = join(runs, 'CNN');
  const before = await maybeReadProvenance(run);
  if (!before)
    await train(
      dataset,
      { ...networkSettings(options), model: 'cellnet', seed: options.seed, out: runs, name: 'CNN' },
      job,
    );
  else if (before.finishedAt === null) await train(dataset, { resume: run }, job);
  if (!existsSync(join(run, 'evaluation', 'scores.json'))) await evaluate(run, {}, job);
  return run;
}

function networkSettings({ recipe, epochs }: ReproduceOptions) {
  return { recipe, ...(epochs !== null && { epochs }) };
}

/** The paper's four methods, with our settings for what it does not say. */
function requests(options: ReproduceOptions, trainingCells: number) {
  const network = networkSettings(options);
  const all = [
    {
      name: 'kNN',
      method: 'knn',
      settings: { reference: trainingCells > paperReferences ? paperReferences : 'all' },
    },
    { name: 'SVM', method: 'svm', settings: {} },
    { name: 'Gao et al.', method: 'gao2017', settings: network },
    { name: 'CNN', method: 'cellnet', settings: network },
  ];
  return all.filter(({ name }) => options.methods.some(one => one === name));
}

/** Training images for each of Table II's volumes that there are enough for, and all there are. */
function sizesFor(trainingCells: number, most: number | null): number[] {
  const volumes = tableTwo.volumes.filter(one => most === null || one <= most);
  const sizes = volumes.map(trainingImagesOf).filter(one => one < trainingCells);
  return most === null || sizes.length === 0 ? [...sizes, trainingCells] : sizes;
}

function staged(job: Job, name: string): Job {
  return {
    signal: job.signal,
    onProgress: one => job.onProgress?.({ ...one, stage: `${name} ${one.stage}` }),
  };
}
