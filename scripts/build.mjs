// Builds the native core and the TypeScript. Incremental: both tools look at what changed.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = name => `${root}node_modules/.bin/${name}`;
const run = (command, ...args) =>
  execFileSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });

// The list of sources is part of the generated makefile, so it is configured anew each time (under a second).
run(bin('node-gyp'), 'configure', 'build', '-C', 'native', '-j', 'max', '--loglevel=error');
run(bin('tsc'));
