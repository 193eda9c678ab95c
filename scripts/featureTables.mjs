// `node scripts/featureTables.mjs` writes the tables of docs/features.md anew, from the built library's definitions.
import { readFileSync, writeFileSync } from 'node:fs';
import { formatFeatureTables } from '../dist/features/featureTable.js';
import { root } from './setup.mjs';

const path = `${root}docs/features.md`;
const [before, , after] = readFileSync(path, 'utf8').split(
  /(?<=<!-- tables -->\n)|(?=<!-- end of tables -->)/,
);
writeFileSync(path, `${before}\n${formatFeatureTables()}\n\n${after}`);
