// N images, K classes.

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
}

/** What a chunk of images became. */
export interface ClassifyStep {
  predictions: Prediction[];
  failures: { source: string; reason: string }[];
  /** Images whose pixels were scaled to the model's depth. */
  rescaled: number;
}

/** Predictions from N x K probabilities, in order of `images`; they keep the array and look into it. */
export function makePredictions(
  images: { source: string; frame: number }[],
  classes: readonly string[],
  probabilities: Float32Array,
): Prediction[] {
  const K = classes.length;
  return images.map(({ source, frame }, i) => {
    const own = probabilities.subarray(i * K, (i + 1) * K);
    const best = own.indexOf(own.reduce((most, p) => Math.max(most, p), 0));
    return { source, frame, class: best, className: classes[best]!, probabilities: own };
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
