// N vectors, K classes.

/** How well labelled vectors were classified. */
export interface VectorScore {
  cells: number;
  /** Mean negative logarithm of the right class's probability, which counts as at least 1e-38. */
  loss: number;
  accuracy: number;
  /** Mean F1 over the classes that have vectors. */
  macroF1: number;
}

/** Scores probabilities N x K against labels; of equal probabilities the first class is the predicted one. */
export function scoreVectors(probabilities: Float32Array, labels: Int32Array, K: number): VectorScore {
  const [right, actual, predicted] = [new Int32Array(K), new Int32Array(K), new Int32Array(K)];
  let loss = 0;
  for (let i = 0; i < labels.length; i++) {
    const own = probabilities.subarray(i * K, (i + 1) * K);
    const label = labels[i]!;
    const named = own.indexOf(own.reduce((most, p) => Math.max(most, p), 0));
    loss -= Math.log(Math.max(own[label]!, 1e-38));
    actual[label]!++;
    predicted[named]!++;
    if (named === label) right[label]!++;
  }
  let f1 = 0;
  for (let k = 0; k < K; k++) if (actual[k]! > 0) f1 += (2 * right[k]!) / (actual[k]! + predicted[k]!);
  const N = labels.length;
  return {
    cells: N,
    loss: loss / N,
    accuracy: right.reduce((sum, n) => sum + n, 0) / N,
    macroF1: f1 / actual.filter(n => n > 0).length,
  };
}

/** Whether a score is better than the best so far: by macro F1, then by loss. Equal ones leave the earlier. */
export function isBetterScore(score: VectorScore, best: VectorScore | undefined): boolean {
  if (best === undefined) return true;
  return score.macroF1 > best.macroF1 || (score.macroF1 === best.macroF1 && score.loss < best.loss);
}
