import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cohenKappa } from '../../src/evaluate/confusion.ts';
import { mostProbable, type Scores, scorePredictions } from '../../src/evaluate/score.ts';

interface Case {
  name: string;
  classes: number;
  labels: number[];
  parts: number[];
  expected: Record<string, number | Record<string, number>>;
  precision: number[];
  recall: number[];
  f1: number[];
  support: number[];
  twoSided: number[];
  rocAuc: number[];
  averagePrecision: number[];
  confusion: number[][];
}

const fixture = new URL('fixtures/scikit-learn.json', import.meta.url);
const cases: Case[] = JSON.parse(readFileSync(fixture, 'utf8')).cases;

describe.each(cases)('as scikit-learn scores $name', one => {
  const scores = score(
    one.labels,
    one.parts.map(part => part / 1024),
    one.classes,
  );

  test('overall figures and means', () => {
    // scikit-learn also cuts probabilities off just below 1, which changes the log loss in the seventh digit.
    const { logLoss, ...exact } = one.expected;
    expect(scores.logLoss).toBeCloseTo(logLoss as number, 5);
    for (const [name, expected] of Object.entries(exact)) {
      expect(scores[name as keyof Scores]).toEqual(closeTo(expected));
    }
  });

  test('confusion matrix, precision, recall, F score and support of every class', () => {
    expect(scores.confusion).toEqual(one.confusion);
    for (const [k, actual] of scores.perClass.entries()) {
      // scikit-learn says 0 where a quotient has no denominator.
      expect(actual.precision ?? 0).toBeCloseTo(one.precision[k]!, 12);
      expect(actual.recall ?? 0).toBeCloseTo(one.recall[k]!, 12);
      expect(actual.f1 ?? 0).toBeCloseTo(one.f1[k]!, 12);
      expect(actual.support).toBe(one.support[k]);
    }
  });

  test('ROC-AUC and average precision of every class that has two sides', () => {
    const ranked = scores.perClass.flatMap((actual, k) => (actual.rocAuc === null ? [] : [{ k, ...actual }]));
    expect(ranked.map(actual => actual.k)).toEqual(one.twoSided);
    for (const [i, actual] of ranked.entries()) {
      expect(actual.rocAuc).toBeCloseTo(one.rocAuc[i]!, 12);
      expect(actual.averagePrecision).toBeCloseTo(one.averagePrecision[i]!, 12);
    }
  });
});

/** N of [0, K) and N x K parts of 1 that are exact in float32. */
const predictions = fc.integer({ min: 2, max: 5 }).chain(classes =>
  fc
    .array(
      fc.record({
        label: fc.nat(classes - 1),
        weights: fc.array(fc.integer({ min: 0, max: 20 }), { minLength: classes, maxLength: classes }),
      }),
      { minLength: 1, maxLength: 40 },
    )
    .map(cells => ({
      classes,
      labels: cells.map(cell => cell.label),
      probabilities: cells.flatMap(({ weights }) => {
        const total = weights.reduce((sum, weight) => sum + weight, 1);
        return weights.map((weight, k) => (weight + (k === 0 ? 1 : 0)) / total);
      }),
    })),
);

