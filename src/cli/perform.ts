import type { Command } from 'commander';
import { BrightcellError } from '../errors.ts';
import type { Job, Progress } from '../job.ts';
import { ProgressBar } from './progressBar.ts';
import { nextCommand } from './text.ts';

/** The options that every command has. */
export interface CommonOptions {
  json?: boolean;
  threads?: number;
}

/** What a command does and how it tells of it. */
export interface Performance<T> {
  /** `say` prints text while the work goes on, above the progress bar; it is silent with --json. */
  work(job: Job, say: (text: string) => void): Promise<T>;
  /** The result as text for a person. */
  print(result: T): string | Promise<string>;
  /** What to type next: the words after the program's name. */
  next?: (result: T) => string[];
  /** After Ctrl-C: what stands and how to go on. */
  stopped?: (error: BrightcellError) => string;
}

/**
 * Runs a command's work with progress on stderr, stops it cleanly on Ctrl-C (at once on a second one), and prints
 * the result on stdout, as text or as one JSON object.
 */
export async function perform<T>(command: Command, performance: Performance<T>): Promise<void> {
  const { json = false, threads } = command.optsWithGlobals<CommonOptions>();
  if (threads !== undefined) (await import('../engine/threads.ts')).setThreads(threads);
  const result = await runInterruptibly(performance, json);
  if (json) return print(JSON.stringify(result, plainValues));
  print(await performance.print(result));
  if (performance.next) print(`\n${nextCommand(...performance.next(result))}`);
}

function print(text: string): void {
  if (text !== '') process.stdout.write(`${text}\n`);
}

async function runInterruptibly<T>({ work, stopped }: Performance<T>, json: boolean): Promise<T> {
  const controller = new AbortController();
  const bar = new ProgressBar(process.stderr, { enabled: !json });
  const stop = () => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
    bar.clear();
    console.error('Stopping at the next safe point. Press Ctrl-C again to stop at once.');
  };
  const say = (text: string) => {
    bar.clear();
    if (!json) print(text);
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  try {
    const job = { signal: controller.signal, onProgress: (progress: Progress) => bar.show(progress) };
    return await work(job, say);
  } catch (error) {
    if (!controller.signal.aborted || !isCancellation(error)) throw error;
    const known = error instanceof BrightcellError ? error : new BrightcellError('cancelled', 'Stopped.');
    throw new BrightcellError('cancelled', `Stopped. ${stopped?.(known) ?? 'Nothing was changed.'}`, {
      cause: error,
    });
  } finally {
    bar.clear();
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

function isCancellation(error: unknown): boolean {
  return (
    (error instanceof BrightcellError && error.code === 'cancelled') ||
    (error instanceof Error && error.name === 'AbortError')
  );
}

/** Typed arrays become arrays; numbers that JSON does not have become null. */
function plainValues(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return Array.from(value as Float32Array);
  if (value instanceof Map) return Object.fromEntries(value);
  return value;
}
