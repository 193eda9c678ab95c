import { BrightcellError } from '../errors.ts';
import { type Job, throwIfCancelled } from '../job.ts';

const interval = 200; // milliseconds

/**
 * Carries out long native work that shares three numbers with us: whether to stop, done, in all. Passes the wish to
 * stop of `job.signal` on and reports progress; throws `cancelled` when the work stopped for it, `memory-full` when
 * no memory was left, `vectors-invalid` for a number that is not finite, and what the work itself explains.
 */
export async function watched<T>(
  job: Job,
  about: { stage: string; unit: string },
  work: (shared: Int32Array) => Promise<T>,
): Promise<T> {
  throwIfCancelled(job);
  const shared = new Int32Array(3);
  const stop = () => {
    shared[0] = 1;
  };
  const report = () => {
    const [, done, total] = shared;
    if (total! > 0) job.onProgress?.({ ...about, done: done!, total: total! });
  };
  job.signal?.addEventListener('abort', stop);
  const timer = setInterval(report, interval);
  try {
    const result = await work(shared);
    report();
    return result;
  } catch (error) {
    throwIfCancelled(job);
    throw asBrightcellError(error);
  } finally {
    clearInterval(timer);
    job.signal?.removeEventListener('abort', stop);
  }
}

/** What the native core throws, as an error of ours where it is one. */
export function asBrightcellError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const cause = { cause: error };
  if (error.message.includes('bad_alloc')) {
    const message =
      'There must be enough memory to learn from these vectors. None was left. Use fewer or smaller ones.';
    return new BrightcellError('memory-full', message, cause);
  }
  if (/^number \d+ of vector/.test(error.message)) {
    const message = `Every number of a vector must be finite, but ${error.message}. Measure the cells again.`;
    return new BrightcellError('vectors-invalid', message, cause);
  }
  return error;
}
