// node scripts/runTypeScript.mjs FILE.ts [arguments]: for the benchmarks, on any Node that brightcell supports.
import { resolve } from 'node:path';
import { runnerImport } from 'vite';

const [, , file] = process.argv;
process.argv.splice(1, 2, resolve(file));
await runnerImport(resolve(file), { configFile: false, logLevel: 'error' });
