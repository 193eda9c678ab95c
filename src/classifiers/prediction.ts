// N images, K classes.
import type { Judge, Judgement } from './judge.ts';

/** One image classified. */
export interface Prediction {
  /** Path of the file, or `DATASET#id` for a cell of a data set. */
  source: string;
  /** Page of a file with many, from 0. */
  frame: number;
  /** Index of the most probable class. */
  class: number;
  className: string;
  /** One for each class, adding up to 1. */
  probabilities: Float32Array;
  /** Where it was asked: whether the image is of none of the classes; `class` is then only the most similar one. */
  unknown?: boolean;
  /** How unlike any class the image is: higher is less like one. */
  unknownScore?: number;
  /** Where it was asked: the classes that cannot be excluded, most probable first; may be empty. */
  set?: string[];
}

/** What a chunk of images became. */
export interface ClassifyStep {
  predictions: Prediction[];
  failures: { source: string; reason: string }[];
  /** Images whose pixels were scaled to the model's depth. */
  rescaled: number;
}

/** Predictions of N images by a judge, in order of `images`; they keep its probabilities and look into them. */
export function makePredictions(
  images: { source: string; frame: number }[],
  { classifier: { classes }, unknownThreshold }: Judge,
  { probabilities, unknownScores, sets }: Judgement,
): Prediction[] {
  const K = classes.length;
  return images.map(({ source, frame }, i) => {
    const own = probabilities.subarray(i * K, (i + 1) * K);
    const best = own.indexOf(own.reduce((most, p) => Math.max(most, p), 0));
    const unknownScore = unknownScores?.[i];
    return {
      ...{ source, frame, class: best, className: classes[best]!, probabilities: own },
      ...(unknownScore === undefined ? {} : { unknown: unknownScore > unknownThreshold!, unknownScore }),
      ...(sets ? { set: sets[i]!.map(k => classes[k]!) } : {}),
    };
  });
}

/**
 * Names of the columns that hold each class's probability, in files of predictions: `probability_<class>`. SQL takes
 * upper and lower case for the same, so a number tells such classes apart.
 */
export function probabilityColumns(classes: readonly string[]): string[] {
  const used = new Set<string>();
  return classes.map(one => {
    let name = `probability_${one}`;
    for (let i = 2; used.has(name.toLowerCase()); i++) name = `probability_${one}_${i}`;
    used.add(name.toLowerCase());
    return name;
  });
}
