import { Option } from 'commander';

/** Those of the library, which is not loaded for them (a test compares). */
export const precisionNames = ['float32', 'bfloat16'];

/** `--precision`: that the processor has it is checked when the work begins. */
export function precisionOption(): Option {
  return new Option(
    '--precision <name>',
    'of products; bfloat16 is faster, where the processor has it (default: float32)',
  ).choices(precisionNames);
}
