// N images, K classes.
import type { ImageSet } from '../engine/imageSet.ts';
import { BrightcellError } from '../errors.ts';
import type { Job } from '../job.ts';
import type { Calibration } from './calibration.ts';
import type { LoadedClassifier } from './classifier.ts';
import { conformalQuantile, findSetThresholds, predictSet, type SetKind } from './conformal.ts';
import { scoreCells } from './scoreCells.ts';
import { mostScored, scoreUnknown } from './unknownScorer.ts';

/** How far a prediction is to be doubted. What a model learnt on its validation part decides. */
export interface DoubtOptions {
  /** Share of cells of known classes that may be called unknown, between 0 and 1, such as 0.05; absent: no cell is. */
  unknown?: number;
  /** Share of cells whose true class is to be in their prediction set, between 0 and 1; absent: no sets. */
  coverage?: number;
  /** Whether `coverage` is to hold for the cells of each class apart; false by default. */
  coverageByClass?: boolean;
  /** What the sets are like; 'leastAmbiguous' by default. */
  sets?: SetKind;
}

/** What a classifier says of N images, with its doubts. */
export interface Judgement {
  /** N x K row major. */
  probabilities: Float32Array;
  /** N: higher for what is less like a known class; unknown where above the judge's threshold. */
  unknownScores?: Float32Array;
  /** N sets of classes, most probable first. */
  sets?: number[][];
}

/** A classifier that also says which images are of none of its classes, and which classes cannot be excluded. */
export class Judge {
  /** Above this an image is of none of the classes; null where that was not asked. */
  readonly unknownThreshold: number | null;
  /** K; a class is in a set where its score is at most this; null where sets were not asked for. */
  readonly setThresholds: Float64Array | null;
  readonly setKind: SetKind;
  readonly classifier: LoadedClassifier;

  /**
   * Throws `option-invalid` for a share that is not between 0 and 1, for a model that is not calibrated, and where its
   * validation cells are too few for the share.
   */
  constructor(classifier: LoadedClassifier, options: DoubtOptions) {
    const { unknown, coverage, coverageByClass: byClass = false, sets } = options;
    if (byClass && coverage === undefined) throw invalid('coverageByClass must go with a coverage.');
    if (sets !== undefined && coverage === undefined) throw invalid('sets must go with a coverage.');
    this.classifier = classifier;
    this.setKind = sets ?? 'leastAmbiguous';
    this.unknownThreshold =
      unknown === undefined ? null : findThreshold(requireCalibration(classifier), unknown);
    this.setThresholds =
      coverage === undefined
        ? null
        : findSetThresholds(requireCalibration(classifier).sets, classifier.classes.length, coverage, {
            byClass,
            kind: this.setKind,
          });
  }

  async judge(images: ImageSet, rows: Int32Array, job: Job = {}): Promise<Judgement> {
    const { classifier, setThresholds } = this;
    const K = classifier.classes.length;
    const judgement = await this.#look(images, rows, job);
    if (setThresholds) {
      const { probabilities } = judgement;
      judgement.sets = Array.from(rows, (_, i) =>
        predictSet(probabilities.subarray(i * K, (i + 1) * K), setThresholds, this.setKind),
      );
    }
    return judgement;
  }

  async #look(images: ImageSet, rows: Int32Array, job: Job): Promise<Judgement> {
    const { classifier } = this;
    if (this.unknownThreshold === null) return { probabilities: await classifier.predict(images, rows, job) };
    const { scorer } = classifier.calibration!.unknown;
    if (scorer.score === 'likelihoodRatio') {
      const probabilities = await classifier.predict(images, rows, job);
      return { probabilities, unknownScores: await scoreCells(classifier, { images, rows }, job) };
    }
    const { probabilities, embeddings } = await classifier.look(images, rows, job);
    return { probabilities, unknownScores: await scoreUnknown(scorer, embeddings, job) };
  }

  /** Classes that are in every set, because too few validation cells can exclude them. */
  get neverExcluded(): string[] {
    return this.classifier.classes.filter((_, k) => this.setThresholds?.[k] === Number.POSITIVE_INFINITY);
  }
}

/** The score above which at most the share of known cells lies, by the conformal count. */
export function findThreshold({ unknown: { scores } }: Calibration, share: number): number {
  if (!(share > 0 && share < 1)) {
    throw invalid(`unknown must be a number between 0 and 1, such as 0.05. Received ${share}.`);
  }
  const threshold = conformalQuantile(scores, 1 - share);
  if (Number.isFinite(threshold)) return threshold;
  const needed = Math.ceil(1 / share) - 1;
  throw invalid(
    `To call a share of ${share} of known cells unknown, the validation part must have had at least ${needed} cells` +
      (needed > mostScored ? `, and no more than ${mostScored} are scored. ` : '. ') +
      `It had ${scores.length}. Take a larger share${needed > mostScored ? '' : ', or train with a larger validation part'}.`,
  );
}

function requireCalibration({ calibration }: LoadedClassifier): Calibration {
  if (calibration) return calibration;
  throw invalid(
    'Unknown cells and prediction sets need a model that was calibrated on a validation part, and this one was not. ' +
      'Split with a validation part and train; a run that was trained by an earlier version is calibrated by ' +
      '"brightcell train DATASET --resume RUN".',
  );
}

function invalid(message: string): BrightcellError {
  return new BrightcellError('option-invalid', message);
}
