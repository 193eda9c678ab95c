import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutBatches, epochOrder } from '../../src/train/batches.ts';

const labelled = fc
  .array(fc.integer({ min: 1, max: 30 }), { minLength: 2, maxLength: 6 })
  .map(counts => Int32Array.from(counts.flatMap((count, label) => new Array<number>(count).fill(label))));
const at = fc.record({ seed: fc.maxSafeNat(), epoch: fc.nat(1000) });

const countBy = (values: Iterable<number>, classes: number) => {
  const counts = new Array<number>(classes).fill(0);
  for (const value of values) counts[value]!++;
  return counts;
};

test('without balance an epoch takes every cell once', () => {
  fc.assert(
    fc.property(labelled, at, (labels, place) => {
      const order = epochOrder(labels, 6, 'none', place);
      expect([...order].sort((a, b) => a - b)).toEqual([...labels.keys()]);
    }),
  );
});

test('with balance an epoch takes as many cells of one class as of another, N in all', () => {
  fc.assert(
    fc.property(labelled, at, (labels, place) => {
      const K = Math.max(...labels) + 1;
      const order = epochOrder(labels, K, 'sampling', place);
      expect(order.length).toBe(labels.length);
      const counts = countBy(
        Array.from(order, i => labels[i]!),
        K,
      );
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    }),
  );
});

test('over epochs balance shows all cells of a class equally often, give or take one', () => {
  fc.assert(
    fc.property(labelled, fc.maxSafeNat(), fc.integer({ min: 1, max: 12 }), (labels, seed, epochs) => {
      const K = Math.max(...labels) + 1;
      const shown = new Array<number>(labels.length).fill(0);
      for (let epoch = 0; epoch < epochs; epoch++) {
        for (const i of epochOrder(labels, K, 'sampling', { seed, epoch })) shown[i]!++;
      }
      for (let k = 0; k < K; k++) {
        const own = shown.filter((_, i) => labels[i] === k);
        expect(Math.max(...own) - Math.min(...own)).toBeLessThanOrEqual(1);
      }
    }),
  );
});

test('the order is the same for the same seed and epoch, and another for others', () => {
  const labels = Int32Array.from({ length: 200 }, (_, i) => i % 3);
  const order = (seed: number, epoch: number) => [...epochOrder(labels, 3, 'sampling', { seed, epoch })];
  expect(order(1, 2)).toEqual(order(1, 2));
  expect(order(1, 2)).not.toEqual(order(2, 2));
  expect(order(1, 2)).not.toEqual(order(1, 3));
});

test('batches hold all of the order, are at most as large as asked and differ by at most one', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 400 }), (count, size) => {
      const order = Int32Array.from({ length: count }, (_, i) => i);
      const batches = cutBatches(order, size);
      const sizes = batches.map(batch => batch.length);
      expect(batches.flatMap(batch => [...batch])).toEqual([...order]);
      expect(batches.length).toBe(Math.ceil(count / size));
      expect(Math.max(...sizes)).toBeLessThanOrEqual(size);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    }),
  );
});
