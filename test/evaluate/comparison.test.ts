import { describe, expect, test } from 'vitest';
import { compareMethods } from '../../src/evaluate/comparison.ts';
import { comparisonCsv, pairsCsv } from '../../src/evaluate/comparisonCsv.ts';
import {
  formatComparison,
  formatGroupAccuracies,
  formatIntervals,
  formatP,
  formatPairs,
  markBest,
} from '../../src/evaluate/comparisonTable.ts';
import { adjustHolm } from '../../src/evaluate/holm.ts';
import { testMcNemar } from '../../src/evaluate/mcnemar.ts';
import { bootstrapMethods, comparedFigures } from '../../src/evaluate/pairedBootstrap.ts';
import reference from './fixtures/paired-tests.json' with { type: 'json' };

const joint = {
  classes: 3,
  labels: Int32Array.from(reference.labels),
  predicted: reference.predicted.map(one => Int32Array.from(one)),
};

describe("McNemar's test", () => {
  test.each(reference.mcnemar)('agrees with SciPy on $b against $c', ({ b, c, ...expected }) => {
    const { p, ...form } = testMcNemar(b, c);
    expect(form).toEqual({ onlyFirst: b, onlySecond: c, test: expected.test, statistic: expected.statistic });
    expect(Math.abs(p / expected.p - 1)).toBeLessThan(1e-12);
  });

  test('does not depend on which classifier comes first', () => {
    for (const { b, c } of reference.mcnemar) expect(testMcNemar(c, b).p).toBe(testMcNemar(b, c).p);
  });

  test('refuses what is no count', () => {
    for (const wrong of [-1, 0.5, Number.NaN])
      expect(() => testMcNemar(wrong, 3)).toThrow(/whole numbers from 0/);
  });
});

describe("Holm's correction", () => {
  test.each(reference.holm)('of $p agrees with the step-down procedure', ({ p, adjusted }) => {
    adjustHolm(p).forEach((one, i) => {
      expect(one).toBeCloseTo(adjusted[i]!, 12);
    });
  });

  test('of no test at all is nothing', () => {
    expect(adjustHolm([])).toEqual([]);
  });
});

describe('paired bootstrap intervals', () => {
  test.each(['cells', 'grouped'] as const)('agree with those of NumPy: %s', kind => {
    const groups = kind === 'grouped' ? reference.groups : undefined;
    const { methods, pairs } = bootstrapMethods(joint, { groups });
    const expected = reference[kind];
    // 2,000 resamples place a 2.5 % point of a normal within about 6 % of a deviation, a quarter of the half-width is 0.5.
    const agree = (actual: [number, number] | null, [low, high]: number[]) => {
      const near = (high! - low!) * 0.06;
      expect(Math.abs(actual![0] - low!)).toBeLessThan(near);
      expect(Math.abs(actual![1] - high!)).toBeLessThan(near);
    };
    comparedFigures.forEach((name, f) => {
      methods.forEach((own, m) => {
        agree(own[name], expected.methods[m]![f]!);
      });
      pairs.forEach(({ differences }, i) => {
        agree(differences[name], expected.pairs[i]![f]!);
      });
    });
  });

  test('are wider when whole groups of unequal difficulty are drawn', () => {
    const width = (one: [number, number] | null) => one![1] - one![0];
    const cells = bootstrapMethods(joint).methods[2]!.accuracy;
    const groups = bootstrapMethods(joint, { groups: reference.groups }).methods[2]!.accuracy;
    expect(width(groups)).toBeGreaterThan(1.2 * width(cells));
  });

  test('are the same each time', () => {
    expect(bootstrapMethods(joint)).toEqual(bootstrapMethods(joint));
  });

  test('are null where nothing varies: every cell right, or two methods that say the same', () => {
    const perfect = { ...joint, predicted: [joint.labels, joint.predicted[0]!, joint.predicted[0]!] };
    const { methods, pairs } = bootstrapMethods(perfect, { resamples: 50 });
    expect(methods[0]!.accuracy).toBeNull();
    expect(methods[1]!.accuracy).not.toBeNull();
    expect(pairs.find(one => one.first === 1)!.differences.macroF1).toBeNull();
    expect(pairs.find(one => one.second === 1)!.differences.macroF1).not.toBeNull();
  });
});

/** Probabilities that name a class without doubt. */
const certain = (predicted: Int32Array) =>
  Float32Array.from({ length: predicted.length * 3 }, (_, i) =>
    predicted[Math.floor(i / 3)] === i % 3 ? 1 : 0,
  );
const input = {
  classes: ['a', 'b', 'c'],
  labels: joint.labels,
  groups: reference.groups,
  methods: joint.predicted.map((one, m) => ({ method: `m${m}`, probabilities: certain(one) })),
};

