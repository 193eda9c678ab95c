import { join } from 'node:path';
import { z } from 'zod';
import type { Pixels } from '../engine/imageSet.ts';
import { Logistic, type LogisticFit, type LogisticTables } from '../engine/logistic.ts';
import type { Job } from '../job.ts';
import { corruptModel } from '../models/modelFiles.ts';
import { writeSafetensors } from '../models/safetensors.ts';
import { type ClassWeights, classWeightsOf, classWeightsSetting } from './classWeights.ts';
import type { Facts, Fitted, LabelledVectors, Learner, Vectors } from './learner.ts';
import { factsSchema, readTables } from './saved.ts';
import { isBetterScore, scoreVectors, type VectorScore } from './score.ts';
import { completeSettings, numberSetting, orAuto, type SettingsOf, wholeSetting } from './settings.ts';

// N vectors, D features, K classes, P of them with training vectors.

export interface LogisticSettings {
  C: number | 'auto';
  classWeights: ClassWeights;
  tolerance: number;
  iterations: number;
}

const rules: SettingsOf<LogisticSettings> = {
  C: orAuto(
    numberSetting(
      { above: 0, high: 1e10 },
      1,
      'the smaller, the smaller the coefficients; auto chooses of 1e-6, 1e-5 ... 1000 on the validation cells',
    ),
  ),
  classWeights: classWeightsSetting('none'),
  tolerance: numberSetting({ above: 0, high: 1 }, 1e-6, 'largest component of the gradient that is left'),
  iterations: wholeSetting(1, 1_000_000, 2000, 'steps for each C, at most'),
};

/**
 * Multinomial logistic regression with an L2 penalty on standardised vectors, by L-BFGS. The objective is
 * scikit-learn's, C times the sum of losses + half the squared coefficients (intercepts free), divided by C N.
 */
export const logistic: Learner<LogisticSettings> = {
  name: 'logistic',
  about: 'multinomial logistic regression with an L2 penalty',
  needsStandardised: false,
  rules,
  settings: given => completeSettings('logistic', rules, given),
  fit: fitLogistic,
  load: loadLogistic,
};

/** What C is chosen from, from strong to weak penalties: each fit begins where the last one ended. */
export const gridOfC = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100, 1000];
const usualC = 1;
/** So many values of C in a row that are no better end the choice. */
const patience = 3;

async function fitLogistic(
  training: LabelledVectors,
  validation: LabelledVectors | null,
  settings: LogisticSettings,
  job: Job = {},
): Promise<Fitted> {
  const present = presentClasses(training);
  const labels = training.labels.map(label => present.indexOf(label));
  const weights = classWeightsOf(training, settings.classWeights).filter(weight => weight > 0);
  const trainer = await Logistic.open({ ...training, labels, classes: present.length }, weights, job);
  const classes = { present, count: training.classes };
  const scoreOf = async (fitted: FittedLogistic) =>
    validation && scoreVectors(await fitted.predict(validation, job), validation.labels, classes.count);
  let best: { fitted: FittedLogistic; score: VectorScore | null } | undefined;
  try {
    let worse = 0;
    for (const C of openValues(settings, validation)) {
      const facts = { ...settings, ...factsOf(await trainer.fit({ ...settings, C }, job)), C };
      const fitted = new FittedLogistic(copyOf(trainer), classes, facts);
      const score = await scoreOf(fitted);
      worse = best?.score && score && !isBetterScore(score, best.score) ? worse + 1 : 0;
      if (worse > 0) fitted.dispose();
      else {
        best?.fitted.dispose();
        best = { fitted, score };
      }
      if (worse === patience) break;
    }
    return best!.fitted;
  } catch (error) {
    best?.fitted.dispose();
    throw error;
  } finally {
    trainer.dispose();
  }
}

/** The values of C to try: the one given, or the usual one where nothing can be chosen. */
function openValues({ C }: LogisticSettings, validation: LabelledVectors | null): readonly number[] {
  if (C !== 'auto') return [C];
  return validation !== null && validation.rows.length > 0 ? gridOfC : [usualC];
}

function presentClasses({ labels }: LabelledVectors): number[] {
  return [...new Set(labels)].sort((a, b) => a - b);
}

function factsOf({ loss, gradient, iterations, converged }: LogisticFit): Facts {
  return { trainingLoss: loss, gradient, stepsTaken: iterations, converged };
}

function copyOf(trainer: Logistic): Logistic {
  return Logistic.from(trainer.features, trainer.classes, trainer.tables());
}

/** Which classes a model knows, of how many; the others have probability 0. */
interface Classes {
  present: number[];
  count: number;
}

class FittedLogistic implements Fitted {
  readonly facts: Facts;
  readonly #model: Logistic;
  readonly #classes: Classes;

  constructor(model: Logistic, classes: Classes, facts: Facts) {
    this.#model = model;
    this.#classes = classes;
    this.facts = facts;
  }

  get dimensions(): number {
    return this.#model.features;
  }

  get classes(): number {
    return this.#classes.count;
  }

  async predict({ set, rows }: Vectors, job?: Job): Promise<Float32Array> {
    return this.#spread(await this.#model.predict(set, rows, job));
  }

  predictOne(vector: Pixels): Float32Array {
    return this.#spread(this.#model.predictOne(vector));
  }

  /** From the P classes that the model knows to all K. */
  #spread(known: Float32Array): Float32Array {
    const { present, count } = this.#classes;
    if (present.length === count) return known;
    const all = new Float32Array((known.length / present.length) * count);
    for (let i = 0; i < known.length; i++) {
      const row = Math.floor(i / present.length);
      all[row * count + present[i % present.length]!] = known[i]!;
    }
    return all;
  }

  async save(folder: string): Promise<unknown> {
    const { dimensions, classes, facts } = this;
    const { present } = this.#classes;
    const { mean, scale, coefficients, intercepts } = this.#model.tables();
    await writeSafetensors(join(folder, fileName), [
      { name: 'mean', shape: [dimensions], data: mean },
      { name: 'scale', shape: [dimensions], data: scale },
      { name: 'coefficients', shape: [present.length, dimensions], data: coefficients },
      { name: 'intercepts', shape: [present.length], data: intercepts },
    ]);
    return { dimensions, classes, present, facts };
  }

  dispose(): void {
    this.#model.dispose();
  }
}

const fileName = 'logistic.safetensors';
const tableNames = ['mean', 'scale', 'coefficients', 'intercepts'] as const;

const schema = z.object({
  dimensions: z
    .int()
    .min(1)
    .max(2 ** 31),
  classes: z.int().min(1).max(65_535),
  present: z.array(z.int().min(0)).min(1),
  facts: factsSchema,
});

async function loadLogistic(folder: string, description: unknown): Promise<Fitted> {
  const path = join(folder, fileName);
  const parsed = schema.safeParse(description);
  if (!parsed.success) throw corruptModel(path, 'its description lacks what is needed');
  const { dimensions, classes, present, facts } = parsed.data;
  if (present.some((k, i) => k >= classes || (i > 0 && k <= present[i - 1]!)))
    throw corruptModel(path, 'its classes are not in order');
  const tables = await readTables<LogisticTables>(path, tableNames);
  try {
    const model = Logistic.from(dimensions, present.length, tables);
    return new FittedLogistic(model, { present, count: classes }, facts);
  } catch (error) {
    throw corruptModel(path, (error as Error).message);
  }
}
