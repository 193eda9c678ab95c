// N vectors, D numbers each, K classes, S support vectors.
import { join } from 'node:path';
import { z } from 'zod';
import { createRandom, shuffle } from '../dataset/random.ts';
import type { Pixels } from '../engine/imageSet.ts';
import {
  type SvmModel,
  SvmPredictor,
  type SvmTraining,
  type TrainedSvm,
  trainSvms,
  usualGamma,
} from '../engine/svm.ts';
import { BrightcellError } from '../errors.ts';
import type { Job } from '../job.ts';
import { corruptModel } from '../models/modelFiles.ts';
import { readSafetensors, writeSafetensors } from '../models/safetensors.ts';
import type { Facts, Fitted, LabelledVectors, Learner, Vectors } from './learner.ts';
import { loadReferences, referencesSchema, saveReferences } from './references.ts';
import { isBetterScore, scoreVectors, type VectorScore } from './score.ts';
import {
  choiceSetting,
  completeSettings,
  flagSetting,
  numberSetting,
  orAuto,
  type Setting,
  type SettingsOf,
  wholeSetting,
} from './settings.ts';

export interface SvmSettings {
  c: number | 'auto';
  gamma: number | 'scale' | 'auto';
  classWeights: 'balanced' | 'none';
  tolerance: number;
  /** Steps of each pair of classes, at most. */
  iterations: number | 'auto';
  probability: boolean;
  /** At most so many training vectors, and as many validation vectors, take part in the choice of C and gamma. */
  tuningSize: number;
  cacheBytes: number | 'auto';
  seed: number;
}

const usualC = 1;
/** What 'auto' chooses from; gamma in units of 1 / (D variance). */
export const tunedCs = [0.1, 1, 10, 100];
export const tunedGammas = [0.25, 1, 4];

const positive = (usual: number, about: string) => numberSetting({ low: 1e-6, high: 1e6 }, usual, about);

const rules: SettingsOf<SvmSettings> = {
  c: orAuto(
    positive(
      usualC,
      `price of a vector on the wrong side; auto chooses of ${tunedCs.join(', ')} on the validation cells`,
    ),
  ),
  gamma: gammaSetting(),
  classWeights: choiceSetting(
    ['balanced', 'none'],
    'balanced',
    'balanced: C of a class is c N / (K times its vectors); none: c for all',
  ),
  tolerance: numberSetting(
    { low: 1e-6, high: 1 },
    1e-3,
    'largest violation of the optimality conditions that is left',
  ),
  iterations: orAuto(
    wholeSetting(
      1,
      1_000_000_000_000,
      1,
      'steps for each pair of classes, at most; auto: 10 million, or 100 a vector where that is more',
    ),
  ),
  probability: flagSetting(
    true,
    'fit probabilities by an internal cross-validation; false: shares of the votes',
  ),
  tuningSize: wholeSetting(
    10,
    1_000_000,
    5000,
    'most training, and validation, cells that c and gamma are chosen with',
  ),
  cacheBytes: orAuto(
    numberSetting({ low: 0, high: 2 ** 50 }, 0, 'memory for distances; auto is half of what is available'),
  ),
  seed: wholeSetting(
    0,
    2 ** 31 - 1,
    1,
    'deals the folds of the internal cross-validation and draws the tuning cells',
  ),
};

function gammaSetting(): Setting<SvmSettings['gamma']> {
  const list = tunedGammas.join(', ');
  const about = `width of the kernel; scale is 1 / (D variance), auto chooses of ${list} times that`;
  const number = positive(1, about);
  const accepts = (value: unknown) => value === 'scale' || value === 'auto' || number.accepts(value);
  return { must: `${number.must}, scale, or auto`, usual: 'auto', about, accepts };
}

/**
 * Support vector machines with a Gaussian kernel, exactly as LIBSVM defines C-SVC: one for each pair of classes,
 * tolerance 1e-3, probabilities by pairwise coupling. Pixels count as shares of their type's maximum; gamma is of those.
 */
export const svm: Learner<SvmSettings> = {
  name: 'svm',
  about: 'support vector machines with a Gaussian kernel (Chang and Lin 2011)',
  needsStandardised: true,
  rules,
  settings: given => completeSettings('svm', rules, given),
  fit: fitSvm,
  load: loadSvm,
};

