// N cells, K classes, U units: what is left out at a time, a cell or a group of cells.
import { seededUniform } from './bootstrap.ts';
import { classFigures, type WeightedFigures, wholeFigures } from './weightedFigures.ts';

/** Which unit each cell is in. */
export interface Units {
  /** N of [0, count). */
  units: Int32Array;
  count: number;
}

/** What a figure divides by: cells of all classes, of each class alike, or of or for one class. */
export interface Denominator {
  of: 'all' | 'eachClass' | 'label' | 'prediction' | 'otherLabels' | 'labelOrPrediction';
  /** 0 where it is not of one class. */
  class: number;
}

/** What each figure of `WeightedFigures.measure` divides by. */
export function denominatorOf(figure: number): Denominator {
  if (figure < wholeFigures.length) {
    const name = wholeFigures[figure]!;
    const mean = name.startsWith('macro') || name === 'balancedAccuracy';
    return { of: mean ? 'eachClass' : 'all', class: 0 };
  }
  const at = figure - wholeFigures.length;
  const name = classFigures[at % classFigures.length]!;
  const of = { precision: 'prediction', specificity: 'otherLabels', f1: 'labelOrPrediction' } as const;
  return {
    of: name in of ? of[name as keyof typeof of] : 'label',
    class: Math.floor(at / classFigures.length),
  };
}

/** U shares of what a figure divides by; they add up to 1. NaN where it divides by nothing. */
export function sharesOf(
  { labels, predicted, counts, present }: WeightedFigures,
  { of, class: k }: Denominator,
  units: Int32Array,
  count: number,
): Float64Array {
  const [own, taken] = [counts.supports[k]!, counts.taken[k]!];
  const sizes = {
    ...{ all: labels.length, eachClass: present, label: own, prediction: taken },
    ...{ otherLabels: labels.length - own, labelOrPrediction: own + taken },
  };
  const parts: Record<Denominator['of'], (label: number, predicted: number) => number> = {
    all: () => 1,
    eachClass: label => 1 / counts.supports[label]!,
    label: label => (label === k ? 1 : 0),
    prediction: (_, predicted) => (predicted === k ? 1 : 0),
    otherLabels: label => (label === k ? 0 : 1),
    labelOrPrediction: (label, predicted) => (label === k ? 1 : 0) + (predicted === k ? 1 : 0),
  };
  const [part, size] = [parts[of], sizes[of]];
  const shares = new Float64Array(count);
  for (let i = 0; i < labels.length; i++) shares[units[i]!]! += part(labels[i]!, predicted[i]!) / size;
  return shares;
}

/** A unit with more than half of what a figure divides by counts as if it had half: what it does alone cannot be told. */
export const mostShare = 0.5;

/**
 * Degrees of freedom of the variance that leaving out one unit at a time gives, by Bell and McCaffrey (2002) for cells that
 * are alike: U - 1 for units of the same size, fewer where some are large. At least 1.
 */
export function freedomOf(shares: Float64Array): number {
  let [squares, second, fourth] = [0, 0, 0];
  for (const share of shares) {
    const own = Math.min(mostShare, share);
    const moved = own ** 2 / (1 - own);
    squares += share ** 2;
    second += moved;
    fourth += moved ** 2;
  }
  return Math.max(1, 1 / (squares + second ** 2 - fourth));
}

/**
 * The place of each cell's group; cells without one are of a group of their own. Past `most` groups, that many units of
 * several groups each, drawn by a seed: more of them would cost more and tell nothing more.
 */
export function indexGroups(groups: readonly (string | null)[], most: number): Units {
  const places = new Map<string | null, number>();
  for (const group of groups) if (!places.has(group)) places.set(group, places.size);
  if (places.size > most) {
    const random = seededUniform(20191005);
    const order = [...places.keys()].map(group => ({ group, at: random() })).sort((a, b) => a.at - b.at);
    order.forEach(({ group }, i) => void places.set(group, i % most));
  }
  return { units: Int32Array.from(groups, group => places.get(group)!), count: Math.min(most, places.size) };
}
