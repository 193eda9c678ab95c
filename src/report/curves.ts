// N cells, K classes.
import { wilsonInterval } from '../evaluate/interval.ts';

/** A point of a curve at one threshold. */
export interface CurvePoint {
  x: number;
  y: number;
}

export interface ClassCurves {
  /** False positive rate and recall from (0, 0) to (1, 1); empty where the class or its contrary has no cells. */
  roc: CurvePoint[];
  /** Recall and precision by falling threshold; empty where the class has no cells. */
  precisionRecall: CurvePoint[];
}

/**
 * ROC and precision-recall curve of class k against all others, from N labels and N x K probabilities; one point for each
 * distinct probability, thinned to about `most` that lie evenly along the curve, ends kept.
 */
export function classCurves(
  labels: Int32Array,
  probabilities: Float32Array,
  classes: number,
  k: number,
  most = 200,
): ClassCurves {
  const order = Array.from(labels.keys()).sort(
    (a, b) => probabilities[b * classes + k]! - probabilities[a * classes + k]!,
  );
  const positives = labels.reduce((sum, label) => sum + (label === k ? 1 : 0), 0);
  const negatives = labels.length - positives;
  const roc: CurvePoint[] = [{ x: 0, y: 0 }];
  const precisionRecall: CurvePoint[] = [];
  let [found, wrong] = [0, 0];
  for (const [i, cell] of order.entries()) {
    if (labels[cell] === k) found++;
    else wrong++;
    const next = order[i + 1];
    if (next !== undefined && probabilities[next * classes + k] === probabilities[cell * classes + k])
      continue;
    roc.push({ x: wrong / negatives, y: found / positives });
    precisionRecall.push({ x: found / positives, y: found / (found + wrong) });
  }
  return {
    roc: positives > 0 && negatives > 0 ? thin(roc, most) : [],
    precisionRecall: positives > 0 ? thin(precisionRecall, most) : [],
  };
}

/** Points that lie at least 2 / most apart, and both ends. */
function thin(points: CurvePoint[], most: number): CurvePoint[] {
  const step = 2 / most;
  const kept: CurvePoint[] = [];
  for (const [i, point] of points.entries()) {
    const last = kept.at(-1);
    const far = !last || Math.abs(point.x - last.x) + Math.abs(point.y - last.y) >= step;
    if (far || i === points.length - 1) kept.push(point);
  }
  return kept;
}

/** One range of stated probabilities. */
export interface Reliability {
  from: number;
  to: number;
  cells: number;
  /** Mean probability of the predicted class. */
  confidence: number;
  /** Share that is right, with Wilson's 95 % interval. */
  accuracy: number;
  low: number;
  high: number;
}

/** How often the predicted class is right, by its probability in equal bins that are open below; those with cells. */
export function reliability(
  labels: Int32Array,
  probabilities: Float32Array,
  predicted: Int32Array,
  classes: number,
  bins = 10,
): Reliability[] {
  const sums = Array.from({ length: bins }, () => ({ cells: 0, right: 0, confidence: 0 }));
  for (let cell = 0; cell < labels.length; cell++) {
    const confidence = probabilities[cell * classes + predicted[cell]!]!;
    const bin = sums[Math.min(bins - 1, Math.max(0, Math.ceil(confidence * bins) - 1))]!;
    bin.cells++;
    bin.confidence += confidence;
    if (labels[cell] === predicted[cell]) bin.right++;
  }
  return sums.flatMap(({ cells, right, confidence }, i) => {
    if (cells === 0) return [];
    const [low, high] = wilsonInterval(right, cells)!;
    const at = { from: i / bins, to: (i + 1) / bins };
    return [{ ...at, cells, confidence: confidence / cells, accuracy: right / cells, low, high }];
  });
}
