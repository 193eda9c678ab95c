import { expect, test } from 'vitest';
import { addon } from '../src/engine/addon.ts';

test('the native core loads', () => {
  expect(typeof addon).toBe('object');
});
