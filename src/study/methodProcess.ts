// The program of a child process: does one step of a study, tells its progress and its result, and ends.
import { BrightcellError } from '../errors.ts';
import type { Job, Progress } from '../job.ts';
import { trainCurve } from './curve.ts';
import { fitMethodTask, scoreMethodTask } from './measureMethod.ts';
import type { Action, Actions, FromChild, ToChild } from './runInProcess.ts';

const steps: {
  [A in Action]: (task: Actions[A]['task'], job: Job) => Promise<Actions[A]['result']>;
} = {
  fit: fitMethodTask,
  score: scoreMethodTask,
  curve: trainCurve,
};

const controller = new AbortController();
const tell = (message: FromChild) => new Promise<void>(resolve => process.send?.(message, () => resolve()));

// Ctrl-C in a terminal reaches every process of its group; only the parent says when to stop.
process.on('SIGINT', () => {});
process.on('disconnect', () => {
  controller.abort();
  setTimeout(() => process.exit(1), 5000).unref(); // the parent is gone: nobody waits for what is left
});
process.on('message', (message: ToChild) => {
  if ('stop' in message) controller.abort();
  else void work(message);
});

async function work({ action, task, threads }: Extract<ToChild, { action: Action }>): Promise<void> {
  const job = { signal: controller.signal, onProgress };
  try {
    const { setThreads } = await import('../engine/threads.ts');
    setThreads(threads);
    await tell({ result: await steps[action](task as never, job) });
  } catch (error) {
    const known = error instanceof BrightcellError;
    await tell({
      failure: {
        code: known ? error.code : 'unexpected',
        message: error instanceof Error ? error.message : String(error),
      },
    });
    if (!known) console.error(error);
  }
  process.exit(0);
}

let lastProgress = 0;

function onProgress(progress: Progress): void {
  const now = performance.now();
  if (now - lastProgress < 100) return;
  lastProgress = now;
  process.send?.({ progress } satisfies FromChild);
}
