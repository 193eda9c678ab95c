// N vectors, R references, D numbers each, K classes.
import { join } from 'node:path';
import { z } from 'zod';
import { checkComparable, vectorLength } from '../engine/distances.ts';
import type { Pixels } from '../engine/imageSet.ts';
import { findNeighbours, findNeighboursOf } from '../engine/neighbours.ts';
import { BrightcellError } from '../errors.ts';
import type { Job } from '../job.ts';
import type { Fitted, LabelledVectors, Learner, Vectors } from './learner.ts';
import {
  drawReferences,
  loadReferences,
  referencesSchema,
  saveReferences,
  sortReferences,
} from './references.ts';
import { isBetterScore, scoreVectors, type VectorScore } from './score.ts';
import { choiceSetting, completeSettings, type SettingsOf, wholeSetting } from './settings.ts';
import { countVotes, type Vote, votes } from './votes.ts';

export interface KnnSettings {
  /** A list is chosen from on the validation vectors, 'auto' from a usual list. */
  k: number | number[] | 'auto';
  vote: Vote;
  reference: number | 'all';
  seed: number;
}

const mostNeighbours = 10_000;
const usualNeighbours = 5;
/** What 'auto' chooses from, as far as there are references. */
const usualList = [1, 3, 5, 7, 9, 11, 15, 21, 31, 51];

const rules: SettingsOf<KnnSettings> = {
  k: {
    must: `a whole number from 1 to ${mostNeighbours}, a list of such as [1,3,5], or auto`,
    usual: 'auto',
    about: `neighbours that vote; auto chooses of ${usualList.join(', ')} on the validation cells`,
    accepts: value =>
      value === 'auto' ||
      isCount(value) ||
      (Array.isArray(value) && value.length >= 1 && value.length <= 1000 && value.every(isCount)),
  },
  vote: choiceSetting(
    votes,
    'majority',
    'majority: all neighbours alike; distance: each by 1 over its distance',
  ),
  reference: {
    must: 'a whole number from 1, or all',
    usual: 'all',
    about: 'training cells to compare with: all, or so many drawn by the seed, each class in proportion',
    accepts: value => value === 'all' || (Number.isSafeInteger(value) && (value as number) >= 1),
  },
  seed: wholeSetting(0, 2 ** 31 - 1, 1, 'draws the references where they are not all'),
};

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= mostNeighbours;
}

/**
 * The k nearest neighbours, exact, by Euclidean distance: whole-number arithmetic on pixels, so that ties are ties. Of
 * references at the same distance the one with the lower row is nearer. A vector's probability of a class is that
 * class's share of the votes (`countVotes`); where shares tie, the class that stands first in the list is named.
 */
export const knn: Learner<KnnSettings> = {
  name: 'knn',
  about: 'the k nearest neighbours, exact (Cover and Hart 1967)',
  needsStandardised: true,
  rules,
  settings: given => completeSettings('knn', rules, given),
  fit: fitKnn,
  load: loadKnn,
};

async function fitKnn(
  training: LabelledVectors,
  validation: LabelledVectors | null,
  { k, vote, reference, seed }: KnnSettings,
  job: Job = {},
): Promise<Fitted> {
  const references =
    reference === 'all' ? sortReferences(training) : drawReferences(training, reference, seed);
  checkComparable(references, references);
  const candidates = candidatesFor(k, references.rows.length);
  if (candidates.length > 1 && validation !== null && validation.rows.length > 0) {
    const chosen = await chooseCount(references, validation, { candidates, vote }, job);
    return new Neighbourhood(references, { k: chosen, vote });
  }
  return new Neighbourhood(references, { k: usualOf(candidates), vote });
}

/** Ascending, each once. */
function candidatesFor(k: KnnSettings['k'], references: number): number[] {
  if (k === 'auto' && references > 0) return usualList.filter(count => count <= references);
  const candidates = [...new Set(k === 'auto' ? [1] : [k].flat())].sort((a, b) => a - b);
  const most = candidates.at(-1)!;
  if (most <= references) return candidates;
  throw new BrightcellError(
    'option-invalid',
    `k of knn must be at most the number of reference vectors, ${references}. Received ${most}. ` +
      'Take a smaller k or more references.',
  );
}

/** Where nothing can be tried: 5, or the nearest below it, or the smallest there is. */
function usualOf(candidates: number[]): number {
  return candidates.findLast(k => k <= usualNeighbours) ?? candidates[0]!;
}

/** One search for the largest k; the votes of every other are the first of those. Of equal scores the smallest k. */
async function chooseCount(
  references: LabelledVectors,
  validation: LabelledVectors,
  { candidates, vote }: { candidates: number[]; vote: Vote },
  job: Job,
): Promise<number> {
  const neighbours = await findNeighbours(references, validation, candidates.at(-1)!, job);
  const K = references.classes;
  let best: { score: VectorScore; k: number } | undefined;
  for (const k of candidates) {
    const probabilities = countVotes(neighbours, references.labels, { k, vote, classes: K });
    const score = scoreVectors(probabilities, validation.labels, K);
    if (isBetterScore(score, best?.score)) best = { score, k };
  }
  return best!.k;
}

class Neighbourhood implements Fitted {
  readonly #references: LabelledVectors;
  readonly #options: { k: number; vote: Vote };
  readonly #close: () => void;

  /** `close` is called when it is disposed of. */
  constructor(references: LabelledVectors, options: { k: number; vote: Vote }, close: () => void = () => {}) {
    this.#references = references;
    this.#options = options;
    this.#close = close;
  }

  get dimensions(): number {
    return vectorLength(this.#references.set);
  }

  get classes(): number {
    return this.#references.classes;
  }

  get facts() {
    return { ...this.#options, references: this.#references.rows.length };
  }

  async predict(vectors: Vectors, job: Job = {}): Promise<Float32Array> {
    const neighbours = await findNeighbours(this.#references, vectors, this.#options.k, job);
    return countVotes(neighbours, this.#references.labels, { ...this.#options, classes: this.classes });
  }

  predictOne(vector: Pixels): Float32Array {
    const neighbours = findNeighboursOf(this.#references, vector, this.#options.k);
    return countVotes(neighbours, this.#references.labels, { ...this.#options, classes: this.classes });
  }

  async save(folder: string): Promise<unknown> {
    return { ...this.#options, references: await saveReferences(folder, this.#references) };
  }

  dispose(): void {
    this.#close();
  }
}

const schema = z.object({
  k: z.int().min(1).max(mostNeighbours),
  vote: z.enum(votes),
  references: referencesSchema,
});

async function loadKnn(folder: string, description: unknown): Promise<Fitted> {
  const parsed = schema.safeParse(description);
  if (!parsed.success || parsed.data.k > parsed.data.references.count) {
    throw new BrightcellError(
      'model-corrupt',
      `${join(folder, '..', 'classifier.json')} is not part of a valid model: the description of its neighbours lacks ` +
        'what is needed. Copy the model again from its source, or train again.',
      { fields: { path: folder } },
    );
  }
  const { k, vote, references } = parsed.data;
  const loaded = await loadReferences(folder, references);
  return new Neighbourhood(loaded, { k, vote }, () => loaded.set.close());
}
