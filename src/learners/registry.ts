import type { Learner } from './learner.ts';

// biome-ignore lint/suspicious/noExplicitAny: each learner has settings of its own type.
type AnyLearner = Learner<any>;

/** Learners by name, loaded when they are used. */
const learners: Record<string, () => Promise<AnyLearner>> = {
  centroid: async () => (await import('./centroid.ts')).centroid,
  knn: async () => (await import('./knn.ts')).knn,
  svm: async () => (await import('./svm.ts')).svm,
  forest: async () => (await import('./forest.ts')).forest,
  logistic: async () => (await import('./logistic.ts')).logistic,
};

export const learnerNames: readonly string[] = Object.keys(learners);

/** The learner of that name; undefined where there is none. */
export async function maybeLoadLearner(name: string): Promise<AnyLearner | undefined> {
  return Object.hasOwn(learners, name) ? learners[name]!() : undefined;
}
