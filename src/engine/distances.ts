// M left vectors, N right ones, D numbers each.
import { BrightcellError } from '../errors.ts';
import { addon } from './addon.ts';
import { checkRows, type ImageSet } from './imageSet.ts';

/** Rows of an image set, each read as one vector of D = channels x height x width numbers. */
export interface SetRows {
  set: ImageSet;
  rows: Int32Array;
}

/** Longest vector that can be compared. */
export const longestVector = 2 ** 30;

/**
 * Squared Euclidean distances, M x N row major. Those of 8-bit and 16-bit images are exact whole numbers (to 2^53,
 * beyond which a double rounds); of float32 vectors squared differences are summed, so that equal ones have distance 0
 * and near ones keep about six digits. The same bits on any number of threads. Memory: 8 M N bytes for the result and
 * M D to 4 M D bytes for the left side. Throws `option-invalid` for rows that are not there, for sides that differ in
 * pixel type or in D, for numbers that are not finite or above 1e18, and for an `into`, where the result then is, of
 * another length than M N.
 */
export async function squaredDistances(
  left: SetRows,
  right: SetRows,
  into?: Float64Array,
): Promise<Float64Array> {
  checkComparable(left, right);
  const size = left.rows.length * right.rows.length;
  const result = into ?? new Float64Array(size);
  if (result.length !== size)
    throw invalid(`into must have room for ${size} numbers. Received ${result.length}.`);
  await addon.squaredDistances(left.set, left.rows, right.set, right.rows, result).catch(refuseComparison);
  return result;
}

/** Throws `option-invalid` unless both sides' rows exist and can be compared with each other. */
export function checkComparable(left: SetRows, right: SetRows): void {
  checkRows(left.rows, left.set.count);
  checkRows(right.rows, right.set.count);
  const [length, other] = [vectorLength(left.set), vectorLength(right.set)];
  if (length > longestVector)
    throw invalid(`A vector must have at most ${longestVector} numbers. Received ${length}.`);
  if (length === other && left.set.type === right.set.type) return;
  throw invalid(
    'Vectors to compare must have the same number of values and the same type. ' +
      `Received ${length} of ${left.set.type} and ${other} of ${right.set.type}.`,
  );
}

/** D. */
export function vectorLength(set: ImageSet): number {
  return set.shape.channels * set.shape.height * set.shape.width;
}

/** Gives the core's failure a code. */
export function refuseComparison(error: Error): never {
  if (error.message.includes('bad_alloc')) {
    throw new BrightcellError(
      'memory-full',
      'There must be enough memory to compare vectors. None was left. Use fewer vectors at once.',
      { cause: error },
    );
  }
  if (error.message.includes('must be finite')) {
    throw new BrightcellError('option-invalid', `${error.message} Remove or replace such vectors.`, {
      cause: error,
    });
  }
  throw error;
}

function invalid(message: string): BrightcellError {
  return new BrightcellError('option-invalid', message);
}
