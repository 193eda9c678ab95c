import { expect, test } from 'vitest';
import { runProcess } from '../cli/brightcell.ts';
import { root } from './files.ts';

const tool = (name: string, ...args: string[]) =>
  runProcess(`${root}node_modules/.bin/${name}`, args, { cwd: root });

test('Biome finds nothing to say about format or code', async () => {
  expect(await tool('biome', 'check', '--colors=off', '.')).toMatchObject({ code: 0 });
});

test('the tests, the benches and the examples compile', async () => {
  expect(await tool('tsc', '-p', 'tsconfig.test.json')).toEqual({ code: 0, stdout: '', stderr: '' });
});
