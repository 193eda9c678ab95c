import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Dataset } from '../../src/dataset/dataset.ts';
import { listRejected, reject, release, restore } from '../../src/screen/hand.ts';
import { type ScreenOptions, screen } from '../../src/screen/screen.ts';
import { simulate } from '../../src/simulate/simulate.ts';

let folder: string;
let cells: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'brightcell-screen-'));
  cells = join(folder, 'cells');
  await simulate(cells, { cells: 3000, seed: 11 });
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

async function verdicts(where = 'true'): Promise<Record<string, unknown>[]> {
  const dataset = await Dataset.open(cells, 'read');
  const rows = await dataset.query(
    `SELECT id, verdict, reason, verdict_by FROM cells WHERE ${where} ORDER BY id`,
  );
  await dataset.close();
  return rows;
}

describe('with labelled images', () => {
  test('at least 95 % of the simulated faults are found with at most 2 % of the good lost', async () => {
    const report = await screen(cells);
    expect(report.method).toBe('classifier');
    expect(report.score!.badFoundShare).toBeGreaterThanOrEqual(0.95);
    expect(report.score!.goodLostShare).toBeLessThanOrEqual(0.02);
    expect(report.score!.kinds.map(({ kind }) => kind)).toEqual([
      'cut',
      'debris',
      'defocused',
      'empty',
      'ghost',
      'two-cells',
    ]);
    for (const { foundShare } of report.score!.kinds) expect(foundShare).toBeGreaterThan(0.8);
    expect(report.sessions.reduce((sum, session) => sum + session.rejected, 0)).toBe(report.rejected);
  });

  test('every image has a verdict, and every rejected one a reason that names the fault', async () => {
    await screen(cells);
    const rows = await verdicts();
    expect(rows.every(row => row.verdict === 'accepted' || row.verdict === 'rejected')).toBe(true);
    for (const row of rows.filter(({ verdict }) => verdict === 'rejected'))
      expect(row.reason).toMatch(/^(empty|cut|defocused|ghost|two-cells|debris): bad with probability/);
  });

  test('the same seed gives the same verdicts, and losing fewer good ones rejects fewer', async () => {
    const first = await screen(cells, { seed: 3, dryRun: true });
    expect(await screen(cells, { seed: 3, dryRun: true })).toEqual(first);
    const careful = await screen(cells, { seed: 3, goodLost: 0.002, dryRun: true });
    expect(careful.rejected).toBeLessThan(first.rejected);
    expect(careful.score!.goodLostShare).toBeLessThanOrEqual(0.002);
  });
});

describe('without labels', () => {
  test('session limits find most faults, lose few good images and use no truth', async () => {
    const { method, score } = await screen(cells, { labels: 'none', dryRun: true });
    expect(method).toBe('limits');
    expect(score!.badFoundShare).toBeGreaterThanOrEqual(0.82);
    expect(score!.goodLostShare).toBeLessThanOrEqual(0.022);
  });
});

describe('by hand', () => {
  test('what screening rejected stays listed, can be brought back, and is not rejected again', async () => {
    await screen(cells, { method: 'limits' });
    const listed = await listRejected(cells);
    expect(listed.length).toBe((await verdicts("verdict = 'rejected'")).length);
    expect(await listRejected(cells, { limit: 2, offset: 1 })).toEqual(listed.slice(1, 3));
    const [back] = listed;
    expect(back).toMatchObject({ by: 'screen', reason: expect.stringMatching(/limit: /) });
    await restore(cells, [back!.id]);
    const report = await screen(cells, { method: 'limits' });
    expect(report.byHand).toEqual({ accepted: 1, rejected: 0 });
    expect((await listRejected(cells)).some(({ id }) => id === back!.id)).toBe(false);
    await release(cells, [back!.id]);
    await screen(cells, { method: 'limits' });
    expect((await listRejected(cells)).some(({ id }) => id === back!.id)).toBe(true);
  });

  test('a rejection by hand stands with its reason', async () => {
    const [accepted] = await verdicts("verdict = 'accepted'");
    await reject(cells, [accepted!.id as number], 'two-cells');
    const report = await screen(cells, { method: 'limits' });
    expect(report.byHand.rejected).toBe(1);
    const [row] = await verdicts(`id = ${accepted!.id}`);
    expect(row).toMatchObject({ verdict: 'rejected', reason: 'two-cells', verdict_by: 'hand' });
    await release(cells, [accepted!.id as number]);
  });

  test('an unknown id and a missing reason are refused', async () => {
    await expect(restore(cells, [3000])).rejects.toThrow('0 to 2999');
    expect(() => reject(cells, [0], ' ')).toThrow('reason');
  });
});

describe('limits', () => {
  test('an own limit replaces the session limits of its feature', async () => {
    const options: ScreenOptions = {
      method: 'limits',
      limits: [{ feature: 'signalToNoise', below: 1e9 }],
      dryRun: true,
    };
    const report = await screen(cells, options);
    expect(report.rejected).toBe(3000);
    expect(report.warnings[0]).toMatch(/100 %/);
    expect(report.reasons).toEqual([{ kind: 'signalToNoise below limit', count: 3000 }]);
  });

  test.each<[string, ScreenOptions, RegExp]>([
    ['NaN', { goodLost: NaN }, /goodLost.*NaN/],
    ['a share of 0', { goodLost: 0 }, /goodLost/],
    ['an unknown feature', { limits: [{ feature: 'beauty', above: 1 }] }, /limits.*beauty/],
    ['an unknown option', { speed: 1 } as ScreenOptions, /speed/],
    ['a classifier without labels', { method: 'classifier', labels: 'none' }, /limits/],
    ['a classifier with too few', { method: 'classifier', labels: 'hand' }, /at least 40 good/],
  ])('%s is refused', async (_, options, message) => {
    await expect(screen(cells, options)).rejects.toThrow(message);
  });

  test('a stop leaves the verdicts as they were', async () => {
    const before = await verdicts();
    const stopped = screen(cells, {}, { signal: AbortSignal.abort() });
    await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
    expect(await verdicts()).toEqual(before);
  });
});
