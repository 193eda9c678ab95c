import { z } from 'zod';
import { BrightcellError } from '../errors.ts';

export const splitWays = ['cell', 'group', 'imported'] as const;

export interface SplitOptions {
  /** Shares of train, validation and test; 0.65, 0.15, 0.20 by default. Not with `folds`. */
  fractions?: [train: number, validation: number, test: number];
  /**
   * 'cell': stratified random draw. 'group': every group (run, donor, day) on one side. 'imported': the split
   * that the source came with. By default 'imported' where there is one, else 'cell'.
   */
  by?: (typeof splitWays)[number];
  /** k-fold: parts of equal size, numbered from 0; 3 to 100 of them. */
  folds?: number;
  /** Which fold is the test side; the next one is the validation side, the others are the training side. */
  fold?: number;
  /** Whole number from 0; 0 by default. */
  seed?: number;
  /** Leave out classes with fewer cells instead of refusing them; at least 3. */
  minPerClass?: number;
  /** A CSV whose first columns are `id` and `copies`, as an audit writes: cells of one group stay on one side. */
  together?: string;
}

const schema = z.strictObject({
  fractions: z.tuple([z.number(), z.number(), z.number()]).optional(),
  by: z.enum(splitWays).optional(),
  folds: z.int().min(3).max(100).optional(),
  fold: z.int().min(0).optional(),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .default(0),
  minPerClass: z.int().min(3).optional(),
  together: z.string().min(1).optional(),
});

export type CheckedSplit = z.infer<typeof schema>;

/** Options with defaults filled in. Throws `option-invalid` that names what is wrong. */
export function checkSplitOptions(options: SplitOptions): CheckedSplit {
  const result = schema.safeParse(options);
  if (!result.success)
    throw invalid(`The options of a split must be valid.\n${z.prettifyError(result.error)}`);
  const { fractions, folds, fold, by } = result.data;
  if (fractions !== undefined) checkFractions(fractions);
  if (folds !== undefined && fractions !== undefined)
    throw invalid('A split must have folds or fractions, not both.');
  if (folds !== undefined && by === 'imported')
    throw invalid('Folds must be drawn by cell or group, not imported.');
  if (fold !== undefined && (folds === undefined || fold >= folds))
    throw invalid(`The fold must be from 0 to folds - 1. Received fold ${fold}, folds ${folds ?? 'none'}.`);
  return result.data;
}

function checkFractions(fractions: [number, number, number]): void {
  const received = fractions.map(fraction => fraction.toFixed(2)).join(', ');
  if (fractions.some(fraction => fraction < 0 || fraction > 1))
    throw invalid(`Split fractions must be from 0 to 1. Received ${received}.`);
  if (Math.abs(fractions[0] + fractions[1] + fractions[2] - 1) > 1e-6)
    throw invalid(`Split fractions must sum to 1. Received ${received}.`);
  if (fractions[0] === 0) throw invalid(`The training fraction must be above 0. Received ${received}.`);
}

function invalid(message: string): BrightcellError {
  return new BrightcellError('option-invalid', message);
}
