import { BrightcellError } from '../errors.ts';
import { addon } from './addon.ts';

/** Threads that the native core uses for everything; by default the number of processors. Set them between calls. */
export function setThreads(threads: number): void {
  if (!Number.isInteger(threads) || threads < 1 || threads > 1024)
    throw new BrightcellError(
      'option-invalid',
      `threads must be a whole number from 1 to 1024. Received ${threads}.`,
    );
  addon.setThreads(threads);
}

export function getThreads(): number {
  return addon.getThreads();
}
