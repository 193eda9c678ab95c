import { expect, test } from 'vitest';
import { measureStandardisation, standardise } from '../../src/classifiers/standardised.ts';

test('numbers get mean 0 and deviation 1, whatever their unit', () => {
  const columns = [(i: number) => i, (i: number) => 1e6 + 0.5 * i, (i: number) => (i % 2) * 1e-9];
  const values = Float32Array.from({ length: 300 }, (_, at) => columns[at % 3]!(Math.floor(at / 3)));
  standardise(values, measureStandardisation(values.slice(), 3));
  for (const d of [0, 1, 2]) {
    const own = values.filter((_, at) => at % 3 === d);
    const mean = own.reduce((sum, x) => sum + x, 0) / 100;
    const deviation = Math.sqrt(own.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 100);
    expect(mean).toBeCloseTo(0, 4);
    expect(deviation).toBeCloseTo(1, 4);
  }
});

test('a number that never changes becomes 0 and stays so, without a NaN', () => {
  const standardisation = measureStandardisation(Float32Array.of(0.1, 5, 0.1, 7, 0.1, 9), 2);
  expect(standardisation.deviations[0]).toBe(1);
  const other = Float32Array.of(0.1, 7, 0.2, 7);
  standardise(other, standardisation);
  expect([...other]).toEqual([0, 0, Math.fround(Math.fround(0.2) - Math.fround(0.1)), 0]);
});
