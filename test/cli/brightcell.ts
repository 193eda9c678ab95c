import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

/** The command line as it is built. */
export const mainFile = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** Sends SIGINT when this holds, once: of all that was printed, or of the time. */
  interruptWhen?: (printed: string) => boolean;
  /** The signal to send instead. */
  signal?: NodeJS.Signals;
}

/** Runs `brightcell ARGS` as a process of its own and waits for its end. */
export function brightcell(args: string[], options: RunOptions = {}): Promise<Outcome> {
  return runProcess(process.execPath, [mainFile, ...args], options);
}

/** Runs any program and waits for its end. */
export function runProcess(command: string, args: string[], options: RunOptions = {}): Promise<Outcome> {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const printed = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', text => (printed.stdout += text));
  child.stderr.setEncoding('utf8').on('data', text => (printed.stderr += text));
  const watch =
    options.interruptWhen &&
    setInterval(() => {
      if (!options.interruptWhen!(printed.stdout + printed.stderr)) return;
      clearInterval(watch);
      child.kill(options.signal ?? 'SIGINT');
    }, 5);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', code => {
      clearInterval(watch);
      resolve({ code, ...printed });
    });
  });
}

/** A folder that goes away after the tests of this file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'brightcell-cli-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
