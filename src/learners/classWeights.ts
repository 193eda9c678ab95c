// K classes.
import type { LabelledVectors } from './learner.ts';
import { choiceSetting, type Setting } from './settings.ts';

/** How much a training vector of each class counts. */
export const classWeightings = ['none', 'balanced'] as const;
export type ClassWeights = (typeof classWeightings)[number];

export function classWeightsSetting(usual: ClassWeights): Setting<ClassWeights> {
  return choiceSetting(classWeightings, usual, 'balanced: rare classes count as much as frequent ones');
}

/**
 * Weights of the K classes: all 1, or 'balanced', the mean size of the classes that have vectors over the class's own
 * size, so that the weights of all vectors add up to their number. 0 for a class without vectors.
 */
export function classWeightsOf(
  { labels, classes }: Pick<LabelledVectors, 'labels' | 'classes'>,
  weights: ClassWeights,
): Float64Array {
  const counts = new Float64Array(classes);
  for (const label of labels) counts[label]!++;
  const present = counts.filter(count => count > 0).length;
  return counts.map(count => {
    if (count === 0) return 0;
    return weights === 'none' ? 1 : labels.length / (present * count);
  });
}
