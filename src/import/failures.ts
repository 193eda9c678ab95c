import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BrightcellError } from '../errors.ts';
import { writeWholeFile } from '../wholeFile.ts';
import type { Failure } from './source.ts';

export interface FailureSummary {
  count: number;
  /** Most frequent first; up to three examples of each. */
  byReason: { reason: string; count: number; examples: string[] }[];
}

/** What could not be imported: all of it for a file, a summary for people. */
export class FailureList {
  readonly #strict: boolean;
  readonly #all: Failure[] = [];
  readonly #byReason = new Map<string, { count: number; examples: string[] }>();

  constructor(strict: boolean) {
    this.#strict = strict;
  }

  /** Throws `image-unreadable` when strict. */
  add(failure: Failure): void {
    if (this.#strict)
      throw new BrightcellError(
        'image-unreadable',
        `Every image must be readable with --strict, but ${failure.source} is not: ${failure.reason}. ` +
          'What came before it is imported; repair or remove it and run again, or leave --strict away.',
        { fields: { ...failure } },
      );
    this.#all.push(failure);
    const entry = this.#byReason.get(failure.reason) ?? { count: 0, examples: [] };
    entry.count++;
    if (entry.examples.length < 3) entry.examples.push(failure.source);
    this.#byReason.set(failure.reason, entry);
  }

  get count(): number {
    return this.#all.length;
  }

  get summary(): FailureSummary {
    const byReason = [...this.#byReason].map(([reason, entry]) => ({ reason, ...entry }));
    byReason.sort((a, b) => b.count - a.count);
    return { count: this.#all.length, byReason };
  }

  /** Writes the whole list to `import-failures.csv` of the data set; removes it when there is none. */
  async write(dataset: string): Promise<void> {
    const path = join(dataset, 'import-failures.csv');
    if (this.#all.length === 0) return rm(path, { force: true });
    const lines = this.#all.map(({ source, reason }) => `${quote(source)},${quote(reason)}\n`);
    await writeWholeFile(path, `source,reason\n${lines.join('')}`);
  }
}

function quote(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
