import { join } from 'node:path';
import type { Dataset } from '../dataset/dataset.ts';
import type { Network, StepResult } from '../engine/network.ts';
import { BrightcellError } from '../errors.ts';
import type { Job } from '../job.ts';
import { modelFormatVersion, saveModel } from '../models/modelFolder.ts';
import { cutBatches, epochOrder } from './batches.ts';
import { countLabels, type TrainingCells } from './cells.ts';
import { maybeReadCheckpoint, type TrainState, writeCheckpoint } from './checkpoint.ts';
import { type EpochRecord, readEpochs, writeEpochs } from './epochLog.ts';
import type { TrainConfig } from './recipes.ts';
import type { PartScore, TrainReport } from './report.ts';
import { learningRateAt } from './schedule.ts';
import { mixSeed } from './seed.ts';
import { scoreCells } from './validate.ts';

interface TrainingParts {
  /** Folder of the run, locked by this process. */
  run: string;
  config: TrainConfig;
  dataset: Dataset;
  cells: Omit<TrainingCells, 'perClass'>;
  /** With the weights and moments of `state`. */
  network: Network;
  /** Absent: from the beginning. */
  state?: TrainState;
}

const progressMs = 100;

/** Most bytes that the probabilities of the validation cells may take. */
const mostSeenBytes = 2 ** 26;

/** The loop over epochs and steps: what it does next depends on `state` alone, which every checkpoint holds. */
export class Training {
  readonly run: string;
  readonly config: TrainConfig;
  readonly dataset: Dataset;
  readonly network: Network;
  readonly state: TrainState;
  readonly #cells: TrainingParts['cells'];
  #epochs: EpochRecord[] = [];
  #job: Job = {};
  #stepStarted = 0;
  #lastProgress = 0;
  #startedWith = 0;
  #bestSeen: Float32Array | null = null;

  constructor({ run, config, dataset, cells, network, state }: TrainingParts) {
    this.run = run;
    this.config = config;
    this.dataset = dataset;
    this.network = network;
    this.#cells = cells;
    this.state = state ?? {
      epoch: 0,
      step: 0,
      sums: { loss: 0, reconstruction: 0, correct: 0, seen: 0, seconds: 0 },
      best: null,
      stale: 0,
      stopped: null,
      seconds: 0,
      imagesSeen: 0,
    };
  }

  /** Trains to the end, or to a stop by the user, which leaves a checkpoint and throws `cancelled`. */
  async toTheEnd(job: Job): Promise<TrainReport> {
    this.#job = job;
    this.#startedWith = this.state.imagesSeen;
    this.#epochs = await readEpochs(join(this.run, 'epochs.csv'), this.state.epoch);
    try {
      while (this.state.stopped === null) {
        await this.#trainEpoch();
        await this.#closeEpoch();
      }
    } catch (error) {
      if (error instanceof BrightcellError && error.code === 'cancelled') return await this.#stopHere();
      throw error;
    }
    await this.#saveBestModel();
    return this.#report();
  }

  /**
   * Probabilities that the best network gives the validation cells (N x K), as evaluation in float32 would: kept from its
   * validation, so that what comes after training need not look again. Null where they would be many, or were not seen in
   * this session.
   */
  get bestSeen(): Float32Array | null {
    return this.#bestSeen;
  }

