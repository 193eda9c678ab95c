// Builds the native core and the TypeScript. Incremental: both tools look at what changed.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root, run, setup } from './setup.mjs';

const bin = name => `${root}node_modules/.bin/${name}`;

/** Installs what is missing and builds native/build and dist. */
export function build() {
  setup();
  requireCompiler();
  // The list of sources is part of the generated makefile, so it is configured anew each time (under a second).
  run(bin('node-gyp'), ['configure', 'build', '-C', 'native', '-j', 'max', '--loglevel=error', ...headers()]);
  run(bin('tsc'), []);
  // Style and script of the report's page, which stand in it as they are.
  cpSync(`${root}src/report/page`, `${root}dist/report/page`, { recursive: true });
  chmodSync(`${root}dist/cli/main.js`, 0o755);
}

/** Node's own headers where they were installed with it: nothing to download then. */
function headers() {
  const prefix = dirname(dirname(process.execPath));
  return existsSync(`${prefix}/include/node/node_api.h`) ? [`--nodedir=${prefix}`] : [];
}

function requireCompiler() {
  if (process.platform === 'win32') return;
  const missing = [process.env.CXX ?? 'c++', 'make', 'python3'].filter(tool => !runs(tool));
  if (missing.length === 0) return;
  console.error(
    `Building the native core needs a C++20 compiler, make and python3. Missing: ${missing.join(', ')}. ` +
      'On Debian or Ubuntu: apt install g++ make python3; on a Mac: xcode-select --install.',
  );
  process.exit(1);
}

function runs(command) {
  const [program, ...args] = command.split(' ');
  try {
    execFileSync(program, [...args, '--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) build();
