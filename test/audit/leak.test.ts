import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { audit } from '../../src/audit/audit.ts';
import { findCopies } from '../../src/audit/copies.ts';
import type { LeakFindings } from '../../src/audit/leakFindings.ts';
import { Dataset } from '../../src/dataset/dataset.ts';
import type { NewCell } from '../../src/dataset/format.ts';
import { split } from '../../src/dataset/split.ts';
import { qualityFeatures } from '../../src/engine/prepare.ts';
import { simulate } from '../../src/simulate/simulate.ts';

const side = 64;
const distinct = 240;
let folder: string;
let clean: string;
let copied: string;
/** Pairs of ids that we planted. */
let planted: [number, number][];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'brightcell-leak-'));
  clean = join(folder, 'clean');
  copied = join(folder, 'copied');
  const options = {
    cells: distinct,
    seed: 11,
    faults: 0,
    sessions: 4,
    size: [side, side] as [number, number],
  };
  await simulate(clean, options, {});
  await split(clean);
  await simulate(copied, options, {});
  planted = await plant(copied);
  await split(copied);
}, 60_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Adds copies of the first cells, written here and not by what is tested: turned, mirrored, shifted, noisy, exact. */
async function plant(path: string): Promise<[number, number][]> {
  const changes: ((x: number, y: number) => [number, number])[] = [
    (x, y) => [y, side - 1 - x],
    (x, y) => [side - 1 - x, y],
    (x, y) => [Math.min(side - 1, x + 3), Math.max(0, y - 2)],
    (x, y) => [side - 1 - y, side - 1 - x],
    (x, y) => [x, y],
  ];
  const dataset = await Dataset.open(path, 'write');
  const table = await dataset.cells();
  const images = dataset.images();
  const cells: NewCell[] = [];
  const pairs: [number, number][] = [];
  for (let i = 0; i < 40; i++) {
    const pixels = images.read(i);
    const change = changes[i % 5]!;
    const noise = i >= 20 && i % 5 !== 4 ? 3 : 0;
    const moved = Uint8ClampedArray.from({ length: side * side }, (_, at) => {
      const [x, y] = change(at % side, Math.floor(at / side));
      const hash = Math.imul(at + 1, 0x9e3779b1) ^ Math.imul(i + 7, 0x85ebca6b);
      return pixels[y * side + x]! + Math.round((((hash >>> 16) & 255) / 127.5 - 1) * noise);
    });
    cells.push({
      ...{
        pixels: new Uint8Array(moved.buffer),
        label: i === 7 ? (table.label[i]! + 1) % 4 : table.label[i]!,
        group: null,
      },
      ...{ source: `copy-${i}`, frame: 0, rawHeight: side, rawWidth: side },
      quality: new Float32Array(qualityFeatures.length),
    });
    pairs.push([i, distinct + i]);
  }
  await dataset.append(cells);
  await dataset.close();
  return pairs;
}

test('planted copies are found, and nothing else', async () => {
  const dataset = await Dataset.open(copied, 'read');
  const { pairs, groups, recall } = await findCopies(dataset, await dataset.cells(), 0, {});
  await dataset.close();
  const found = new Set(pairs.map(({ a, b }) => `${a} ${b}`));
  const missed = planted.filter(([a, b]) => !found.has(`${a} ${b}`));
  expect(missed.length).toBeLessThanOrEqual(2);
  expect(pairs.length).toBe(planted.length - missed.length);
  expect(groups.length).toBe(pairs.length);
  expect(pairs.filter(pair => pair.exact).length).toBe(8);
  for (const { found: ours, planted: all } of recall) expect(ours / all).toBeGreaterThan(0.95);
});

test('the audit warns of copies on two sides and of copies with different labels', async () => {
  const report = await audit(copied, null, { parts: ['leak'] });
  const { warning, verdict, figures, findings } = report.members.leak!;
  const { crossingGroups, conflictingGroups, heldOutWithCopies } = findings as unknown as LeakFindings;
  expect(warning).toBe(true);
  expect(crossingGroups).toBeGreaterThan(5);
  expect(conflictingGroups).toBe(1);
  expect(heldOutWithCopies.test! + heldOutWithCopies.validation!).toBeGreaterThan(5);
  expect(verdict).toContain('stand on two sides of the split');
  expect(figures).toContain('figures/leak-pairs.png');
  const csv = await readFile(join(copied, 'audit', 'leak.csv'), 'utf8');
  expect(csv.split('\n')[0]).toMatch(/^id,copies,source,frame,class/);
});

test('a split that keeps the groups of leak.csv together leaves none on two sides', async () => {
  const together = join(copied, 'audit', 'leak.csv');
  await split(copied, { together });
  const report = await audit(copied, null, { parts: ['leak'], out: join(folder, 'again') });
  expect((report.members.leak!.findings as unknown as LeakFindings).crossingGroups).toBe(0);
  await writeFile(join(folder, 'other.csv'), 'path,label\n');
  await expect(split(copied, { together: join(folder, 'other.csv') })).rejects.toMatchObject({
    code: 'option-invalid',
  });
});

test('distinct cells raise no warning', async () => {
  const report = await audit(clean, null, { parts: ['leak'] });
  const { warning, verdict, files } = report.members.leak!;
  expect(warning).toBe(false);
  expect(verdict).toContain('no copy of another was found');
  expect(files).toEqual([]);
});
