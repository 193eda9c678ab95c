import { BrightcellError } from '../errors.ts';
import { addon } from './addon.ts';

export const precisions = ['float32', 'bfloat16'] as const;

/**
 * Precision of a network's products: 'bfloat16' rounds their factors to 8 bits and still adds in float32; parameters,
 * gradients and what stands between the layers stay float32.
 */
export type Precision = (typeof precisions)[number];

/** Whether this processor multiplies bfloat16 in hardware (AVX512-BF16); without it, only 'float32' can be had. */
export function hasBfloat16(): boolean {
  return addon.hasBfloat16();
}

/**
 * Gives the precision back; throws `option-invalid` for one that does not exist or that this processor lacks, and then
 * says `where` it was asked for.
 */
export function checkPrecision(precision: Precision, where = ''): Precision {
  if (!precisions.includes(precision)) {
    throw new BrightcellError(
      'option-invalid',
      `The precision${where} must be one of ${precisions.join(', ')}. Received ${JSON.stringify(precision)}.`,
    );
  }
  if (precision === 'bfloat16' && !hasBfloat16()) {
    throw new BrightcellError(
      'option-invalid',
      `The precision bfloat16${where} needs a processor with AVX512-BF16, and BRIGHTCELL_ISA not set to less. ` +
        'Use float32, or a machine that has it.',
    );
  }
  return precision;
}