describe('laws', () => {
  test('counts add up, weighted recall is accuracy, and every figure is in its range or null', () => {
    fc.assert(
      fc.property(predictions, ({ labels, probabilities, classes }) => {
        const scores = score(labels, probabilities, classes);
        expect(scores.confusion.flat().reduce((a, b) => a + b)).toBe(labels.length);
        expect(scores.perClass.reduce((a, one) => a + one.support, 0)).toBe(labels.length);
        expect(scores.perClass.reduce((a, one) => a + one.predicted, 0)).toBe(labels.length);
        expect(scores.weighted.recall).toBeCloseTo(scores.accuracy, 12);
        expect(scores.balancedAccuracy).toBe(scores.macro.recall);
        for (const figure of allNumbers(scores)) expect(Number.isFinite(figure)).toBe(true);
        expect(scores.accuracyInterval[0]).toBeLessThanOrEqual(scores.accuracy);
        expect(scores.accuracyInterval[1]).toBeGreaterThanOrEqual(scores.accuracy);
        const nulls = scores.perClass.filter(one => one.recall === null || one.precision === null);
        expect(nulls.length === 0 || scores.undefinedScores.length > 0).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('ROC-AUC and average precision depend on the order of the probabilities alone', () => {
    fc.assert(
      fc.property(predictions, ({ labels, probabilities }) => {
        const positives = labels.map(label => Math.min(label, 1));
        const of = (map: (p: number) => number) => {
          const pairs = labels.flatMap((_, cell) => {
            // A tenth at least apart, so that the map is monotone in float32 too.
            const p = map(Math.round(probabilities[cell]! * 10) / 10);
            return [1 - p, p];
          });
          return score(positives, pairs, 2).perClass[1]!;
        };
        const plain = of(p => p);
        const bent = of(p => p ** 3 / 2);
        expect(bent.rocAuc).toEqual(plain.rocAuc);
        expect(bent.averagePrecision).toEqual(plain.averagePrecision);
      }),
    );
  });

  test('turning the probabilities of two classes round turns the ROC-AUC round', () => {
    fc.assert(
      fc.property(predictions, ({ labels, probabilities }) => {
        const positives = labels.map(label => Math.min(label, 1));
        const pairs = labels.flatMap((_, cell) => [1 - probabilities[cell]!, probabilities[cell]!]);
        const turned = labels.flatMap((_, cell) => [probabilities[cell]!, 1 - probabilities[cell]!]);
        const [auc, opposite] = [pairs, turned].map(one => score(positives, one, 2).perClass[1]!.rocAuc);
        expect(auc === null ? null : 1 - auc).toEqual(opposite === null ? null : closeTo(opposite!));
      }),
    );
  });

  test('the order of the cells does not matter', () => {
    fc.assert(
      fc.property(predictions, ({ labels, probabilities, classes }) => {
        const rows = labels.map((_, cell) => probabilities.slice(cell * classes, (cell + 1) * classes));
        const forward = score(labels, probabilities, classes);
        const backward = score(labels.toReversed(), rows.toReversed().flat(), classes);
        expect(backward).toEqual(closeTo(forward));
      }),
      { numRuns: 30 },
    );
  });
});

describe('closed forms', () => {
  test('a perfect classifier', () => {
    const scores = score([0, 1, 1, 2], [1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1], 3);
    const perfect = { precision: 1, recall: 1, f1: 1, rocAuc: 1, averagePrecision: 1 };
    expect(scores).toMatchObject({
      accuracy: 1,
      balancedAccuracy: 1,
      commonestClassAccuracy: 0.5,
      matthewsCorrelation: 1,
      logLoss: 0,
      brierLoss: 0,
      calibrationError: 0,
      macro: perfect,
      weighted: perfect,
      macroF1Interval: null,
      undefinedScores: [],
    });
  });

  test('the same probabilities for every cell give ROC-AUC one half, log loss ln K and no correlation', () => {
    const scores = score([0, 1, 2, 3], new Array(16).fill(0.25), 4);
    expect(scores.perClass.map(one => one.rocAuc)).toEqual([0.5, 0.5, 0.5, 0.5]);
    expect(scores.logLoss).toBeCloseTo(Math.log(4), 7);
    expect(scores.brierLoss).toBeCloseTo(0.75, 7);
    expect(scores.matthewsCorrelation).toBeNull();
    expect(scores.calibrationError).toBeCloseTo(0, 7);
  });

  test('a probability of 0 for the true class costs a finite log loss', () => {
    expect(score([0], [0, 1], 2).logLoss).toBeCloseTo(23 * Math.LN2, 10);
  });

  test('sure and half right is miscalibrated by one half', () => {
    expect(score([0, 1], [1, 0, 1, 0], 2).calibrationError).toBe(0.5);
  });

  test('the first of equally probable classes is taken', () => {
    expect([...mostProbable(Float32Array.of(0.5, 0.5, 0.25, 0.75), 2)]).toEqual([0, 1]);
  });

  test('what is not defined is null and said so', () => {
    const scores = score([0, 0], [1, 0, 1, 0], 2);
    expect(scores.perClass[1]).toMatchObject({ recall: null, precision: null, f1: null, rocAuc: null });
    expect(scores.macro).toMatchObject({ recall: 1, f1: 1, rocAuc: null, averagePrecision: null });
    expect(scores.undefinedScores).toEqual([
      expect.stringContaining('No cell is of b:'),
      expect.stringContaining('taken for b:'),
      expect.stringContaining('All cells are of a'),
    ]);
  });
});

test.each([
  ['no cells', [], [], 2],
  ['one class', [0], [1], 1],
  ['too few numbers', [0], [1], 2],
  ['an unlabelled cell', [-1], [1, 0], 2],
  ['a label past the classes', [2], [1, 0], 2],
  ['NaN', [0], [Number.NaN, 1], 2],
  ['a negative probability', [0], [-0.5, 1.5], 2],
  ['a row that does not add up', [0], [0.5, 0.2], 2],
])('%s cannot be scored', (_, labels, probabilities, classes) => {
  expect(() => score(labels, probabilities, classes)).toThrow(
    expect.objectContaining({ code: 'predictions-invalid' }),
  );
});

function score(labels: number[], probabilities: number[], classes: number): Scores {
  return scorePredictions({
    classes: [...'abcdefghijklmnop'].slice(0, classes),
    labels: Int32Array.from(labels),
    probabilities: Float32Array.from(probabilities),
  });
}

/** The same structure with every number within 1e-9. */
function closeTo(value: unknown): unknown {
  if (typeof value === 'number') return expect.closeTo(value, 9);
  if (Array.isArray(value)) return value.map(closeTo);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, closeTo(one)]));
}

function allNumbers(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(allNumbers) : [];
}

test("Cohen's kappa has the published values", () => {
  // Fleiss, Cohen and Everitt 1969, table 1, from its proportions: 0.429; Cohen's own of two raters: 0.4.
  const kappa = (confusion: number[][]) => Number(cohenKappa(confusion)!.toFixed(3));
  expect(
    kappa([
      [106, 10, 4],
      [22, 28, 10],
      [2, 12, 6],
    ]),
  ).toBe(0.429);
  expect(
    kappa([
      [20, 5],
      [10, 15],
    ]),
  ).toBe(0.4);
  expect(
    cohenKappa([
      [3, 0],
      [0, 0],
    ]),
  ).toBeNull();
});
