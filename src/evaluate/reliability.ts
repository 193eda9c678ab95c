// N cells, K classes.
import { binOf, bins } from './calibration.ts';
import { type Interval, wilsonInterval } from './interval.ts';
import { type LabelledPredictions, mostProbable } from './score.ts';

/** Cells whose predicted class has a probability in (low, high]. */
export interface ReliabilityBin {
  low: number;
  high: number;
  cells: number;
  /** Mean probability of the predicted class. */
  confidence: number;
  /** Share that is right: the same as `confidence` where probabilities can be believed. */
  accuracy: number;
  /** Of the accuracy, Wilson's 95 %, by cell. */
  interval: Interval;
}

/** The reliability diagram (Guo et al. 2017): 15 equal bins, those without cells left out. */
export function measureReliability({
  classes,
  labels,
  probabilities,
}: LabelledPredictions): ReliabilityBin[] {
  const K = classes.length;
  const predicted = mostProbable(probabilities, K);
  const cells = new Int32Array(bins);
  const right = new Int32Array(bins);
  const confidence = new Float64Array(bins);
  for (let cell = 0; cell < labels.length; cell++) {
    const own = probabilities[cell * K + predicted[cell]!]!;
    const bin = binOf(own);
    cells[bin]!++;
    confidence[bin]! += own;
    if (predicted[cell] === labels[cell]) right[bin]!++;
  }
  return Array.from(cells.keys())
    .filter(bin => cells[bin]! > 0)
    .map(bin => ({
      low: bin / bins,
      high: (bin + 1) / bins,
      cells: cells[bin]!,
      confidence: confidence[bin]! / cells[bin]!,
      accuracy: right[bin]! / cells[bin]!,
      interval: wilsonInterval(right[bin]!, cells[bin]!)!,
    }));
}
