import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { reconstruct } from '../../src/classifiers/reconstruct.ts';
import { Dataset } from '../../src/dataset/dataset.ts';
import { simulate } from '../../src/simulate/simulate.ts';
import { train } from '../../src/train/train.ts';
import { readEpochs } from '../../src/train/epochLog.ts';

let folder: string;
let cells: string;
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'brightcell-reconstruct-'));
  cells = at('cells');
  await simulate({ out: cells, cells: 120, faults: 0, height: 32, width: 48 });
});
afterAll(() => rm(folder, { recursive: true }));
