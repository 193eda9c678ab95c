/** How far the probabilities themselves can be believed; all are losses, 0 at best. N cells, K classes. */
export interface Calibration {
  /** Mean of -ln p(true class), in nats; p is taken as at least 2^-23, so that one zero is not infinite. */
  logLoss: number;
  /** Mean over cells of the sum over classes of (p - [true])^2, from 0 to 2. */
  brierLoss: number;
  /**
   * Expected calibration error: cells in 15 equal bins by the probability of the predicted class; the mean, weighted
   * by cells, of |accuracy - mean probability| (Guo et al. 2017). From 0 to 1; too high on a few hundred cells.
   */
  calibrationError: number;
}

export const bins = 15;
const smallest = 2 ** -23;

/** Calibration of N x K probabilities against N labels; `predicted` is the most probable class of each. N > 0. */
export function measureCalibration(
  labels: Int32Array,
  probabilities: Float32Array,
  predicted: Int32Array,
  classes: number,
): Calibration {
  const gap = new Float64Array(bins); // right less expected right
  let logLoss = 0;
  let brierLoss = 0;
  for (let cell = 0; cell < labels.length; cell++) {
    const row = probabilities.subarray(cell * classes, (cell + 1) * classes);
    const label = labels[cell]!;
    logLoss -= Math.log(Math.max(smallest, row[label]!));
    for (let k = 0; k < classes; k++) brierLoss += (row[k]! - (k === label ? 1 : 0)) ** 2;
    const confidence = row[predicted[cell]!]!;
    const bin = binOf(confidence);
    gap[bin]! += (predicted[cell] === label ? 1 : 0) - confidence;
  }
  const cells = labels.length;
  const calibrationError = gap.reduce((total, one) => total + Math.abs(one), 0) / cells;
  return { logLoss: logLoss / cells, brierLoss: brierLoss / cells, calibrationError };
}

/** The bin of a probability; bins are open below. */
export function binOf(confidence: number): number {
  return Math.min(bins - 1, Math.max(0, Math.ceil(confidence * bins) - 1));
}
