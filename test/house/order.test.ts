import { expect, test } from 'vitest';
import { longest } from '../../vitest.config.ts';
import { list } from './files.ts';

test('every test file that begins first is there', () => {
  const files = list('test', '.test.ts');
  expect(longest.filter(name => !files.includes(name))).toEqual([]);
});
