import type { Progress } from '../src/job.ts';

/** The processors' time by images trained on, validation included, as the training tells of its progress. */
export class EpochClock {
  /** Images of all epochs. */
  total = 0;
  readonly #start = cpuSeconds();
  readonly #seen: { images: number; seconds: number }[] = [];

  see({ stage, done, total = 0 }: Progress): void {
    if (stage !== 'training') return;
    this.total = total;
    this.#seen.push({ images: done, seconds: cpuSeconds() - this.#start });
  }

  /** What had been spent when so many images had been trained on. */
  secondsAt(images: number): number {
    return this.#seen.find(one => one.images >= images - 0.5)?.seconds ?? cpuSeconds() - this.#start;
  }
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
