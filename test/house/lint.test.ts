import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

test('Biome finds nothing to say about format or code', () => {
  const output = execFileSync(`${root}node_modules/.bin/biome`, ['check', '--colors=off', '.'], {
    cwd: root,
    encoding: 'utf8',
  });
  expect(output).toContain('No fixes applied');
});

test('the tests and the benches compile', () => {
  execFileSync(`${root}node_modules/.bin/tsc`, ['--noEmit', '-p', 'tsconfig.test.json'], {
    cwd: root,
    encoding: 'utf8',
  });
});
