// `npm run demo`: installs and builds what is missing, then runs `brightcell demo` with the same arguments.
import { spawn } from 'node:child_process';
import { build } from './build.mjs';
import { root } from './setup.mjs';

console.error('Building ...');
build();
const demo = spawn(process.execPath, [`${root}dist/cli/main.js`, 'demo', ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...process.env, BRIGHTCELL_PROGRAM: 'npx brightcell' },
});
// Ctrl-C reaches the whole group; the demo stops cleanly by itself and this process waits for it.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => demo.kill('SIGTERM'));
demo.on('exit', (code, signal) => process.exit(signal ? 1 : code));