async function fitSvm(
  training: LabelledVectors,
  validation: LabelledVectors | null,
  settings: SvmSettings,
  job: Job = {},
): Promise<Fitted> {
  checkClasses(training);
  const open = settings.c === 'auto' || settings.gamma === 'auto';
  const tuned = open && validation !== null && validation.rows.length > 0;
  const { c, gamma } = tuned
    ? await tune(training, validation, settings, job)
    : { c: settings.c === 'auto' ? usualC : settings.c, gamma: await gammaOf(training, settings) };
  const { probability } = settings;
  const [model] = await trainOn(training, [{ c, gamma, probability }], settings, job);
  const support: LabelledVectors = {
    set: training.set,
    rows: model!.support.map(place => training.rows[place]!),
    labels: model!.support.map(place => training.labels[place]!),
    classes: training.classes,
  };
  return new Machines(model!, support, { c, tuned, ...factsOf(model!) });
}

function checkClasses({ labels, classes }: LabelledVectors): void {
  const present = new Set(labels).size;
  if (present >= 2) return;
  throw new BrightcellError(
    'classes-missing',
    `A support vector machine needs vectors of at least 2 classes. Received ${labels.length} vectors of ${present} of ` +
      `${classes} classes. Take more cells.`,
  );
}

interface Choice {
  c: number;
  gamma: number;
}

async function gammaOf(vectors: LabelledVectors, { gamma }: SvmSettings): Promise<number> {
  return typeof gamma === 'number' ? gamma : usualGamma(vectors);
}

function trainOn(
  { set, rows, labels, classes }: LabelledVectors,
  choices: (Choice & { probability: boolean })[],
  { classWeights, tolerance, iterations, cacheBytes, seed }: SvmSettings,
  job: Job,
): Promise<TrainedSvm[]> {
  const weights = weightsOf(labels, classes, classWeights);
  const bytes = cacheBytes === 'auto' ? Math.floor(process.availableMemory() / 2) : cacheBytes;
  const trainings: SvmTraining[] = choices.map(choice => ({
    ...choice,
    ...{ weights, tolerance, seed, cacheBytes: bytes, iterations: iterations === 'auto' ? 0 : iterations },
  }));
  return trainSvms({ set, rows }, labels, classes, trainings, job);
}

/** N / (classes that have vectors x vectors of the class), as scikit-learn balances. */
function weightsOf(labels: Int32Array, K: number, classWeights: SvmSettings['classWeights']): Float64Array {
  const counts = new Float64Array(K);
  for (const label of labels) counts[label]!++;
  const present = counts.filter(count => count > 0).length;
  return counts.map(count =>
    classWeights === 'none' || count === 0 ? 1 : labels.length / (present * count),
  );
}

/**
 * C and gamma by macro F1 on validation vectors; of equal scores the smallest C, then the smallest gamma. All models of
 * the grid share the distances between the same training vectors.
 */
async function tune(
  training: LabelledVectors,
  validation: LabelledVectors,
  settings: SvmSettings,
  job: Job,
): Promise<Choice> {
  const part = draw(training, settings.tuningSize, settings.seed);
  const judged = draw(validation, settings.tuningSize, settings.seed + 1);
  // gamma 'scale' is that of all training vectors, so that the last training gets one of those that were tried.
  const base = await gammaOf(training, settings);
  const gammas = settings.gamma === 'auto' ? tunedGammas.map(factor => factor * base) : [base];
  const cs = settings.c === 'auto' ? tunedCs : [settings.c];
  const choices = cs.flatMap(c => gammas.map(gamma => ({ c, gamma, probability: false })));
  const models = await trainOn(part, choices, settings, job);
  let best: { score: VectorScore; choice: Choice } | undefined;
  for (const [i, model] of models.entries()) {
    const predictor = new SvmPredictor(model, {
      set: part.set,
      rows: model.support.map(at => part.rows[at]!),
    });
    const probabilities = await predictor.predict(judged, job).finally(() => predictor.dispose());
    const score = scoreVectors(probabilities, judged.labels, judged.classes);
    if (isBetterScore(score, best?.score)) best = { score, choice: choices[i]! };
  }
  return best!.choice;
}

/** At most `count` of the vectors, each class with its share and at least one, drawn by the seed. */
function draw(vectors: LabelledVectors, count: number, seed: number): LabelledVectors {
  const { set, rows, labels, classes } = vectors;
  if (rows.length <= count) return vectors;
  const random = createRandom(seed);
  const places: number[] = [];
  for (let k = 0; k < classes; k++) {
    const own = Array.from(labels.keys()).filter(i => labels[i] === k);
    shuffle(own, random);
    const share = Math.min(own.length, Math.max(1, Math.round((count * own.length) / rows.length)));
    places.push(...own.slice(0, share));
  }
  const drawn = Int32Array.from(places).sort();
  return { set, rows: drawn.map(i => rows[i]!), labels: drawn.map(i => labels[i]!), classes };
}

