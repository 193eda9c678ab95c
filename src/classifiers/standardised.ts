// N images, D numbers a vector.
import { join } from 'node:path';
import { BrightcellError } from '../errors.ts';
import { readSafetensors, writeSafetensors } from '../models/safetensors.ts';
import type { VectorSource } from './source.ts';

/** What brings each number of a vector to mean 0 and deviation 1 over the training vectors. */
export interface Standardisation {
  means: Float32Array;
  /** 1 where a number is the same in every training vector: it then stays 0, and no NaN comes of it. */
  deviations: Float32Array;
}

/** Means and population deviations of N x D numbers, summed in order. */
export function measureStandardisation(values: Float32Array, D: number): Standardisation {
  const N = values.length / D;
  const sums = new Float64Array(D);
  for (let at = 0; at < values.length; at += D) for (let d = 0; d < D; d++) sums[d]! += values[at + d]!;
  const centres = sums.map(sum => sum / N);
  const squares = new Float64Array(D);
  for (let at = 0; at < values.length; at += D) {
    for (let d = 0; d < D; d++) squares[d]! += (values[at + d]! - centres[d]!) ** 2;
  }
  const deviations = Float32Array.from(squares, (square, d) => {
    const deviation = Math.sqrt(square / N);
    // Sums of equal numbers round: what is left of that is no spread.
    return deviation > 1e-6 * Math.abs(centres[d]!) ? deviation : 1;
  });
  return { means: Float32Array.from(centres), deviations };
}

/** Standardises vectors of D numbers where they stand. */
export function standardise(values: Float32Array, { means, deviations }: Standardisation): void {
  const D = means.length;
  for (let at = 0; at < values.length; at += D) {
    for (let d = 0; d < D; d++) values[at + d] = (values[at + d]! - means[d]!) / deviations[d]!;
  }
}

/** A source whose vectors are standardised; it takes the inner one over. */
export function createStandardised(inner: VectorSource, standardisation: Standardisation): VectorSource {
  return {
    hasUnits: false,
    usesSessions: inner.usesSessions,
    dimensions: inner.dimensions,
    async vectors(images, rows, job) {
      const made = await inner.vectors(images, rows, job);
      standardise(made.values!, standardisation);
      return made;
    },
    one(image) {
      const vector = inner.one(image) as Float32Array;
      standardise(vector, standardisation);
      return vector;
    },
    async save(folder) {
      const { means, deviations } = standardisation;
      const shape = [means.length];
      await writeSafetensors(join(folder, fileName), [
        { name: 'means', shape, data: means },
        { name: 'deviations', shape, data: deviations },
      ]);
      return { name: 'standardised', inner: await inner.save(folder) };
    },
    dispose: () => inner.dispose(),
  };
}

const fileName = 'standardisation.safetensors';

/** Reads what a standardised source saved; throws `model-corrupt`. */
export async function loadStandardisation(folder: string, D: number): Promise<Standardisation> {
  const path = join(folder, fileName);
  const { tensors } = await readSafetensors(path);
  const [means, deviations] = ['means', 'deviations'].map(
    name => tensors.find(tensor => tensor.name === name)?.data,
  );
  const fits = means?.length === D && deviations?.length === D;
  if (fits && means.every(Number.isFinite) && deviations.every(deviation => deviation > 0)) {
    return { means, deviations };
  }
  throw new BrightcellError(
    'model-corrupt',
    `${path} must hold ${D} means and ${D} positive deviations. Copy the model again from its source, or train again.`,
    { fields: { path } },
  );
}
