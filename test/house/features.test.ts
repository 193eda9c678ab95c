import { expect, test } from 'vitest';
import { pixelFeatures, shapeFeatures } from '../../src/engine/features.ts';
import { featureDefinitions, featureNames } from '../../src/features/definitions.ts';
import { formatFeatureTables } from '../../src/features/featureTable.ts';
import { read } from './files.ts';

test('docs/features.md holds the tables that the definitions make (node scripts/featureTables.mjs)', () => {
  expect(read('docs/features.md')).toContain(`\n${formatFeatureTables()}\n`);
});

test('every feature of the native core has a definition, in the same order, and no name stands twice', () => {
  const names = featureDefinitions.map(({ name }) => name);
  expect(names).toEqual([...shapeFeatures, ...pixelFeatures]);
  expect(new Set(featureNames(3)).size).toBe(featureNames(3).length);
});
