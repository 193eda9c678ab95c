import { writeSync } from 'node:fs';
import type { CommanderError } from 'commander';
import { BrightcellError } from '../errors.ts';

/** Says on stderr what went wrong (and on stdout as JSON if asked); gives the exit code. */
export function reportFailure(error: unknown, json: boolean): number {
  const known = error instanceof BrightcellError ? error : undefined;
  const message = error instanceof Error ? error.message : String(error);
  const text = known ? message : `${systemMessage(error) ?? message}`;
  say(text, known?.code ?? 'unexpected', json);
  if (process.env.BRIGHTCELL_DEBUG === '1') console.error(error);
  else if (!known && !systemMessage(error)) {
    console.error('This should not happen: run it again with BRIGHTCELL_DEBUG=1 and report what it prints.');
  }
  return known?.exitCode ?? 1;
}

/** The same for a wrong command line; help and version are asked for and end well. */
export function reportMisuse(error: CommanderError, command: string | undefined, json: boolean): number {
  if (error.exitCode === 0) return 0;
  // Without a command, the help has been printed already.
  if (error.code === 'commander.help') return 2;
  say(
    `${error.message.replace(/^error: /, '')}\nSee "brightcell ${command ? `${command} ` : ''}--help".`,
    'option-invalid',
    json,
  );
  return 2;
}

function say(message: string, code: string, json: boolean): void {
  console.error(`brightcell: ${message}`);
  if (json) writeSync(1, `${JSON.stringify({ error: { code, message } })}\n`);
}

/** Errors of the operating system that a user can do something about. */
function systemMessage(error: unknown): string | undefined {
  const { code, path, message } = (error ?? {}) as NodeJS.ErrnoException;
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return `${path ?? 'A file'} cannot be read or written: no permission. Change its permissions or choose another place.`;
  }
  if (code === 'ENOENT' && path) return `${path} does not exist. Check the path.`;
  if (code === 'ENOSPC') return `The disk is full (${message}). Free some space and run the command again.`;
  if (code === 'EMFILE')
    return 'Too many files are open. Raise the limit with "ulimit -n 4096" and run it again.';
  return undefined;
}
