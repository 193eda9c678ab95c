import type { MethodComparison } from './comparison.ts';
import { toCsv } from './csv.ts';
import { comparedFigures } from './pairedBootstrap.ts';

/** Long form, a figure a row: part, method, class (empty: of all classes), measurement, value, low, high. */
export function comparisonCsv(parts: readonly { part: string; comparison: MethodComparison }[]): string {
  const header = ['part', 'method', 'class', 'measurement', 'value', 'low', 'high'];
  const rows = parts.flatMap(({ part, comparison }) =>
    comparison.methods.flatMap(({ method, scores, intervals }) => {
      const row = (of: string, name: string, value: number | null, ends: [number, number] | null = null) => [
        ...[part, method, of, name, value],
        ...(ends ?? [null, null]),
      ];
      return [
        row('', 'accuracy', scores.accuracy, intervals.accuracy),
        row('', 'balancedAccuracy', scores.balancedAccuracy, intervals.balancedAccuracy),
        row('', 'macroF1', scores.macro.f1, intervals.macroF1),
        row('', 'macroRocAuc', scores.macro.rocAuc),
        row('', 'matthewsCorrelation', scores.matthewsCorrelation),
        row('', 'logLoss', scores.logLoss),
        row('', 'brierLoss', scores.brierLoss),
        row('', 'calibrationError', scores.calibrationError),
        ...scores.perClass.flatMap(one => [
          row(one.class, 'cells', one.support),
          row(one.class, 'precision', one.precision, one.precisionInterval),
          row(one.class, 'sensitivity', one.recall, one.recallInterval),
          row(one.class, 'specificity', one.specificity),
          row(one.class, 'f1', one.f1),
          row(one.class, 'rocAuc', one.rocAuc),
        ]),
      ];
    }),
  );
  return toCsv([header, ...rows]);
}

/** A row for every pair of methods: McNemar's counts and p, Holm's p, and the differences with their intervals. */
export function pairsCsv(parts: readonly { part: string; comparison: MethodComparison }[]): string {
  const header = ['part', 'first', 'second', 'only_first', 'only_second', 'test', 'statistic', 'p', 'holm_p'];
  const differences = comparedFigures.flatMap(name => [name, `${name}_low`, `${name}_high`]);
  const rows = parts.flatMap(({ part, comparison }) =>
    comparison.pairs.map(pair => [
      ...[part, pair.first, pair.second, pair.onlyFirst, pair.onlySecond, pair.test, pair.statistic],
      ...[pair.p, pair.adjustedP],
      ...comparedFigures.flatMap(name => {
        const { value, interval } = pair.differences[name];
        return [value, ...(interval ?? [null, null])];
      }),
    ]),
  );
  return toCsv([[...header, ...differences.map(name => `difference_${name}`)], ...rows]);
}
