import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { audit } from '../../src/audit/audit.ts';
import { findSuspects } from '../../src/audit/confident.ts';
import type { LabelFindings } from '../../src/audit/labelVerdict.ts';
import { Dataset } from '../../src/dataset/dataset.ts';
import { createRandom } from '../../src/dataset/random.ts';
import { simulate } from '../../src/simulate/simulate.ts';

let folder: string;
let clean: string;
let wrong: string;
/** Ids whose label we changed. */
const planted = new Set<number>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'brightcell-labels-'));
  clean = join(folder, 'clean');
  wrong = join(folder, 'wrong');
  await simulate(clean, { cells: 400, seed: 5, faults: 0, sessions: 3, size: [48, 48] }, {});
  const source = await Dataset.open(clean, 'read');
  const table = await source.cells();
  const copy = await Dataset.create(wrong, { ...source.header });
  const random = createRandom(9);
  const cells = Array.from(table.id, (id, i) => {
    const isWrong = random() < 0.08;
    if (isWrong) planted.add(id);
    const label = isWrong ? (table.label[i]! + 1 + Math.floor(random() * 3)) % 4 : table.label[i]!;
    return {
      ...{
        pixels: source.images().read(id) as Uint8Array,
        label,
        group: null,
        source: `${id}.png`,
        frame: 0,
      },
      ...{ rawHeight: 48, rawWidth: 48, quality: new Float32Array(34) },
    };
  });
  await copy.append(cells);
  await copy.close();
  await source.close();
}, 60_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

test('confident learning counts what the published example counts', () => {
  // Two classes, thresholds by hand: class 0 has mean (0.9 + 0.8 + 0.1) / 3 = 0.6, class 1 (0.95 + 0.65 + 0.2) / 3 = 0.6.
  const probabilities = Float32Array.from([0.9, 0.1, 0.8, 0.2, 0.1, 0.9, 0.05, 0.95, 0.35, 0.65, 0.8, 0.2]);
  const labels = Int32Array.of(0, 0, 0, 1, 1, 1);
  const { joint, thresholds, suspects, ranked } = findSuspects(probabilities, labels, 2);
  expect(thresholds[0]).toBeCloseTo(0.6, 6);
  expect(thresholds[1]).toBeCloseTo(0.6, 6);
  expect(joint).toEqual([
    [2, 1],
    [1, 2],
  ]);
  // Third and sixth cell are named otherwise; the third's label has a probability of 0.1, not below it.
  expect(ranked.map(one => one.cell)).toEqual([2, 5]);
  expect(suspects).toEqual([]);
});

test('where labels are drawn from the probabilities, as many suspects are found as are expected', () => {
  const random = createRandom(3);
  const N = 20_000;
  const probabilities = new Float32Array(N * 3);
  const labels = new Int32Array(N);
  for (let i = 0; i < N; i++) {
    const raw = [0, 1, 2].map(() => Math.exp(6 * random()));
    const total = raw[0]! + raw[1]! + raw[2]!;
    const p = raw.map(value => value / total);
    probabilities.set(p, i * 3);
    const drawn = random();
    labels[i] = drawn < p[0]! ? 0 : drawn < p[0]! + p[1]! ? 1 : 2;
  }
  const { suspects, expected } = findSuspects(probabilities, labels, 3);
  expect(suspects.length).toBeGreaterThan(100);
  expect(Math.abs(expected - suspects.length)).toBeLessThan(0.1 * suspects.length);
});

test('planted wrong labels are found and ranked first; the audit warns', async () => {
  const report = await audit(wrong, null, { parts: ['labels'] });
  const { warning, verdict, findings, figures } = report.members.labels!;
  const { suspects, expected } = findings as unknown as LabelFindings;
  expect(warning).toBe(true);
  expect(verdict).toContain('probably wrong');
  expect(suspects).toBeGreaterThan(2 * expected);
  expect(figures).toContain('figures/labels-suspects.png');
  const [header, ...lines] = (await readFile(join(wrong, 'audit', 'labels.csv'), 'utf8')).trim().split('\n');
  expect(header).toMatch(/^rank,id,source/);
  const first = lines.slice(0, 10).map(line => Number(line.split(',')[1]));
  expect(first.filter(id => planted.has(id)).length).toBeGreaterThanOrEqual(8);
}, 30_000);

test('right labels raise no warning, whatever the method', async () => {
  for (const method of [undefined, 'centroid']) {
    const report = await audit(clean, null, {
      ...{ parts: ['labels'], out: join(folder, `out-${method}`) },
      ...(method && { method }),
    });
    expect(report.members.labels!.warning).toBe(false);
  }
}, 30_000);
