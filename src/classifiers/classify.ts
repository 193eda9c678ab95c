import { stat } from 'node:fs/promises';
import type { LightOfImages } from '../engine/light.ts';
import { BrightcellError } from '../errors.ts';
import { FailureList, type FailureSummary } from '../import/failures.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import type { LoadOptions } from './classifier.ts';
import { classifyCells, isDataset } from './classifyCells.ts';
import { type DoubtOptions, Judge } from './judge.ts';
import { loadClassifier } from './loadClassifier.ts';
import type { ClassifyStep, Prediction } from './prediction.ts';
import { chooseFormat, type PredictionFormat, withPredictionFile } from './predictionFile.ts';

export type { Prediction } from './prediction.ts';

export interface ClassifyOptions extends LoadOptions, DoubtOptions {
  /** File to write, whole or not at all; absent: only `onPredictions`. */
  out?: string;
  /** By default from the ending of `out`. */
  format?: PredictionFormat;
  /** Stop at the first file that cannot be read instead of reporting it. */
  strict?: boolean;
  /** Called in order, once a chunk. */
  onPredictions?: (predictions: Prediction[]) => void | Promise<void>;
}

export interface ClassifyReport {
  classes: string[];
  classified: number;
  /** Images of each class, in order of `classes`; those that are of none are in none. */
  perClass: number[];
  /** Images that are of none of the classes, and by which score; null where it was not asked. */
  unknown: { images: number; score: string } | null;
  /** Classes in the prediction sets, mean over images, and empty sets; null where they were not asked for. */
  sets: { meanSize: number; empty: number } | null;
  failed: FailureSummary;
  out: string | null;
  seconds: number;
  /** What a careful reader should know. */
  warnings: string[];
}

/**
 * Classifies image files, whole folders or data sets with a model (a run folder or a model folder), prepared as the
 * model's training images were. Works through a chunk at a time: memory does not grow with the number of images. In
 * a data set every cell is classified that screening has not rejected. Files that cannot be read are reported.
 *
 * Throws `model-missing`, `model-newer`, `model-corrupt`, `model-mismatch`, `source-invalid`, `option-invalid`,
 * `image-unreadable` (only with `strict`), `disk-full`, `cancelled`.
 */
export async function classify(
  model: string,
  inputs: string[],
  options: ClassifyOptions = {},
  job: Job = {},
): Promise<ClassifyReport> {
  const format = chooseFormat(options.out, options.format);
  const classifier = await loadClassifier(model, options);
  try {
    return await new Classification(new Judge(classifier, options), options, job).run(inputs, format);
  } finally {
    classifier.dispose();
  }
}

const progressMs = 100;

class Classification {
  readonly #judge: Judge;
  readonly #options: ClassifyOptions;
  readonly #job: Job;
  readonly #failures = new FailureList(false);
  readonly #perClass: number[];
  #classified = 0;
  #unknown = 0;
  #inSets = 0;
  #emptySets = 0;
  #failed = 0;
  #rescaled = 0;
  #lastProgress = 0;
  /** All image files of the call, which are one session; a data set brings its own. */
  readonly #files: string[] = [];
  #session: Promise<LightOfImages> | undefined;

  constructor(judge: Judge, options: ClassifyOptions, job: Job) {
    this.#judge = judge;
    this.#options = options;
    this.#job = job;
    this.#perClass = new Array(judge.classifier.classes.length).fill(0);
  }

