import fc from 'fast-check';
import { expect, test } from 'vitest';
import { imageSize, listOf, realNumber, wholeNumber } from '../../src/cli/numbers.ts';

test('whole numbers in the range are taken as they are', () => {
  fc.assert(
    fc.property(fc.integer({ min: 3, max: 50_000 }), value => {
      expect(wholeNumber(3, 50_000)(String(value))).toBe(value);
    }),
  );
});

test('finite numbers are taken as JavaScript writes them', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }), value => {
      expect(realNumber(0)(String(value))).toBe(value);
    }),
  );
});

test.each(['NaN', 'Infinity', '-Infinity', '', ' ', '1,5', '12px', '1e400', '0b1', '--1'])(
  '"%s" is no number',
  text => {
    expect(() => realNumber(0)(text)).toThrow('It must be a number of at least 0.');
    expect(() => wholeNumber(0)(text)).toThrow('It must be a whole number of at least 0.');
  },
);

test('an open range leaves its lower end out', () => {
  expect(() => realNumber(0, 1, { open: 'below' })('0')).toThrow('greater than 0 and at most 1');
  expect(realNumber(0, 1)('0')).toBe(0);
  for (const end of ['0', '1'])
    expect(() => realNumber(0, 1, { open: 'both' })(end)).toThrow('greater than 0 and less than 1');
  expect(realNumber(0, 1, { open: 'both' })('0.05')).toBe(0.05);
});

test('a list keeps its order', () => {
  expect(listOf(realNumber(0, 1))('0.65, 0.15,0.2')).toEqual([0.65, 0.15, 0.2]);
});

test('an image size is one side or two', () => {
  expect([imageSize('128'), imageSize('64x440')]).toEqual([
    [128, 128],
    [64, 440],
  ]);
  for (const text of ['0', '64x', 'x', '64x64x64', '5000', '1.5']) {
    expect(() => imageSize(text)).toThrow('such as 128x128');
  }
});
