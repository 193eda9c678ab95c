// N cells, K classes.

/** A cell of which the others say another class than its label. */
export interface Suspect {
  /** Position among the cells. */
  cell: number;
  given: number;
  /** What the other cells say. */
  likely: number;
  /** Probabilities of both, from classifiers that have not seen the cell. */
  givenProbability: number;
  likelyProbability: number;
  /** Whether the rule of `findSuspects` says so, and not only the greater probability. */
  suspect: boolean;
}

export interface Confident {
  /** The most suspicious first. */
  suspects: Suspect[];
  /** Cells of which another class is more probable than the label, suspects or not, in the same order. */
  ranked: Suspect[];
  /** Suspects that are expected if every label is right, from how far the classes overlap. */
  expected: number;
  /** K x K: cells by given label (row) and by the class that they are confidently of. */
  joint: number[][];
  /** A class is confidently named from this probability on: the mean of its own cells; null without cells. */
  thresholds: (number | null)[];
}

/** A label as improbable as this beside a confident other class is suspicious. */
const improbable = 0.1;

/**
 * Confident learning (Northcutt, Jiang and Chuang 2021) on out-of-fold probabilities N x K: a cell is confidently of the
 * most probable class whose probability is at least the mean of those that carry its label. A suspect is confidently of
 * another class than its label says, and its label has a probability below 0.1. Ranked by the difference of both.
 */
export function findSuspects(probabilities: Float32Array, labels: Int32Array, K: number): Confident {
  const thresholds = meanConfidence(probabilities, labels, K);
  const joint = Array.from({ length: K }, () => new Array<number>(K).fill(0));
  const ranked: Suspect[] = [];
  const sure = new Int32Array(labels.length);
  for (const [cell, given] of labels.entries()) {
    const own = probabilities.subarray(cell * K, (cell + 1) * K);
    sure[cell] = confidentClass(own, thresholds);
    if (sure[cell]! >= 0) joint[given]![sure[cell]!]!++;
    const suspect = sure[cell]! >= 0 && isSuspect(own, given, sure[cell]!);
    const likely = suspect ? sure[cell]! : mostOf(own);
    if (likely === given) continue;
    const both = { givenProbability: own[given]!, likelyProbability: own[likely]! };
    ranked.push({ cell, given, likely, ...both, suspect });
  }
  const margin = (one: Suspect) => one.likelyProbability - one.givenProbability;
  ranked.sort((a, b) => margin(b) - margin(a) || a.cell - b.cell);
  const suspects = ranked.filter(one => one.suspect);
  const expected = expectSuspects(probabilities, labels, sure, K);
  return { suspects, ranked, expected, joint, thresholds };
}

function mostOf(own: Float32Array): number {
  return own.indexOf(own.reduce((most, p) => Math.max(most, p), 0));
}

function isSuspect(own: Float32Array, given: number, likely: number): boolean {
  return likely !== given && own[given]! < improbable;
}

function meanConfidence(probabilities: Float32Array, labels: Int32Array, K: number): (number | null)[] {
  const sums = new Float64Array(K);
  const counts = new Int32Array(K);
  for (const [cell, label] of labels.entries()) {
    sums[label]! += probabilities[cell * K + label]!;
    counts[label]!++;
  }
  return Array.from(sums, (sum, k) => (counts[k]! > 0 ? sum / counts[k]! : null));
}

/** -1 where no class is. */
function confidentClass(own: Float32Array, thresholds: readonly (number | null)[]): number {
  let best = -1;
  for (const [k, threshold] of thresholds.entries())
    if (threshold !== null && own[k]! >= threshold && (best < 0 || own[k]! > own[best]!)) best = k;
  return best;
}

/**
 * If every label is right, a cell of probabilities p has label k in a share p_k of cases, and is a suspect where that k is
 * suspicious. The probabilities are first brought to what they say of the cells that are no suspects (`fitPower`).
 */
function expectSuspects(
  probabilities: Float32Array,
  labels: Int32Array,
  sure: Int32Array,
  K: number,
): number {
  const own = (cell: number) => probabilities.subarray(cell * K, (cell + 1) * K);
  const suspicious = (cell: number, k: number) => sure[cell]! >= 0 && isSuspect(own(cell), k, sure[cell]!);
  const logarithms = Float64Array.from(probabilities, p => Math.log(Math.max(p, least)));
  const open = Uint8Array.from(probabilities, (_, i) => (suspicious(Math.floor(i / K), i % K) ? 0 : 1));
  const power = fitPower(logarithms, open, labels, K);
  let expected = 0;
  for (const cell of labels.keys()) {
    let [all, beyond] = [0, 0];
    for (let i = cell * K; i < (cell + 1) * K; i++) {
      const raised = Math.exp(power * logarithms[i]!);
      all += raised;
      if (open[i] === 0) beyond += raised;
    }
    expected += beyond / all;
  }
  return expected;
}

/** Votes of a forest may be 0, but nothing is impossible. */
const least = 1e-4;

/**
 * The power of the probabilities (1 / temperature) that makes the labels of the cells that are no suspects most likely, given
 * that they are none: a class that would make the cell a suspect (`open` 0) is not counted. So neither wrong labels nor their
 * absence bends it. Golden section on the logarithm.
 */
function fitPower(logarithms: Float64Array, open: Uint8Array, labels: Int32Array, K: number): number {
  const loss = (logarithm: number) => {
    const power = Math.exp(logarithm);
    let sum = 0;
    for (const [cell, label] of labels.entries()) {
      const at = cell * K;
      if (open[at + label] === 0) continue;
      let total = 0;
      for (let i = at; i < at + K; i++) if (open[i] === 1) total += Math.exp(power * logarithms[i]!);
      sum += Math.log(total) - power * logarithms[at + label]!;
    }
    return sum;
  };
  const golden = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [Math.log(0.25), Math.log(8)];
  for (let step = 0; step < 18; step++) {
    const [a, b] = [high - golden * (high - low), low + golden * (high - low)];
    if (loss(a) < loss(b)) high = b;
    else low = a;
  }
  return Math.exp((low + high) / 2);
}
