// N cells, K classes.
import type { ImageSet } from '../engine/imageSet.ts';
import type { Network } from '../engine/network.ts';
import type { Loss } from '../engine/networkSpec.ts';
import type { Normalisation } from '../engine/normalisation.ts';
import { BrightcellError } from '../errors.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import type { LabelledRows } from './batches.ts';
import type { PartScore } from './report.ts';

/** Images predicted at once: what bounds memory. */
const chunk = 512;

/**
 * Predicts labelled cells and scores them; throws `training-diverged` where a probability is no number. `seen`, N x K, is
 * given the probabilities.
 */
export async function scoreCells(
  network: Network,
  images: ImageSet,
  cells: LabelledRows,
  settings: { normalisation: Normalisation; loss: Loss },
  job: Job = {},
  seen?: Float32Array,
): Promise<PartScore> {
  const tally = new Tally(network.classes, settings.loss);
  for (let at = 0; at < cells.rows.length; at += chunk) {
    throwIfCancelled(job);
    const rows = cells.rows.subarray(at, at + chunk);
    const probabilities = await network.predict({ images, rows, normalisation: settings.normalisation });
    seen?.set(probabilities, at * network.classes);
    tally.add(probabilities, cells.labels.subarray(at, at + chunk));
  }
  return tally.score();
}

/** The loss of one cell from its K probabilities: what the training step would give for it. */
export function lossOf(probabilities: Float32Array, label: number, loss: Loss): number {
  const own = Math.max(probabilities[label]!, 1e-38);
  switch (loss.name) {
    case 'crossEntropy': {
      const smoothing = loss.labelSmoothing ?? 0;
      if (smoothing === 0) return -Math.log(own);
      const all = probabilities.reduce((sum, p) => sum - Math.log(Math.max(p, 1e-38)), 0);
      return (1 - smoothing) * -Math.log(own) + (smoothing * all) / probabilities.length;
    }
    case 'doubleSoftmax':
      return Math.log(probabilities.reduce((sum, p) => sum + Math.exp(p), 0)) - probabilities[label]!;
    case 'meanSquaredError':
      return (
        probabilities.reduce((sum, p, k) => sum + (p - (k === label ? 1 : 0)) ** 2, 0) / probabilities.length
      );
    case 'focal':
      return (1 - own) ** loss.gamma * -Math.log(own);
  }
}

class Tally {
  readonly #classes: number;
  readonly #loss: Loss;
  #cells = 0;
  #lossSum = 0;
  /** For each class: cells that are it and predicted as it, cells that are it, cells predicted as it. */
  readonly #right: Float64Array;
  readonly #actual: Float64Array;
  readonly #predicted: Float64Array;

  constructor(classes: number, loss: Loss) {
    this.#classes = classes;
    this.#loss = loss;
    this.#right = new Float64Array(classes);
    this.#actual = new Float64Array(classes);
    this.#predicted = new Float64Array(classes);
  }

  add(probabilities: Float32Array, labels: Int32Array): void {
    for (let i = 0; i < labels.length; i++) {
      const row = probabilities.subarray(i * this.#classes, (i + 1) * this.#classes);
      const label = labels[i]!;
      const predicted = row.indexOf(row.reduce((most, p) => Math.max(most, p), 0));
      const loss = lossOf(row, label, this.#loss);
      if (predicted < 0 || !Number.isFinite(loss)) throw diverged();
      this.#lossSum += loss;
      this.#cells++;
      this.#actual[label]!++;
      this.#predicted[predicted]!++;
      if (predicted === label) this.#right[label]!++;
    }
  }

  /** Macro F1 is the mean over the classes that have cells; a class that was never predicted counts as 0. */
  score(): PartScore {
    let f1 = 0;
    let present = 0;
    let right = 0;
    for (let k = 0; k < this.#classes; k++) {
      right += this.#right[k]!;
      if (this.#actual[k] === 0) continue;
      present++;
      f1 += (2 * this.#right[k]!) / (this.#actual[k]! + this.#predicted[k]!);
    }
    return {
      cells: this.#cells,
      loss: this.#lossSum / this.#cells,
      accuracy: right / this.#cells,
      macroF1: f1 / present,
    };
  }
}

function diverged(): BrightcellError {
  return new BrightcellError(
    'training-diverged',
    'Probabilities of the validation cells must be numbers, and are not. Lower the learning rate, or set clipNorm to 1.',
  );
}
