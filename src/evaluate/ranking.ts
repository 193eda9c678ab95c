/** How well one class's probability separates its cells from all others; null where one side is empty. */
export interface Ranking {
  /** Probability that a cell of the class stands above one of another; ties count one half. */
  rocAuc: number | null;
  /** Area under precision over recall as a step function; tied cells enter together. */
  averagePrecision: number | null;
}

/** One-vs-rest ranking scores of class k from N labels and N x K probabilities. Ties are exact. */
export function rankClass(
  labels: Int32Array,
  probabilities: Float32Array,
  classes: number,
  k: number,
): Ranking {
  const { positives, negatives } = separate(labels, probabilities, classes, k);
  const both = positives.length > 0 && negatives.length > 0;
  if (!both) return { rocAuc: null, averagePrecision: null };
  return {
    rocAuc: areaUnderRoc(positives, negatives),
    averagePrecision: areaUnderPrecision(positives, negatives),
  };
}

/** Probabilities of class k, ascending: those of its own cells and those of all others. */
export function separate(labels: Int32Array, probabilities: Float32Array, classes: number, k: number) {
  const positives = new Float32Array(labels.reduce((count, label) => count + (label === k ? 1 : 0), 0));
  const negatives = new Float32Array(labels.length - positives.length);
  let positive = 0;
  let negative = 0;
  for (let cell = 0; cell < labels.length; cell++) {
    const probability = probabilities[cell * classes + k]!;
    if (labels[cell] === k) positives[positive++] = probability;
    else negatives[negative++] = probability;
  }
  return { positives: positives.sort(), negatives: negatives.sort() };
}

/** Mann and Whitney's count of pairs, by one walk over both sorted lists. */
function areaUnderRoc(positives: Float32Array, negatives: Float32Array): number {
  let halves = 0; // twice the pairs won: an integer, exact up to 2^53
  let below = 0;
  let notAbove = 0;
  for (const positive of positives) {
    while (below < negatives.length && negatives[below]! < positive) below++;
    while (notAbove < negatives.length && negatives[notAbove]! <= positive) notAbove++;
    halves += below + notAbove;
  }
  return halves / 2 / positives.length / negatives.length;
}

/** Sum over distinct thresholds, from the highest, of precision times the gain in recall. */
function areaUnderPrecision(positives: Float32Array, negatives: Float32Array): number {
  let area = 0;
  let found = 0;
  let wrong = 0;
  while (found < positives.length) {
    const threshold = positives[positives.length - 1 - found]!;
    const before = found;
    while (found < positives.length && positives[positives.length - 1 - found]! === threshold) found++;
    while (wrong < negatives.length && negatives[negatives.length - 1 - wrong]! >= threshold) wrong++;
    area += (found / (found + wrong)) * (found - before);
  }
  return area / positives.length;
}
