// N cells, M methods, K classes.
import { BrightcellError } from '../errors.ts';
import { confusionMatrix } from './confusion.ts';
import { adjustHolm } from './holm.ts';
import type { Interval } from './interval.ts';
import { type McNemar, testMcNemar } from './mcnemar.ts';
import { bootstrapMethods, type ComparedFigure, comparedFigures, measure } from './pairedBootstrap.ts';
import { scoreGroups } from './report.ts';
import { mostProbable, type Scores, scorePredictions } from './score.ts';

/** What several methods said of the same cells. */
export interface MethodPredictions {
  /** K names. */
  classes: readonly string[];
  /** N of [0, K). */
  labels: Int32Array;
  /** N: run, donor, day of each cell. */
  groups: readonly (string | null)[];
  methods: { method: string; probabilities: Float32Array }[];
}

export interface MethodComparison {
  cells: number;
  methods: ComparedMethod[];
  /** Every method against every later one. */
  pairs: MethodPair[];
  /** Accuracy of every method, in their order, on each group; none with fewer than two groups. */
  groups: GroupAccuracies[];
  /** What the bootstrap drew: single cells, or whole groups. */
  resampled: 'cells' | 'groups';
  cautions: string[];
}

export interface GroupAccuracies {
  group: string;
  cells: number;
  accuracies: number[];
}

export interface ComparedMethod {
  method: string;
  scores: Scores;
  /** 95 % bootstrap intervals; null where every cell is right. */
  intervals: Record<ComparedFigure, Interval | null>;
}

export interface MethodPair extends McNemar {
  first: string;
  second: string;
  /** p by Holm's correction over all pairs. */
  adjustedP: number;
  /** First less second. */
  differences: Record<ComparedFigure, { value: number; interval: Interval | null }>;
}

/**
 * Scores M methods on the same N cells and tests every pair: McNemar's test with Holm's correction, and 95 % bootstrap
 * intervals of accuracy, balanced accuracy, macro F score and their differences from the same resamples. `byGroup` draws
 * whole groups. Throws `predictions-invalid`, and `option-invalid` for `byGroup` with fewer than two groups.
 */
export function compareMethods(
  { classes, labels, groups, methods }: MethodPredictions,
  { byGroup = false }: { byGroup?: boolean } = {},
): MethodComparison {
  const K = classes.length;
  const scores = methods.map(({ probabilities }) => scorePredictions({ classes, labels, probabilities }));
  const distinct = new Set(groups).size;
  if (byGroup && distinct < 2) {
    throw new BrightcellError(
      'option-invalid',
      `Resampling groups needs cells of at least 2 groups. Received ${distinct}. Leave it out to resample cells.`,
    );
  }
  const predicted = methods.map(({ probabilities }) => mostProbable(probabilities, K));
  const joint = { classes: K, labels, predicted };
  const { methods: intervals, pairs } = bootstrapMethods(joint, byGroup ? { groups } : {});
  const values = predicted.map(one => measure(confusionMatrix(labels, one, K)));
  const tests = pairs.map(({ first, second }) => testPair(labels, predicted[first]!, predicted[second]!));
  const adjusted = adjustHolm(tests.map(one => one.p));
  return {
    cells: labels.length,
    methods: methods.map(({ method }, m) => ({ method, scores: scores[m]!, intervals: intervals[m]! })),
    pairs: pairs.map(({ first, second, differences }, i) => ({
      ...{ first: methods[first]!.method, second: methods[second]!.method },
      ...tests[i]!,
      adjustedP: adjusted[i]!,
      differences: mapFigures(name => ({
        value: values[first]![name] - values[second]![name],
        interval: differences[name],
      })),
    })),
    groups: accuraciesByGroup(groups, labels, predicted),
    resampled: byGroup ? 'groups' : 'cells',
    cautions: findGroupCautions(groups, byGroup),
  };
}

function testPair(labels: Int32Array, first: Int32Array, second: Int32Array): McNemar {
  let onlyFirst = 0;
  let onlySecond = 0;
  for (let cell = 0; cell < labels.length; cell++) {
    const [a, b] = [first[cell] === labels[cell], second[cell] === labels[cell]];
    if (a && !b) onlyFirst++;
    if (b && !a) onlySecond++;
  }
  return testMcNemar(onlyFirst, onlySecond);
}

function accuraciesByGroup(
  groups: readonly (string | null)[],
  labels: Int32Array,
  predicted: Int32Array[],
): GroupAccuracies[] {
  const byMethod = predicted.map(one => scoreGroups(groups, labels, one));
  return (byMethod[0] ?? []).map(({ group, cells }, g) => ({
    ...{ group, cells },
    accuracies: byMethod.map(one => one[g]!.accuracy),
  }));
}

function mapFigures<T>(of: (name: ComparedFigure) => T): Record<ComparedFigure, T> {
  return Object.fromEntries(comparedFigures.map(name => [name, of(name)])) as Record<ComparedFigure, T>;
}

const fewGroups = 10;

function findGroupCautions(names: readonly (string | null)[], byGroup: boolean): string[] {
  const groups = new Set(names).size;
  if (groups === 1 && names[0] !== null) {
    return [
      `All cells are of one group, ${names[0]}: how the methods do on the next one is not measured, whatever the tests say.`,
    ];
  }
  if (groups < 2) return [];
  if (!byGroup) {
    return [
      `The cells are of ${groups} groups, but tests and intervals take them as drawn one by one: on the next group differences may be larger or smaller than they say.`,
    ];
  }
  return groups < fewGroups
    ? [
        `Whole groups were resampled, but only of ${groups}: with so few, the intervals are rough and often too narrow.`,
      ]
    : [];
}
