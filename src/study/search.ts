import { rememberVectors } from '../classifiers/rememberedVectors.ts';
import type { VectorSource } from '../classifiers/source.ts';
import { Dataset } from '../dataset/dataset.ts';
import { BrightcellError } from '../errors.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { isBetterScore } from '../learners/score.ts';
import { fitMethod } from '../methods/fitMethod.ts';
import { openSource } from '../methods/fitPlain.ts';
import type { MethodCells } from '../methods/fittedMethod.ts';
import { parseMethod, takesSeed } from '../methods/method.ts';
import { countLabels, selectTrainingCells } from '../train/cells.ts';
import { resolveConfig } from '../train/config.ts';
import {
  openSearch,
  readFits,
  type SearchBase,
  type SearchFit,
  writeBest,
  writeFits,
} from './searchFiles.ts';
import { planRungs, type Rung, type SearchWay, searchWays } from './searchPlan.ts';
import { checkSettings, completeSpace, drawSettings, type SearchSpace, usualSpace } from './searchSpace.ts';
import { drawSubset } from './subset.ts';

export type { SearchFit } from './searchFiles.ts';

export interface SearchOptions {
  /** As `train` takes it; 'cellnet' by default. */
  method?: string;
  /** How many settings are tried; 20 by default. */
  trials?: number;
  /** 'halving' by default. */
  way?: SearchWay;
  /** Settings that every trial has. */
  settings?: Record<string, unknown>;
  /** What the others are drawn from; a usual space of the method by default. */
  space?: SearchSpace;
  /** Draws the settings and, where chance plays a part in the method, seeds every fit; 0 by default. */
  seed?: number;
  fold?: number | null;
  /** Folder of the search; 'search' by default. The same call goes on with what is finished there. */
  out?: string;
}

export interface SearchReport {
  dataset: string;
  method: string;
  way: SearchWay;
  seed: number;
  fold: number | null;
  space: SearchSpace;
  /** Those that every trial had. */
  settings: Record<string, unknown>;
  rungs: Rung[];
  /** Every fit, in the order in which they are made. */
  fits: SearchFit[];
  /** Of those in full, the best on the validation part. */
  best: SearchFit;
  /** The config file of `train` that trains the best. */
  config: string;
  /** Finished by an earlier call. */
  kept: number;
  out: string;
  /** What the user must know before believing the figures. */
  warnings: string[];
  seconds: number;
}

/**
 * Searches settings of a method that do well on the validation part: at random, or by successive halving, whose budget
 * is the epochs of a network and the training cells of a plain method. Neither images nor labels of the test part are
 * read. A fit that fails is listed with its error. The same data, options and seed try the same settings, and what is
 * finished is kept in the folder, so that the same call goes on after a stop or a kill; more trials, or the other way,
 * go on with the fits that they share.
 *
 * Throws `option-invalid`, `dataset-unsplit`, `classes-missing`, `run-exists`, `run-locked`, `disk-full`, `cancelled`,
 * what opening the data set throws, and, where every fit in full failed, what the last of them threw.
 */
export async function searchSettings(
  path: string,
  options: SearchOptions = {},
  job: Job = {},
): Promise<SearchReport> {
  const started = performance.now();
  const wanted = await checkOptions(options);
  const dataset = await Dataset.open(path, 'read');
  try {
    const search = await Search.begin(dataset, wanted);
    const folder = await openSearch(wanted.out);
    try {
      const report = await search.run(job);
      return { ...report, seconds: (performance.now() - started) / 1000 };
    } finally {
      search.close();
      await folder.release();
    }
  } finally {
    await dataset.close();
  }
}

type Wanted = Required<SearchOptions>;

async function checkOptions(options: SearchOptions): Promise<Wanted> {
  const { method = 'cellnet', trials = 20, way = 'halving', settings = {}, seed = 0, fold = null } = options;
  const network = parseMethod(method).kind === 'network';
  if (!Number.isSafeInteger(trials) || trials < 1 || trials > 100_000) {
    throw invalid(`trials must be a whole number from 1 to 100000. Received ${trials}.`);
  }
  if (!searchWays.includes(way))
    throw invalid(`way must be one of ${searchWays.join(', ')}. Received ${way}.`);
  if (!Number.isSafeInteger(seed) || seed < 0 || seed > 2 ** 31 - 1) {
    throw invalid(`seed must be a whole number from 0 to ${2 ** 31 - 1}. Received ${seed}.`);
  }
  const given = options.space ?? withoutFixed(usualSpace(method), settings);
  refuseSpace(method, given, settings, network);
  const space = await completeSpace(method, given);
  // A misspelt setting is said now, and not by each trial.
  await checkSettings(method, { ...settings, ...drawSettings(space, seed, 0) });
  return { method, trials, way, settings, space, seed, fold, out: options.out ?? 'search' };
}