  async #trainEpoch(): Promise<void> {
    const { config, state } = this;
    const { rows, labels } = this.#cells.training;
    const at = { seed: config.seed, epoch: state.epoch };
    const order = epochOrder(labels, this.network.classes, config.balance, at);
    const batches = cutBatches(order, config.batchSize);
    while (state.step < batches.length) {
      this.#throwIfStopped();
      this.#stepStarted = performance.now();
      const batch = batches[state.step]!;
      const result = await this.network.trainStep({
        images: this.dataset.images(),
        rows: batch.map(i => rows[i]!),
        labels: batch.map(i => labels[i]!),
        normalisation: config.normalisation,
        augmentation: config.augmentation ?? undefined,
        seed: mixSeed(config.seed, 3, state.epoch, state.step),
        loss: config.loss,
        optimiser: config.optimiser,
        learningRate: this.#learningRate(state.step),
        clipNorm: config.clipNorm || undefined,
        reconstructionWeight: config.reconstructionWeight ?? undefined,
      });
      this.#count(batch.length, result);
    }
  }

  #learningRate(step: number): number {
    const { config, state } = this;
    const steps = Math.ceil(this.#cells.training.rows.length / config.batchSize);
    const at = { epoch: state.epoch, step, steps, epochs: config.epochs };
    return learningRateAt(config.schedule, config.learningRate, at);
  }

  #count(images: number, { loss, correct, reconstructionLoss = 0 }: StepResult): void {
    const { sums } = this.state;
    const seconds = (performance.now() - this.#stepStarted) / 1000;
    sums.loss += loss * images;
    sums.reconstruction += reconstructionLoss * images;
    sums.correct += correct;
    sums.seen += images;
    sums.seconds += seconds;
    this.state.seconds += seconds;
    this.state.imagesSeen += images;
    this.state.step++;
    this.#progress();
  }

  /** Validates, and writes best checkpoint, table and last checkpoint, in this order: a kill between repeats them. */
  async #closeEpoch(): Promise<void> {
    const { state } = this;
    const { sums } = state;
    const seen = this.#roomForSeen();
    const score = await this.#validate(seen);
    this.#epochs.push({
      epoch: state.epoch + 1,
      learningRate: this.#learningRate(state.step - 1),
      trainLoss: sums.loss / sums.seen,
      trainAccuracy: sums.correct / sums.seen,
      trainReconstructionLoss: this.network.spec.decoder ? sums.reconstruction / sums.seen : null,
      validationLoss: score?.loss ?? null,
      validationAccuracy: score?.accuracy ?? null,
      validationMacroF1: score?.macroF1 ?? null,
      seconds: sums.seconds,
      imagesPerSecond: sums.seen / sums.seconds,
    });
    const better = this.#isBetter(score);
    Object.assign(state, {
      epoch: state.epoch + 1,
      step: 0,
      sums: { loss: 0, reconstruction: 0, correct: 0, seen: 0, seconds: 0 },
      best: better ? { epoch: state.epoch + 1, score } : state.best,
      stale: better ? 0 : state.stale + 1,
    });
    state.stopped = this.#whyStop();
    if (better) this.#bestSeen = seen ?? null;
    if (better) await this.#write('best');
    await writeEpochs(join(this.run, 'epochs.csv'), this.#epochs);
    await this.#write('last');
  }

  async #validate(seen: Float32Array | undefined): Promise<PartScore | null> {
    const { validation } = this.#cells;
    if (validation.rows.length === 0) return null;
    return scoreCells(this.network, this.dataset.images(), validation, this.config, this.#job, seen);
  }

  #roomForSeen(): Float32Array | undefined {
    const length = this.#cells.validation.rows.length * this.network.classes;
    if (length === 0 || this.config.precision !== 'float32' || 4 * length > mostSeenBytes) return undefined;
    return new Float32Array(length);
  }

  /** Without a validation part the newest epoch is the best. */
  #isBetter(score: PartScore | null): boolean {
    const best = this.state.best?.score;
    if (!best || !score) return true;
    if (this.config.monitor === 'loss') return score.loss < best.loss;
    return score.macroF1 > best.macroF1 || (score.macroF1 === best.macroF1 && score.loss < best.loss);
  }

  #whyStop(): TrainState['stopped'] {
    const { config, state } = this;
    if (state.epoch >= config.epochs) return 'finished';
    return config.patience > 0 && state.stale >= config.patience ? 'early' : null;
  }

  #write(which: 'last' | 'best'): Promise<void> {
    return writeCheckpoint(this.run, which, {
      state: this.state,
      network: this.network.spec,
      cells: this.#cells.digest,
      tensors: which === 'last' ? this.network.state() : this.network.weights(),
    });
  }

  /** The signal is looked at between steps; a run that is stopped has its model as far as it came. */
  async #stopHere(): Promise<never> {
    await this.#write('last');
    if (this.state.best) await this.#saveBestModel();
    const { epoch, step } = this.state;
    throw new BrightcellError(
      'cancelled',
      `Stopped in epoch ${epoch + 1} of ${this.config.epochs} after ${step} steps; everything is saved. ` +
        `Go on with: brightcell train ${this.dataset.path} --resume ${this.run}`,
      { fields: { run: this.run, epoch, step } },
    );
  }

  #throwIfStopped(): void {
    if (this.#job.signal?.aborted) throw new BrightcellError('cancelled', 'Stopped on request.');
  }

  async #saveBestModel(): Promise<void> {
    const best = await maybeReadCheckpoint(this.run, 'best');
    if (!best) {
      throw new BrightcellError(
        'checkpoint-corrupt',
        `The best checkpoint of ${this.run} is missing. Restore checkpoints/best.safetensors, or train again.`,
      );
    }
    const { classes, preparation, pixelType } = this.dataset.header;
    const description = {
      formatVersion: modelFormatVersion,
      kind: 'cnn' as const,
      classes,
      preparation,
      pixelType,
      normalisation: this.config.normalisation,
      network: best.network,
    };
    await saveModel(join(this.run, 'model'), description, best.tensors);
  }

  #progress(): void {
    const now = performance.now();
    if (now - this.#lastProgress < progressMs) return;
    this.#lastProgress = now;
    const { epoch, sums, best, imagesSeen } = this.state;
    const parts = [
      `epoch ${epoch + 1}/${this.config.epochs}`,
      `loss ${(sums.loss / sums.seen).toFixed(3)}`,
      ...(this.network.spec.decoder
        ? [`reconstruction ${(sums.reconstruction / sums.seen).toFixed(3)}`]
        : []),
      `accuracy ${((100 * sums.correct) / sums.seen).toFixed(1)} %`,
    ];
    if (best?.score) parts.push(`best validation F1 ${best.score.macroF1.toFixed(3)}`);
    this.#job.onProgress?.({
      stage: 'training',
      done: imagesSeen - this.#startedWith,
      total: this.config.epochs * this.#cells.training.rows.length - this.#startedWith,
      unit: 'images',
      note: parts.join(', '),
    });
  }

  #report(): TrainReport {
    const { state, network } = this;
    return {
      kind: 'network',
      run: this.run,
      model: join(this.run, 'model'),
      network: network.spec.name,
      classes: this.dataset.header.classes,
      parameters: network.parameterCount,
      epochs: state.epoch,
      bestEpoch: state.best!.epoch,
      stopped: state.stopped!,
      trainingCells: this.#cells.training.rows.length,
      validation: state.best!.score,
      seconds: state.seconds,
      imagesPerSecond: state.imagesSeen / state.seconds,
      warnings: [...this.#cells.warnings, ...this.#warnOfNoValidation(), ...this.#warnOfNothingLearnt()],
    };
  }

  #warnOfNoValidation(): string[] {
    if (this.#cells.validation.rows.length > 0) return [];
    return [
      'The split has no validation part: training does not stop early and keeps the last epoch, not the best.',
    ];
  }

  /** A training that went nowhere must not look like one that ended well. */
  #warnOfNothingLearnt(): string[] {
    const score = this.state.best!.score;
    if (!score) return [];
    const counts = countLabels(this.#cells.validation.labels, this.network.classes);
    const commonest = Math.max(...counts) / score.cells;
    if (score.accuracy > commonest || score.macroF1 > 1.2 / this.network.classes) return [];
    return [
      `The network has learnt nothing: its accuracy of ${(100 * score.accuracy).toFixed(1)} % on the validation part is no better ` +
        `than always naming the commonest class (${(100 * commonest).toFixed(1)} %). Try a lower learning rate or more epochs, and look at the labels.`,
    ];
  }
}
