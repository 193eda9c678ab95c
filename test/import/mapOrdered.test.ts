import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mapOrdered, WeightLimit } from '../../src/import/mapOrdered.ts';

const wait = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms));

test('results come in the order of the items, whichever is ready first, and no more at once than asked', async () => {
  const delays = fc.array(fc.nat(4), { maxLength: 30 });
  const law = fc.asyncProperty(delays, fc.integer({ min: 1, max: 6 }), async (items, atOnce) => {
    let running = 0;
    let most = 0;
    const work = async (delay: number) => {
      most = Math.max(most, ++running);
      await wait(delay);
      running--;
      return delay;
    };
    const results: number[] = [];
    for await (const result of mapOrdered(items, atOnce, work)) results.push(result);
    expect(results).toEqual(items);
    expect(most).toBeLessThanOrEqual(atOnce);
  });
  await fc.assert(law, { numRuns: 20 });
});

test('an error is thrown at its place, after the results before it', async () => {
  const results: number[] = [];
  const work = async (item: number) => {
    if (item === 2) throw new Error('two');
    await wait(5);
    return item;
  };
  const run = async () => {
    for await (const result of mapOrdered([0, 1, 2, 3], 4, work)) results.push(result);
  };
  await expect(run()).rejects.toThrow('two');
  expect(results).toEqual([0, 1]);
});

test('weights in use never exceed the capacity, but for one item that is heavier alone', async () => {
  const weights = fc.array(fc.integer({ min: 1, max: 15 }), { minLength: 1, maxLength: 30 });
  const law = fc.asyncProperty(weights, async items => {
    const limit = new WeightLimit(10);
    let used = 0;
    const work = (weight: number) =>
      limit.run(weight, async () => {
        expect(used === 0 || used + weight <= 10).toBe(true);
        used += weight;
        await wait(1);
        used -= weight;
      });
    await Promise.all(items.map(work));
    expect(used).toBe(0);
  });
  await fc.assert(law, { numRuns: 20 });
});
