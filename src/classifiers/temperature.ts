// N cells, K classes.

/** Fewer cells than this say too little of probabilities. */
export const fewestCells = 50;

/** As in the log loss that evaluation reports. */
const smallest = 2 ** -23;

/**
 * Temperature scaling (Guo et al. 2017): the T for which softmax(logits / T) gives the smallest log loss on cells that
 * were not trained on, from 0.1 to 10. Above 1, the probabilities promised too much. Logits are not needed: p^(1/T),
 * brought to a sum of 1, is the same. 1 where fewer than 50 cells are given, and where every cell is right: then any
 * smaller T would look better, and nothing is known of how often the classifier errs. N K exponentials 60 times.
 */
export function fitTemperature(labels: Int32Array, probabilities: Float32Array, K: number): number {
  if (labels.length < fewestCells || areAllRight(labels, probabilities, K)) return 1;
  const logs = Float64Array.from(probabilities, p => Math.log(p)); // -Infinity for 0
  const loss = (logT: number) => scaledLoss(labels, logs, K, Math.exp(logT));
  const [least, step] = [Math.log(0.1), Math.log(10) / 8];
  const grid = Array.from({ length: 17 }, (_, i) => least + i * step);
  const best = grid.reduce((a, b) => (loss(b) < loss(a) ? b : a));
  const found = Math.exp(minimise(loss, Math.max(least, best - step), Math.min(-least, best + step)));
  return scaledLoss(labels, logs, K, found) < scaledLoss(labels, logs, K, 1) ? found : 1;
}

/** Scales probabilities, N x K, where they stand. Zeros stay, and so does every bit where T is 1. */
export function applyTemperature(probabilities: Float32Array, K: number, temperature: number): void {
  if (temperature === 1) return;
  const power = 1 / temperature;
  for (let at = 0; at < probabilities.length; at += K) {
    let most = 0;
    for (let k = 0; k < K; k++) most = Math.max(most, probabilities[at + k]!);
    if (!(most > 0)) continue; // a diverged network's row is left for others to refuse
    let sum = 0;
    for (let k = 0; k < K; k++) sum += (probabilities[at + k]! / most) ** power;
    for (let k = 0; k < K; k++) probabilities[at + k] = (probabilities[at + k]! / most) ** power / sum;
  }
}

/** Mean of -ln p(true class) of N x K probabilities, in nats; p is taken as at least 2^-23. */
export function logLoss(labels: Int32Array, probabilities: Float32Array, K: number): number {
  let sum = 0;
  labels.forEach((label, i) => {
    sum -= Math.log(Math.max(smallest, probabilities[i * K + label]!));
  });
  return sum / labels.length;
}

function areAllRight(labels: Int32Array, probabilities: Float32Array, K: number): boolean {
  return labels.every((label, i) => {
    const own = probabilities.subarray(i * K, (i + 1) * K);
    return own.every(p => p <= own[label]!);
  });
}

function scaledLoss(labels: Int32Array, logs: Float64Array, K: number, temperature: number): number {
  let total = 0;
  for (let i = 0; i < labels.length; i++) {
    let most = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < K; k++) most = Math.max(most, logs[i * K + k]!);
    let sum = 0;
    for (let k = 0; k < K; k++) sum += Math.exp((logs[i * K + k]! - most) / temperature);
    const own = (logs[i * K + labels[i]!]! - most) / temperature - Math.log(sum);
    total -= Math.max(Math.log(smallest), own);
  }
  return total / labels.length;
}

/** The least of a function with one valley between `from` and `to`, by golden section. */
function minimise(of: (x: number) => number, from: number, to: number): number {
  const ratio = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [from, to];
  let [a, b] = [high - ratio * (high - low), low + ratio * (high - low)];
  let [atA, atB] = [of(a), of(b)];
  for (let i = 0; i < 30; i++) {
    if (atA < atB) {
      [high, b, atB] = [b, a, atA];
      a = high - ratio * (high - low);
      atA = of(a);
    } else {
      [low, a, atA] = [a, b, atB];
      b = low + ratio * (high - low);
      atB = of(b);
    }
  }
  return (low + high) / 2;
}
