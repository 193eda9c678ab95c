// Makes a clone ready: checks Node and installs the packages when they are missing or older than the lockfile.
import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Installs what package-lock.json names, if it is not there already. */
export function setup() {
  requireNode();
  if (isInstalled()) return;
  console.error('Installing packages (npm ci) ...');
  npm('ci');
}

/** Runs a command to its end, showing what it prints; a failure ends this process with the same exit code. */
export function run(command, args, options = {}) {
  try {
    execFileSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], ...options });
  } catch (error) {
    if (error.code === 'ENOENT') console.error(`${command} is not installed or not on PATH.`);
    process.exit(typeof error.status === 'number' ? error.status : 1);
  }
}

/** Runs npm: the one that runs us, where there is one. */
export function npm(...args) {
  const own = process.env.npm_execpath;
  if (own) run(process.execPath, [own, ...args]);
  else run(process.platform === 'win32' ? 'npm.cmd' : 'npm', args, { shell: process.platform === 'win32' });
}

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  console.error(
    `brightcell needs Node 20.19 or later. Received ${process.versions.node}. Install it from https://nodejs.org.`,
  );
  process.exit(1);
}

function isInstalled() {
  const installed = `${root}node_modules/.package-lock.json`;
  return existsSync(installed) && statSync(installed).mtimeMs >= statSync(`${root}package-lock.json`).mtimeMs;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) setup();
