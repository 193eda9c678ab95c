import { BrightcellError } from './errors.ts';

/** What every long-running library function accepts: a way to stop it and a way to hear from it. */
export interface Job {
  /** Aborting stops at the next safe point; what is committed stays. */
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
}

export interface Progress {
  /** What is being done, as a short present participle: "importing". */
  stage: string;
  done: number;
  /** Absent while the amount of work is not known. */
  total?: number;
  /** Plural noun of what is counted: "images". */
  unit: string;
  /** Live figures to show beside the bar: "loss 0.412". */
  note?: string;
}

/** Throws the `cancelled` error when the job was asked to stop. */
export function throwIfCancelled(job: Job): void {
  if (job.signal?.aborted) throw new BrightcellError('cancelled', 'Stopped on request.');
}
