// N cells, K classes.
import { BrightcellError } from '../errors.ts';
import { type Interval, wilsonInterval } from './interval.ts';
import type { LabelledPredictions } from './score.ts';
import { type Sweep, sweepClass } from './sweep.ts';

/** What sorting for one class gives at one threshold of its probability. */
export interface OperatingPoint {
  class: string;
  /** The purity that was asked for, from 0 to 1. */
  target: number;
  /** Cells are taken whose probability of the class is at least this; null where no threshold reaches the target. */
  threshold: number | null;
  /** Cells that are taken. */
  taken: number;
  /** Right among those taken; null where none is. */
  purity: number | null;
  purityInterval: Interval | null;
  /** Of the class's cells, the share that is taken (recall); null where it has none. */
  yield: number | null;
  yieldInterval: Interval | null;
  /** Purity over the class's share of all cells: how many times rarer the class was before. */
  enrichment: number | null;
}

export const usualPurities: readonly number[] = [0.9, 0.95, 0.99];

/**
 * For each class and each purity asked for, the threshold with the highest yield whose purity on `chosenOn` reaches it,
 * and what it gives on `measuredOn`. Chosen and measured on the same cells, purity looks better than it is; take the
 * validation part to choose. Intervals are Wilson's 95 %, by cell. Throws `option-invalid` for a purity that is not
 * above 0 and at most 1.
 */
export function findOperatingPoints(
  chosenOn: LabelledPredictions,
  measuredOn: LabelledPredictions,
  purities: readonly number[] = usualPurities,
): OperatingPoint[] {
  const wrong = purities.find(one => !(one > 0 && one <= 1));
  if (wrong !== undefined || purities.length === 0) {
    throw new BrightcellError(
      'option-invalid',
      `Purities must be one or more numbers above 0 and at most 1. Received ${wrong ?? 'none'}.`,
    );
  }
  return chosenOn.classes.flatMap((name, k) => {
    const sweep = sweepClass(chosenOn, k);
    return purities.map(target => ({
      class: name,
      target,
      ...measure(measuredOn, k, choose(sweep, target)),
    }));
  });
}

/** The lowest threshold whose purity reaches the target. */
function choose({ thresholds, found, wrong }: Sweep, target: number): number | null {
  for (let t = thresholds.length - 1; t >= 0; t--) {
    if (found[t]! > 0 && found[t]! >= target * (found[t]! + wrong[t]!)) return thresholds[t]!;
  }
  return null;
}

function measure(
  { classes, labels, probabilities }: LabelledPredictions,
  k: number,
  threshold: number | null,
): Omit<OperatingPoint, 'class' | 'target'> {
  let [support, taken, found] = [0, 0, 0];
  for (let cell = 0; cell < labels.length; cell++) {
    const own = labels[cell] === k;
    if (own) support++;
    if (threshold === null || probabilities[cell * classes.length + k]! < threshold) continue;
    taken++;
    if (own) found++;
  }
  const purity = taken === 0 ? null : found / taken;
  const reached = threshold !== null && support > 0;
  return {
    ...{ threshold, taken, purity, purityInterval: wilsonInterval(found, taken) },
    yield: reached ? found / support : null,
    yieldInterval: reached ? wilsonInterval(found, support) : null,
    enrichment: purity === null || support === 0 ? null : (purity * labels.length) / support,
  };
}
