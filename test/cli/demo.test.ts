import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { brightcell, runProcess, temporaryFolder } from './brightcell.ts';

const folder = temporaryFolder();
const root = fileURLToPath(new URL('../..', import.meta.url));
const shared = join(root, '../shared/data');
const minutes = 60_000;

describe('brightcell demo', () => {
  test(
    'goes all the way and says where everything is',
    async () => {
      const { code, stdout, stderr } = await brightcell(['demo', '--cells', '240', '--epochs', '1'], {
        cwd: folder,
      });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      for (const step of [
        '1 of 8: Simulate',
        '2 of 8: Import',
        '3 of 8: Screen',
        '4 of 8: Split',
        '5 of 8: Train',
        '6 of 8: Evaluate',
        '7 of 8: Audit',
      ])
        expect(stdout).toContain(step);
      expect(stdout).toContain('8 of 8: Report');
      expect(stdout).toContain('whole groups were kept apart');
      expect(stdout).toMatch(/Done in [^.]+\. Everything is in brightcell-demo:/);
      for (const part of [
        'images/cells.csv',
        'cells/dataset.json',
        'runs/demo/model',
        'runs/demo/evaluation/scores.json',
        'runs/demo/audit/audit.json',
        'runs/demo/report.html',
      ])
        expect(existsSync(join(folder, 'brightcell-demo', part))).toBe(true);
      const next = /Next: brightcell (classify .*)/.exec(stdout)![1]!;
      expect((await brightcell(next.split(' '), { cwd: folder })).code).toBe(0);
    },
    5 * minutes,
  );

  test(
    'npm run demo is the same, and leaves an earlier demo alone',
    async () => {
      const before = readFileSync(join(folder, 'brightcell-demo/runs/demo/provenance.json'), 'utf8');
      const out = join(folder, 'again');
      const npm = ['run', 'demo', '--silent', '--', '--cells', '240', '--epochs', '1', '--out', out];
      const { code, stdout } = await runProcess('npm', npm, { cwd: root });
      expect(code).toBe(0);
      expect(stdout).toContain(`Next: npx brightcell classify ${out}`);
      const { code: second, stdout: json } = await brightcell(
        ['demo', '--cells', '240', '--epochs', '1', '--json'],
        {
          cwd: folder,
        },
      );
      expect(second).toBe(0);
      expect(JSON.parse(json)).toMatchObject({ folder: 'brightcell-demo-2', splitBy: 'group' });
      expect(readFileSync(join(folder, 'brightcell-demo/runs/demo/provenance.json'), 'utf8')).toBe(before);
    },
    8 * minutes,
  );

  test('a folder that stands already and data that do not exist are refused', async () => {
    mkdirSync(join(folder, 'there'));
    for (const wrong of [
      ['--out', 'there'],
      ['--data', 'nowhere', '--out', 'new'],
    ]) {
      const { code, stderr } = await brightcell(['demo', ...wrong], { cwd: folder });
      expect(code).toBe(2);
      expect(stderr).toMatch(/there|nowhere/);
    }
    expect(existsSync(join(folder, 'new'))).toBe(false);
  });

  describe.skipIf(!existsSync(shared) && !process.env.CI)('on real images', () => {
    test.each([
      ['flowcam', 3000, 'group'],
      ['tcell', 852, 'group'],
      ['mitocheck', 3277, 'cell'],
    ])(
      '%s',
      async (name, cells, splitBy) => {
        const args = ['demo', '--data', join(shared, name), '--out', name, '--epochs', '1', '--json'];
        const { code, stdout, stderr } = await brightcell(args, { cwd: folder });
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
        const report = JSON.parse(stdout);
        expect(report).toMatchObject({ cells, splitBy });
        expect(report.testAccuracy).toBeGreaterThan(0);
      },
      8 * minutes,
    );

    test(
      'atom-samples: 30 images are too few, and it says so',
      async () => {
        const args = ['demo', '--data', join(shared, 'atom-samples'), '--out', 'atom', '--epochs', '2'];
        const { code, stdout } = await brightcell(args, { cwd: folder });
        expect(code).toBe(0);
        expect(stdout).toContain('Imported 30 cells');
        expect(stdout).toMatch(/too few to mean anything/);
      },
      4 * minutes,
    );
  });
});
