import { expect, test } from 'vitest';
import { errorCodes } from '../../src/errors.ts';
import { list, read } from './files.ts';

test('docs/errors.md lists every error code with its exit code, and no other, in alphabetical order', () => {
  const documented = [...read('docs/errors.md').matchAll(/^\| `([\w-]+)` \| (\d+) \|/gm)].map(
    ([, code, exit]) => [code!, Number(exit)] as const,
  );
  expect(documented).toEqual(Object.entries(errorCodes).sort(([a], [b]) => (a < b ? -1 : 1)));
});

test('the codes in the source stand in alphabetical order', () => {
  expect(Object.keys(errorCodes)).toEqual(Object.keys(errorCodes).sort());
});

test('every error code is raised somewhere', () => {
  const text = list('src', '.ts')
    .filter(file => file !== 'src/errors.ts')
    .map(read)
    .join('\n');
  expect(Object.keys(errorCodes).filter(code => !text.includes(`'${code}'`))).toEqual([]);
});