function refuseSpace(
  method: string,
  space: SearchSpace,
  settings: Record<string, unknown>,
  network: boolean,
): void {
  const names = Object.keys(space);
  if (names.length === 0) {
    throw invalid(
      `The search of ${method} must have a setting to search. Give one as a range, such as k=1..50.`,
    );
  }
  const twice = names.find(name => Object.hasOwn(settings, name));
  if (twice !== undefined) throw invalid(`${twice} must be either set or searched. Received both.`);
  if (network && names.includes('epochs')) {
    throw invalid('epochs is the budget of the search of a network: set it, and search other settings.');
  }
}

function withoutFixed(space: SearchSpace, settings: Record<string, unknown>): SearchSpace {
  return Object.fromEntries(Object.entries(space).filter(([name]) => !Object.hasOwn(settings, name)));
}

/** Below this many training cells a class, a rung's scores would say nothing. */
const fewestPerClass = 20;
/** And below this many of the rarest class. */
const fewestOfRarest = 5;

class Search {
  readonly #dataset: Dataset;
  readonly #wanted: Wanted;
  readonly #base: SearchBase;
  readonly #cells: MethodCells;
  readonly #warnings: string[];
  /** Epochs in full; null for a plain method. */
  readonly #epochs: number | null;
  readonly #seeded: boolean;
  #fits: SearchFit[] = [];
  #kept = 0;
  #vectors: ReturnType<typeof rememberVectors> | undefined;

  private constructor(parts: {
    dataset: Dataset;
    wanted: Wanted;
    base: SearchBase;
    cells: MethodCells;
    warnings: string[];
    epochs: number | null;
    seeded: boolean;
  }) {
    this.#dataset = parts.dataset;
    this.#wanted = parts.wanted;
    this.#base = parts.base;
    this.#cells = parts.cells;
    this.#warnings = parts.warnings;
    this.#epochs = parts.epochs;
    this.#seeded = parts.seeded;
  }

  static async begin(dataset: Dataset, wanted: Wanted): Promise<Search> {
    const { method, settings, space, seed, fold } = wanted;
    const { training, validation, warnings } = await selectTrainingCells(dataset, fold);
    if (validation.rows.length === 0) {
      throw new BrightcellError(
        'dataset-unsplit',
        `A search needs a validation part, which ${dataset.path} does not have. Run: brightcell split ${dataset.path}`,
      );
    }
    const fingerprint = await dataset.fingerprint();
    const base = { dataset: dataset.path, fingerprint, method, settings, space, seed, fold };
    const network = parseMethod(method).kind === 'network';
    const cells = training.rows.length;
    const config = network ? await resolveConfig({ ...settings, model: method }, cells) : undefined;
    const seeded = !Object.hasOwn({ ...settings, ...space }, 'seed') && (await takesSeed(method));
    const epochs = config?.epochs ?? null;
    return new Search({ dataset, wanted, base, cells: { training, validation }, warnings, epochs, seeded });
  }

