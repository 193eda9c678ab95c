import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { getThreads } from '../engine/threads.ts';
import { BrightcellError, type ErrorCode, errorCodes } from '../errors.ts';
import { type Job, type Progress, throwIfCancelled } from '../job.ts';
import type { CurveFigures, CurveTask } from './curve.ts';
import type { FitFigures, ScoreFigures } from './measureMethod.ts';
import type { MethodTask } from './methodTask.ts';

/** What a child process does: what it takes and what it gives. */
export interface Actions {
  fit: { task: MethodTask; result: FitFigures };
  score: { task: MethodTask; result: ScoreFigures };
  curve: { task: CurveTask; result: CurveFigures };
}
export type Action = keyof Actions;

export type ToChild = { action: Action; task: Actions[Action]['task']; threads: number } | { stop: true };
export type FromChild =
  | { progress: Progress }
  | { result: Actions[Action]['result'] }
  | { failure: { code: string; message: string } };

/** As built, also where the sources run as they are: in tests. */
const program = fileURLToPath(new URL('../../dist/study/methodProcess.js', import.meta.url));
const patienceMs = 20_000;

/**
 * Does one step of a study in a process of its own: its memory can be measured, is given back whole, and running out of it
 * ends nothing else. Throws what the work threw, `method-crashed` when the process ended without a word, and `cancelled`
 * when the job was stopped, after the process has ended.
 */
export async function runInProcess<A extends Action>(
  action: A,
  task: Actions[A]['task'],
  job: Job = {},
): Promise<Actions[A]['result']> {
  throwIfCancelled(job);
  const child = fork(program, [], { execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  const release = stopWithJob(child, job);
  try {
    child.send({ action, task, threads: getThreads() } satisfies ToChild);
    return await outcomeOf(child, action, job);
  } finally {
    release();
  }
}

function outcomeOf(child: ChildProcess, action: Action, job: Job): Promise<Actions[Action]['result']> {
  let last: Exclude<FromChild, { progress: Progress }> | undefined;
  let printed = '';
  child.stderr!.setEncoding('utf8').on('data', text => {
    printed = (printed + text).slice(-2000);
  });
  child.on('message', (message: FromChild) => {
    if ('progress' in message) job.onProgress?.(message.progress);
    else last = message;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (last && 'result' in last) return resolve(last.result);
      if (job.signal?.aborted) return reject(new BrightcellError('cancelled', 'Stopped on request.'));
      reject(last ? asError(last.failure, printed) : crashed(action, signal ?? `exit code ${code}`, printed));
    });
  });
}

function asError({ code, message }: { code: string; message: string }, printed: string): Error {
  if (Object.hasOwn(errorCodes, code)) return new BrightcellError(code as ErrorCode, message);
  return new Error(message, { cause: printed });
}

function crashed(action: Action, how: string, printed: string): BrightcellError {
  const why =
    how === 'SIGKILL' ? ' Most likely no memory was left: use fewer cells, or a machine with more.' : '';
  const words = printed.trim();
  return new BrightcellError(
    'method-crashed',
    `The process that was to ${action} must end with a result, but ended with ${how}.${why}${words ? ` It printed: ${words}` : ''}`,
  );
}

/** Passes a stop on, and ends a process that does not obey it. */
function stopWithJob(child: ChildProcess, { signal }: Job): () => void {
  let timer: NodeJS.Timeout | undefined;
  const stop = () => {
    if (child.connected) child.send({ stop: true } satisfies ToChild);
    timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
  };
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted) stop();
  return () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  };
}
