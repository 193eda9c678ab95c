import { expect, test } from 'vitest';
import { classTables, type PaperPart, paperMethods, tableTwo } from '../../src/reproduce/paper.ts';

test.each(['validation', 'test'] as PaperPart[])(
  'every F score of the %s table is what its precision and recall give, within their rounding',
  part => {
    const { precision, recall, f1 } = classTables[part];
    for (const method of paperMethods)
      for (const [k, printed] of f1[method].entries()) {
        const [p, r] = [precision[method][k]!, recall[method][k]!];
        expect(Math.abs((2 * p * r) / (p + r) - printed), `${method} ${k}`).toBeLessThan(0.0021);
      }
  },
);

test('Table II has a number for each volume, and parts of one method never lie far apart but for the smallest SVMs', () => {
  for (const method of paperMethods) {
    const { test: tested, validation } = tableTwo.rows[method];
    expect(tested.length).toBe(tableTwo.volumes.length);
    expect(validation.length).toBe(tableTwo.volumes.length);
    const far = tested.filter((one, i) => Math.abs(one - validation[i]!) > 0.012).length;
    expect(far).toBe(method === 'SVM' ? 2 : 0);
  }
});
