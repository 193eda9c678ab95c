import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { brightcell, temporaryFolder } from './brightcell.ts';

const folder = temporaryFolder();
const run = (...args: string[]) => brightcell(args, { cwd: folder });

beforeAll(async () => {
  const made = await run('simulate', '--cells', '240', '--out', 'cells', '--size', '32x32', '--confounded');
  expect(made.code).toBe(0);
}, 180_000);

test('audit says in words what it found, and what it did not ask', async () => {
  const { code, stdout } = await run('audit', 'cells', '--parts', 'shortcut', '--seed', '1');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^Shortcut \(warning\): The background alone/);
  expect(stdout.replaceAll(/\s+/g, ' ')).toContain(
    'Confounded: much of the class can be told without looking',
  );
  expect(stdout).toContain('Numbers and figures: cells/audit');
  expect(Math.max(...stdout.split('\n').map(line => line.length))).toBeLessThanOrEqual(110);
}, 180_000);

test('audit --json prints one object with the verdicts, and the file has confounded at its top', async () => {
  const { code, stdout, stderr } = await run(
    'audit',
    'cells',
    '--parts',
    'session',
    '--out',
    'there',
    '--json',
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({ asked: ['session'], members: { session: { warning: true } } });
  const file = JSON.parse(readFileSync(join(folder, 'there', 'audit.json'), 'utf8'));
  expect(file).toMatchObject({ confounded: false, session: { warning: true } });
  expect(existsSync(join(folder, 'there', 'figures', 'session-classes.png'))).toBe(true);
}, 180_000);

test('a part that is none ends with 2 and lists those that are', async () => {
  const { code, stderr } = await run('audit', 'cells', '--parts', 'shadow');
  expect(code).toBe(2);
  expect(stderr).toMatch(/Parts of an audit must be of shortcut, .*session.*\. Received shadow\./);
});