  async run(job: Job): Promise<Omit<SearchReport, 'seconds'>> {
    const { method, way, seed, fold, space, settings, out, trials } = this.#wanted;
    const earlier = await readFits(out, this.#base);
    const rungs = planRungs(way, trials, this.#least());
    const total = rungs.reduce((sum, rung) => sum + rung.trials, 0);
    let numbers = Array.from({ length: trials }, (_, i) => i);
    for (const rung of rungs) {
      const fits: SearchFit[] = [];
      for (const trial of numbers.slice(0, rung.trials)) {
        fits.push(await this.#fit(trial, rung, { earlier, total }, job));
      }
      numbers = rank(fits).map(fit => fit.trial);
    }
    const full = this.#fits.slice(-rungs.at(-1)!.trials);
    const best = rank(full)[0];
    if (!best || best.validation === null) throw allFailed(full);
    const config = await writeBest(out, this.#configOf(best));
    return {
      ...{ dataset: this.#dataset.path, method, way, seed, fold, space, settings, rungs, fits: this.#fits },
      ...{ best, config, kept: this.#kept, out, warnings: this.#warnings },
    };
  }

  /** The smallest share of the budget that still says something. */
  #least(): number {
    if (this.#epochs !== null) return 1 / this.#epochs;
    const { labels } = this.#cells.training;
    const counts = countLabels(labels, this.#dataset.header.classes.length);
    return Math.max((fewestPerClass * counts.length) / labels.length, fewestOfRarest / Math.min(...counts));
  }

  async #fit(
    trial: number,
    { share }: Rung,
    { earlier, total }: { earlier: SearchFit[]; total: number },
    job: Job,
  ): Promise<SearchFit> {
    throwIfCancelled(job);
    const settings = drawSettings(this.#wanted.space, this.#wanted.seed, trial);
    const budget = this.#budget(share);
    const same = (fit: SearchFit) =>
      fit.trial === trial && fit.cells === budget.training.rows.length && fit.epochs === budget.epochs;
    const known = earlier.find(same);
    const fit = known ?? (await this.#measure(trial, settings, budget, job, total));
    if (known) this.#kept++;
    this.#fits.push(fit);
    if (!known) {
      // What an earlier call did and this one has not come to yet stays in the files.
      const rest = earlier.filter(one => !this.#fits.some(fit => isSame(one, fit)));
      await writeFits(this.#wanted.out, this.#base, [...this.#fits, ...rest]);
    }
    job.onProgress?.({ stage: 'searching', done: this.#fits.length, total, unit: 'fits' });
    return fit;
  }

  /** What a share of the budget is: of a network's epochs, or of the training cells, the smaller within the larger. */
  #budget(share: number) {
    const { training } = this.#cells;
    if (this.#epochs !== null) return { training, epochs: Math.max(1, Math.round(this.#epochs * share)) };
    if (share === 1) return { training, epochs: null };
    const count = Math.round(training.rows.length * share);
    const { classes } = this.#dataset.header;
    const drawn = drawSubset(training.labels, classes, count, this.#wanted.seed);
    const pick = (values: Int32Array) => drawn.map(i => values[i]!);
    return { training: { rows: pick(training.rows), labels: pick(training.labels) }, epochs: null };
  }

  async #measure(
    trial: number,
    settings: Record<string, unknown>,
    { training, epochs }: { training: MethodCells['training']; epochs: number | null },
    job: Job,
    total: number,
  ): Promise<SearchFit> {
    const started = performance.now();
    const fit = { trial, settings, cells: training.rows.length, epochs };
    const stage = `fit ${this.#fits.length + 1}/${total}`;
    const own: Job = {
      signal: job.signal,
      onProgress: progress => job.onProgress?.({ ...progress, stage: `${stage} ${progress.stage}` }),
    };
    const given = this.#settingsOf(settings, epochs);
    try {
      const cells = { training, validation: this.#cells.validation };
      const fitted = await fitMethod(
        this.#dataset,
        this.#wanted.method,
        given,
        cells,
        own,
        await this.#source(),
      );
      fitted.classifier.dispose();
      const { validation, facts, seconds } = fitted;
      return { ...fit, validation, facts, seconds, failure: null };
    } catch (error) {
      if (!(error instanceof BrightcellError) || endsAll.has(error.code)) throw error;
      const seconds = (performance.now() - started) / 1000;
      const failure = { code: error.code, message: error.message };
      return { ...fit, validation: null, facts: {}, seconds, failure };
    }
  }

  /** One for all fits: vectors are made once. */
  async #source(): Promise<VectorSource | undefined> {
    const method = parseMethod(this.#wanted.method);
    if (method.kind === 'plain') this.#vectors ??= rememberVectors(await openSource(method, this.#dataset));
    return this.#vectors;
  }

  /** Lets go what it holds. */
  close(): void {
    this.#vectors?.forget();
  }

  #settingsOf(drawn: Record<string, unknown>, epochs: number | null): Record<string, unknown> {
    return {
      ...(this.#seeded ? { seed: this.#wanted.seed } : {}),
      ...this.#wanted.settings,
      ...drawn,
      ...(epochs === null ? {} : { epochs }),
    };
  }

  #configOf({ settings, epochs }: SearchFit): Record<string, unknown> {
    const { method, fold } = this.#wanted;
    const full = this.#settingsOf(settings, epochs);
    return epochs === null ? { model: method, settings: full, fold } : { model: method, ...full, fold };
  }
}

/** What is no fault of a trial's settings. */
const endsAll = new Set(['cancelled', 'disk-full', 'dataset-corrupt', 'model-missing', 'native-missing']);

function isSame(a: SearchFit, b: SearchFit): boolean {
  return a.trial === b.trial && a.cells === b.cells && a.epochs === b.epochs;
}

/** Best first; equal ones in order of trials, failed ones last. */
function rank(fits: readonly SearchFit[]): SearchFit[] {
  const order = fits.filter(fit => fit.validation !== null).sort((a, b) => a.trial - b.trial);
  order.sort((a, b) => {
    if (isBetterScore(a.validation!, b.validation!)) return -1;
    return isBetterScore(b.validation!, a.validation!) ? 1 : 0;
  });
  return [...order, ...fits.filter(fit => fit.validation === null)];
}

function allFailed(fits: readonly SearchFit[]): BrightcellError {
  const { code, message } = fits.at(-1)!.failure!;
  return new BrightcellError(
    code as BrightcellError['code'],
    `At least one fit in full must succeed, but all ${fits.length} failed. The last: ${message}`,
  );
}

function invalid(message: string): BrightcellError {
  return new BrightcellError('option-invalid', message);
}
