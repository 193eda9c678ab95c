import type { ComparedMethod, MethodComparison, MethodPair } from './comparison.ts';
import type { Interval } from './interval.ts';
import type { ClassScores } from './score.ts';
import { formatScore, formatWideTable } from './table.ts';

const ofClass: [string, (one: ClassScores) => number | null][] = [
  ['Precision', one => one.precision],
  ['Sensitivity', one => one.recall],
  ['Specificity', one => one.specificity],
  ['F score', one => one.f1],
  ['ROC-AUC', one => one.rocAuc],
];

/** Name, value, and whether more is better. */
const overall: [string, (one: ComparedMethod) => number | null, 'higher' | 'lower'][] = [
  ['Accuracy', one => one.scores.accuracy, 'higher'],
  ['Balanced accuracy', one => one.scores.balancedAccuracy, 'higher'],
  ['F score, macro', one => one.scores.macro.f1, 'higher'],
  ['ROC-AUC, macro', one => one.scores.macro.rocAuc, 'higher'],
  ['Matthews', one => one.scores.matthewsCorrelation, 'higher'],
  ['Log loss', one => one.scores.logLoss, 'lower'],
  ['Calibration error', one => one.scores.calibrationError, 'lower'],
];

/**
 * One part of the data as a table in the manner of Meng et al. 2019, Tables III and IV, with a column a method: rows are
 * measurement and class, then what holds for all classes. The best of a row is marked **, the second best *, all of them
 * where several show the same three digits.
 */
export function formatComparison({ methods }: MethodComparison, width = 100): string {
  const classes = methods[0]!.scores.perClass;
  const perClass = ofClass.flatMap(([name, of]) =>
    classes.map((one, k) => ({
      head: [k === 0 ? name : '', one.class],
      cells: markBest(methods.map(({ scores }) => of(scores.perClass[k]!))),
    })),
  );
  const whole = overall.map(([name, of, better]) => ({
    head: [name, ''],
    cells: markBest(methods.map(of), better),
  }));
  const titles = { head: ['Measurement', 'Class'], cells: methods.map(one => `${one.method}  `) };
  const headWidths = [0, 1].map(i => Math.max(...[...perClass, ...whole].map(row => row.head[i]!.length)));
  const table = [
    formatWideTable(titles, perClass, { width, ruleEvery: classes.length, headWidths }),
    formatWideTable(titles, whole, { width, ruleEvery: whole.length, headWidths }),
  ].join('\n\n');
  return `${table}\n** best, * second best of the row`;
}

/** Accuracy, balanced accuracy and macro F score with their bootstrap intervals, a line a method. */
export function formatIntervals({ methods, resampled }: MethodComparison, width = 100): string {
  const rows = methods.map(({ method, scores, intervals }) => ({
    head: [method],
    cells: [
      withInterval(scores.accuracy, intervals.accuracy),
      withInterval(scores.balancedAccuracy, intervals.balancedAccuracy),
      withInterval(scores.macro.f1, intervals.macroF1),
    ],
  }));
  const titles = { head: ['Method'], cells: ['Accuracy', 'Balanced accuracy', 'F score, macro'] };
  return `${formatWideTable(titles, rows, { width, ruleEvery: rows.length })}\n95 % bootstrap intervals, ${resampled} resampled`;
}

/** Every pair of methods: cells that only one names rightly, McNemar's p, Holm's p, difference in accuracy. */
export function formatPairs({ pairs, resampled }: MethodComparison, width = 100): string {
  const rows = pairs.map(pair => ({ head: [pair.first, pair.second], cells: pairCells(pair) }));
  const titles = {
    head: ['First', 'Second'],
    cells: ['only first', 'only second', 'p', 'Holm p', 'accuracy, first - second'],
  };
  const exact = pairs.some(one => one.test === 'exact') ? ', e exact' : '';
  return [
    formatWideTable(titles, rows, { width, ruleEvery: Math.max(1, rows.length) }),
    `McNemar's test, two-sided (chi-squared with continuity correction${exact}); differences with 95 % bootstrap intervals, ${resampled} resampled`,
  ].join('\n');
}

const mostGroups = 24;

/** Accuracy of every method on each group (donor, run), and their mean; '' with fewer than two groups. */
export function formatGroupAccuracies({ methods, groups }: MethodComparison, width = 100): string {
  if (groups.length < 2) return '';
  const rows = groups.slice(0, mostGroups).map(({ group, cells, accuracies }) => ({
    head: [group, String(cells)],
    cells: markBest(accuracies),
  }));
  const means = methods.map(
    (_, m) => groups.reduce((sum, one) => sum + one.accuracies[m]!, 0) / groups.length,
  );
  const last = { head: ['mean of groups', ''], cells: markBest(means) };
  const titles = { head: ['Group', 'Cells'], cells: methods.map(one => `${one.method}  `) };
  const more =
    groups.length > mostGroups ? `\nand ${groups.length - mostGroups} more groups: see comparison.json` : '';
  return `Accuracy by group\n${formatWideTable(titles, [...rows, last], { width, ruleEvery: rows.length })}${more}`;
}

function pairCells(pair: MethodPair): string[] {
  const { value, interval } = pair.differences.accuracy;
  return [
    String(pair.onlyFirst),
    String(pair.onlySecond),
    `${formatP(pair.p)}${pair.test === 'exact' ? ' e' : '  '}`,
    formatP(pair.adjustedP),
    withInterval(value, interval, signed),
  ];
}

/** Figures to three digits with the marks of the best and the second best. */
export function markBest(
  values: readonly (number | null)[],
  better: 'higher' | 'lower' = 'higher',
): string[] {
  const texts = values.map(formatScore);
  const defined = texts.filter((_, i) => values[i] !== null).map(Number);
  const ranks = [...new Set(defined)].sort((a, b) => (better === 'higher' ? b - a : a - b));
  return texts.map((text, i) => {
    if (values[i] === null || values.length < 2) return `${text}  `;
    const rank = ranks.indexOf(Number(text));
    return `${text}${['**', '* '][rank] ?? '  '}`;
  });
}

/** 0.0123, 1.2e-9, 1.0000. */
export function formatP(p: number): string {
  if (p === 0) return '<1e-300';
  if (p >= 0.0001) return p.toFixed(4);
  return p.toExponential(1);
}

function withInterval(value: number, interval: Interval | null, format = formatScore): string {
  return interval === null ? format(value) : `${format(value)} (${interval.map(format).join(' to ')})`;
}

function signed(value: number | null): string {
  return value !== null && value >= 0 ? `+${formatScore(value)}` : formatScore(value);
}
