import { join } from 'node:path';
import { z } from 'zod';
import { Forest, type ForestTables } from '../engine/forest.ts';
import type { Pixels } from '../engine/imageSet.ts';
import type { Job } from '../job.ts';
import { corruptModel } from '../models/modelFiles.ts';
import { writeSafetensors } from '../models/safetensors.ts';
import { type ClassWeights, classWeightsOf, classWeightsSetting } from './classWeights.ts';
import type { Facts, Fitted, LabelledVectors, Learner, Vectors } from './learner.ts';
import { factsSchema, readTables } from './saved.ts';
import { scoreVectors } from './score.ts';
import { completeSettings, type SettingsOf, wholeSetting } from './settings.ts';

// N vectors, D features, K classes, T trees.

export interface ForestSettings {
  trees: number;
  minimalLeaf: number;
  /** 0: the square root of D, rounded down. */
  featuresPerNode: number;
  classWeights: ClassWeights;
  seed: number;
}

const rules: SettingsOf<ForestSettings> = {
  trees: wholeSetting(1, 100_000, 500, 'how many trees vote'),
  minimalLeaf: wholeSetting(1, 1_000_000, 1, 'different training cells of a leaf, at least'),
  featuresPerNode: wholeSetting(0, 1_000_000, 0, 'features that a node looks at; 0: the square root of all'),
  classWeights: classWeightsSetting('none'),
  seed: wholeSetting(0, 2 ** 31 - 1, 1, 'draws the samples and the features'),
};

/** Random forest (Breiman 2001): trees on bootstrap samples, Gini impurity, mean shares of the leaves. */
export const forest: Learner<ForestSettings> = {
  name: 'forest',
  about: 'random forest (Breiman 2001), 256 ranges a feature',
  needsStandardised: false,
  rules,
  settings: given => completeSettings('forest', rules, given),
  fit: fitForest,
  load: loadForest,
};

async function fitForest(
  training: LabelledVectors,
  _validation: LabelledVectors | null,
  settings: ForestSettings,
  job?: Job,
): Promise<Fitted> {
  const classWeights = classWeightsOf(training, settings.classWeights);
  const { forest: grown, outOfBag } = await Forest.grow(training, { ...settings, classWeights }, job);
  return new FittedForest(grown, { ...settings, nodes: grown.nodes, ...outOfBagFacts(outOfBag, training) });
}

const fileName = 'forest.safetensors';
const tableNames = ['nodes', 'shareRows', 'feature', 'cut', 'next', 'gain', 'shares'] as const;

const schema = z.object({
  dimensions: z
    .int()
    .min(1)
    .max(2 ** 24),
  classes: z.int().min(1).max(65_535),
  facts: factsSchema,
});

async function loadForest(folder: string, description: unknown): Promise<Fitted> {
  const path = join(folder, fileName);
  const parsed = schema.safeParse(description);
  if (!parsed.success) throw corruptModel(path, 'its description lacks what is needed');
  const { dimensions, classes, facts } = parsed.data;
  const tables = await readTables<ForestTables>(path, tableNames);
  try {
    return new FittedForest(Forest.from(dimensions, classes, tables), facts);
  } catch (error) {
    throw corruptModel(path, (error as Error).message);
  }
}

class FittedForest implements Fitted {
  readonly facts: Facts;
  readonly #forest: Forest;

  constructor(grown: Forest, facts: Facts) {
    this.#forest = grown;
    this.facts = facts;
  }

  get dimensions(): number {
    return this.#forest.features;
  }

  get classes(): number {
    return this.#forest.classes;
  }

  predict({ set, rows }: Vectors, job?: Job): Promise<Float32Array> {
    return this.#forest.predict(set, rows, job);
  }

  predictOne(vector: Pixels): Float32Array {
    return this.#forest.predictOne(vector);
  }

  /** Share of each feature in the decrease of Gini impurity; adds up to 1, or 0 where no tree has a cut. */
  importances(): Float64Array {
    return this.#forest.importances();
  }

  async save(folder: string): Promise<unknown> {
    const { dimensions, classes, facts } = this;
    const tables = this.#forest.tables();
    const tensors = tableNames.map(name => {
      const data = tables[name];
      return { name, shape: name === 'shares' ? [data.length / classes, classes] : [data.length], data };
    });
    await writeSafetensors(join(folder, fileName), tensors);
    return { dimensions, classes, facts };
  }

  dispose(): void {
    this.#forest.dispose();
  }
}

/** Accuracy and loss from the trees that had not seen a vector; null where every tree had seen every vector. */
function outOfBagFacts(outOfBag: Float32Array, { labels, classes }: LabelledVectors): Facts {
  const judged = labels
    .map((_, i) => i)
    .filter(i => outOfBag.subarray(i * classes, (i + 1) * classes).some(p => p > 0));
  if (judged.length === 0) return { outOfBagAccuracy: null, outOfBagLoss: null };
  const probabilities = new Float32Array(judged.length * classes);
  judged.forEach((row, i) => {
    probabilities.set(outOfBag.subarray(row * classes, (row + 1) * classes), i * classes);
  });
  const { accuracy, loss } = scoreVectors(
    probabilities,
    judged.map(row => labels[row]!),
    classes,
  );
  return { outOfBagAccuracy: accuracy, outOfBagLoss: loss };
}