function factsOf({ gamma, pairs, support, probability }: TrainedSvm): Facts {
  const sum = (read: (pair: TrainedSvm['pairs'][number]) => number) =>
    pairs.reduce((total, pair) => total + read(pair), 0);
  return {
    gamma,
    probability,
    supportVectors: support.length,
    iterations: sum(pair => pair.iterations),
    converged: pairs.every(pair => pair.converged),
  };
}

class Machines implements Fitted {
  readonly facts: Facts;
  readonly #model: SvmModel;
  readonly #support: LabelledVectors;
  readonly #predictor: SvmPredictor;
  readonly #close: () => void;

  /** `close` is called when it is disposed of. */
  constructor(model: SvmModel, support: LabelledVectors, facts: Facts, close: () => void = () => {}) {
    this.facts = facts;
    this.#model = model;
    this.#support = support;
    this.#predictor = new SvmPredictor(model, support);
    this.#close = close;
  }

  get dimensions(): number {
    return this.#predictor.dimensions;
  }

  get classes(): number {
    return this.#model.classes;
  }

  predict(vectors: Vectors, job: Job = {}): Promise<Float32Array> {
    return this.#predictor.predict(vectors, job);
  }

  predictOne(vector: Pixels): Float32Array {
    return this.#predictor.predictOne(vector);
  }

  async save(folder: string): Promise<unknown> {
    const { classes, gamma, probability, pairs, coefficients } = this.#model;
    const references = await saveReferences(folder, this.#support);
    const shape = [classes - 1, references.count];
    await writeSafetensors(join(folder, coefficientsName), [
      { name: 'coefficients', shape, data: coefficients },
    ]);
    return { gamma, probability, pairs, facts: this.facts, references };
  }

  dispose(): void {
    this.#predictor.dispose();
    this.#close();
  }
}

const coefficientsName = 'coefficients.safetensors';
const count = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

const real = z.number().min(-1e30).max(1e30);

const schema = z.object({
  gamma: z.number().positive().max(1e30),
  probability: z.boolean(),
  pairs: z
    .array(
      z.object({
        ...{ first: count, second: count, rho: real, slope: real, offset: real },
        ...{ objective: real, iterations: count, bounded: count, converged: z.boolean() },
      }),
    )
    .min(1),
  facts: z.record(z.string(), z.union([z.number(), z.string(), z.boolean(), z.null()])),
  references: referencesSchema,
});
type Description = z.infer<typeof schema>;

async function loadSvm(folder: string, description: unknown): Promise<Fitted> {
  const parsed = schema.safeParse(description);
  if (!parsed.success || !arePairs(parsed.data)) {
    throw corruptModel(
      join(folder, '..', 'classifier.json'),
      'the description of its machines lacks what is needed',
    );
  }
  const { gamma, probability, pairs, facts, references } = parsed.data;
  const coefficients = await readCoefficients(folder, parsed.data);
  const support = await loadReferences(folder, references);
  try {
    const starts = startsOf(join(folder, 'labels.npy'), support);
    const model = { classes: references.classes, gamma, probability, starts, coefficients, pairs };
    return new Machines(model, support, facts, () => support.set.close());
  } catch (error) {
    support.set.close();
    throw error;
  }
}

/** Every pair of some classes once, in order. */
function arePairs({ pairs, references: { classes } }: Description): boolean {
  const present = [...new Set(pairs.flatMap(({ first, second }) => [first, second]))].sort((a, b) => a - b);
  const expected = present.flatMap((first, i) => present.slice(i + 1).map(second => `${first} ${second}`));
  const given = pairs.map(({ first, second }) => `${first} ${second}`);
  return given.join() === expected.join() && present.at(-1)! < classes;
}

async function readCoefficients(folder: string, { references }: Description): Promise<Float32Array> {
  const path = join(folder, coefficientsName);
  const { tensors } = await readSafetensors(path);
  const [tensor] = tensors;
  const shape = [references.classes - 1, references.count];
  if (tensors.length !== 1 || tensor!.name !== 'coefficients' || tensor!.shape.join() !== shape.join()) {
    throw corruptModel(path, `it must hold coefficients [${shape.join(', ')}] and nothing else`);
  }
  if (!tensor!.data.every(Number.isFinite)) throw corruptModel(path, 'a coefficient is not a finite number');
  return tensor!.data;
}

/** Where each class begins among the support vectors. */
function startsOf(path: string, { labels, classes }: LabelledVectors): Int32Array {
  const starts = new Int32Array(classes + 1);
  labels.forEach((label, i) => {
    if (i > 0 && label < labels[i - 1]!) throw corruptModel(path, 'support vectors must be sorted by class');
    starts[label + 1]!++;
  });
  for (let k = 0; k < classes; k++) starts[k + 1]! += starts[k]!;
  return starts;
}
