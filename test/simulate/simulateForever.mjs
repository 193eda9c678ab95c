// Simulates a data set by the built library, to be killed by a test: node simulateForever.mjs OUT OPTIONS
import { writeSync } from 'node:fs';
import { simulate } from '../../dist/simulate/simulate.js';

await simulate(process.argv[2], JSON.parse(process.argv[3]), {
  onProgress: ({ done }) => writeSync(1, `${done}\n`),
});