describe('a comparison', () => {
  const comparison = compareMethods(input);

  test('counts for each pair the cells that only one names rightly', () => {
    const right = (m: number, i: number) => reference.predicted[m]![i] === reference.labels[i];
    const only = (a: number, b: number) =>
      reference.labels.filter((_, i) => right(a, i) && !right(b, i)).length;
    expect(
      comparison.pairs.map(({ first, second, onlyFirst, onlySecond }) => [
        first,
        second,
        onlyFirst,
        onlySecond,
      ]),
    ).toEqual([
      ['m0', 'm1', only(0, 1), only(1, 0)],
      ['m0', 'm2', only(0, 2), only(2, 0)],
      ['m1', 'm2', only(1, 2), only(2, 1)],
    ]);
  });

  test('has differences that are those of the scores, and Holm p not below p', () => {
    const scoreOf = (name: string) => comparison.methods.find(one => one.method === name)!.scores;
    for (const { first, second, differences, p, adjustedP } of comparison.pairs) {
      const [a, b] = [scoreOf(first), scoreOf(second)];
      expect(differences.accuracy.value).toBeCloseTo(a.accuracy - b.accuracy, 12);
      expect(differences.balancedAccuracy.value).toBeCloseTo(a.balancedAccuracy - b.balancedAccuracy, 12);
      expect(differences.macroF1.value).toBeCloseTo(a.macro.f1 - b.macro.f1, 12);
      expect(adjustedP).toBeGreaterThanOrEqual(p);
    }
  });

  test('says when cells of groups were taken as drawn one by one, and when groups are few', () => {
    expect(comparison.cautions[0]).toContain('30 groups');
    expect(compareMethods(input, { byGroup: true }).cautions).toEqual([]);
    const two = { ...input, groups: reference.labels.map((_, i) => `run ${i % 2}`) };
    expect(compareMethods(two, { byGroup: true }).cautions[0]).toContain('only of 2');
    const one = { ...input, groups: reference.labels.map(() => 'donor 3') };
    expect(compareMethods(one).cautions[0]).toContain('one group, donor 3');
    const none = { ...input, groups: reference.labels.map(() => null) };
    expect(compareMethods(none).cautions).toEqual([]);
    expect(() => compareMethods(none, { byGroup: true })).toThrow(/at least 2 groups/);
  });

  test('has the accuracy of every method on every group, and their means', () => {
    expect(comparison.groups).toHaveLength(30);
    const { group, cells, accuracies } = comparison.groups[0]!;
    const own = reference.groups.flatMap((name, i) => (name === group ? [i] : []));
    expect(cells).toBe(own.length);
    const right = own.filter(i => reference.predicted[1]![i] === reference.labels[i]).length;
    expect(accuracies[1]).toBeCloseTo(right / own.length, 12);
    const text = formatGroupAccuracies(comparison);
    expect(text).toMatch(/^mean of groups +0\.\d{3}\*\* /m);
    expect(text).toContain('and 6 more groups');
    const none = { ...input, groups: reference.groups.map(() => null) };
    expect(formatGroupAccuracies(compareMethods(none))).toBe('');
  });

  test('as a table has a column a method, and marks best and second best', () => {
    const text = formatComparison(comparison);
    expect(text).toMatch(/^Measurement +Class +m0 +m1 +m2/m);
    expect(text).toMatch(/^Accuracy +0\.\d{3}\*\* +0\.\d{3}\* +0\.\d{3} *$/m);
    expect(text).toMatch(/^Specificity +a +0\.\d{3}/m);
    expect(text).toContain('** best, * second best');
    expect(formatIntervals(comparison)).toMatch(/^m1 +0\.\d{3} \(0\.\d{3} to 0\.\d{3}\)/m);
    expect(formatPairs(comparison)).toMatch(/^m0 +m2 +\d+ +\d+/m);
  });

  test('as CSV has a figure a row and a row a pair', () => {
    const parts = [{ part: 'test', comparison }];
    const lines = comparisonCsv(parts).trimEnd().split('\n');
    expect(lines[0]).toBe('part,method,class,measurement,value,low,high');
    expect(lines).toHaveLength(1 + 3 * (8 + 3 * 6));
    expect(pairsCsv(parts).trimEnd().split('\n')).toHaveLength(1 + 3);
  });

  test('of one method alone has no pairs and no marks', () => {
    const alone = compareMethods({ ...input, methods: input.methods.slice(0, 1) });
    expect(alone.pairs).toEqual([]);
    expect(formatComparison(alone)).not.toMatch(/\d\*/);
    expect(formatPairs(alone)).toContain('only first');
  });
});

test('marks go by the digits that are shown, lower first where lower is better', () => {
  expect(markBest([0.9, 0.8, null, 0.9001]).map(one => one.trim())).toEqual([
    '0.900**',
    '0.800*',
    '-',
    '0.900**',
  ]);
  expect(markBest([0.9, 0.8], 'lower').map(one => one.trim())).toEqual(['0.900*', '0.800**']);
});

test('p values are readable', () => {
  expect([1, 0.01234, 0.00001234, 0].map(formatP)).toEqual(['1.0000', '0.0123', '1.2e-5', '<1e-300']);
});