  async run(inputs: string[], format: PredictionFormat): Promise<ClassifyReport> {
    const started = performance.now();
    const { out } = this.#options;
    const { total, steps } = await this.#plan(inputs);
    if (out === undefined) await this.#work(steps, total, async () => {});
    else {
      const { classifier, unknownThreshold, setThresholds } = this.#judge;
      const columns = {
        classes: classifier.classes,
        unknown: unknownThreshold !== null,
        sets: setThresholds !== null,
      };
      await withPredictionFile(out, format, columns, add => this.#work(steps, total, add));
    }
    return {
      classes: [...this.#judge.classifier.classes],
      classified: this.#classified,
      perClass: this.#perClass,
      ...this.#doubts(),
      failed: this.#failures.summary,
      out: out ?? null,
      seconds: (performance.now() - started) / 1000,
      warnings: this.#warnings(),
    };
  }

  /** Looks at every input before the first is classified, so that a misspelt one costs no time. */
  async #plan(inputs: string[]): Promise<{ total: number; steps: AsyncGenerator<ClassifyStep>[] }> {
    if (inputs.length === 0) throw invalidSource('Give at least one image, folder or data set to classify.');
    const plans: { total: number; steps: AsyncGenerator<ClassifyStep> }[] = [];
    for (const input of inputs) {
      await stat(input).catch(cause => {
        throw invalidSource(
          `${input} must be an image, a folder of images or a data set. It cannot be found.`,
          cause,
        );
      });
      plans.push(await this.#planInput(input));
    }
    const total = plans.reduce((sum, plan) => sum + plan.total, 0);
    if (total === 0)
      throw invalidSource(`There must be images to classify in ${inputs.join(', ')}. There are none.`);
    return { total, steps: plans.map(plan => plan.steps) };
  }

  async #planInput(input: string): Promise<{ total: number; steps: AsyncGenerator<ClassifyStep> }> {
    if (await isDataset(input)) return classifyCells(this.#judge, input, this.#job);
    // What decodes images is loaded only where there are some: a third of the time to start.
    const { classifyImages, listInputs, measureSession } = await import('./classifyImages.ts');
    const listed = await listInputs(input);
    for (const failure of listed.failures) this.#fail(failure);
    this.#files.push(...listed.paths);
    const light = () => (this.#session ??= measureSession(this.#judge.classifier, this.#files, this.#job));
    return {
      total: listed.paths.length,
      steps: classifyImages(this.#judge, listed.paths, light, this.#job),
    };
  }

  async #work(
    inputs: AsyncGenerator<ClassifyStep>[],
    total: number,
    add: (predictions: Prediction[]) => Promise<void>,
  ): Promise<void> {
    for (const steps of inputs) {
      for await (const { predictions, failures, rescaled } of steps) {
        throwIfCancelled(this.#job);
        for (const failure of failures) this.#fail(failure);
        for (const prediction of predictions) this.#count(prediction);
        this.#classified += predictions.length;
        this.#rescaled += rescaled;
        await add(predictions);
        if (predictions.length > 0) await this.#options.onPredictions?.(predictions);
        this.#progress(total);
      }
    }
  }

  #count({ class: best, unknown, set }: Prediction): void {
    if (unknown) this.#unknown++;
    else this.#perClass[best]!++;
    this.#inSets += set?.length ?? 0;
    if (set?.length === 0) this.#emptySets++;
  }

  #doubts(): Pick<ClassifyReport, 'unknown' | 'sets'> {
    const { classifier, unknownThreshold, setThresholds } = this.#judge;
    const score = classifier.calibration?.unknown.scorer.score ?? '';
    const meanSize = this.#inSets / Math.max(1, this.#classified);
    return {
      unknown: unknownThreshold === null ? null : { images: this.#unknown, score },
      sets: setThresholds === null ? null : { meanSize, empty: this.#emptySets },
    };
  }

  #fail(failure: { source: string; reason: string }): void {
    if (this.#options.strict) {
      throw new BrightcellError(
        'image-unreadable',
        `Every image must be readable with --strict, but ${failure.source} is not: ${failure.reason}. ` +
          'Repair or remove it, or leave --strict away.',
        { fields: { ...failure } },
      );
    }
    this.#failed++;
    this.#failures.add(failure);
  }

  #progress(total: number): void {
    const now = performance.now();
    if (now - this.#lastProgress < progressMs) return;
    this.#lastProgress = now;
    const note = this.#failed > 0 ? { note: `${this.#failed} failed` } : {};
    const done = Math.min(total, this.#classified + this.#failed);
    this.#job.onProgress?.({ stage: 'classifying', done, total, unit: 'images', ...note });
  }

  #warnings(): string[] {
    const never = this.#judge.neverExcluded;
    const warnings =
      never.length === 0
        ? []
        : [
            `The model's validation cells are too few for this coverage to exclude ${never.join(', ')} from any set.`,
          ];
    if (this.#rescaled === 0) return warnings;
    const bits = this.#judge.classifier.pixelType === 'uint8' ? 8 : 16;
    return [
      ...warnings,
      `${this.#rescaled} image${this.#rescaled === 1 ? ' was' : 's were'} scaled to the ${bits} bits a pixel of the model's training images.`,
    ];
  }
}

function invalidSource(message: string, cause?: unknown): BrightcellError {
  return new BrightcellError('source-invalid', message, { cause });
}
