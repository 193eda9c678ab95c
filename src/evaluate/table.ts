import type { ConfusionMatrix } from './confusion.ts';
import type { FigureIntervals } from './figureIntervals.ts';
import type { Interval } from './interval.ts';
import type { ClassScores, Scores } from './score.ts';
import type { WholeFigure } from './weightedFigures.ts';

/** A classifier's scores under the name that the table gives it. */
export interface MethodScores {
  method: string;
  scores: Scores;
  /** To show in place of those of the scores. */
  intervals?: FigureIntervals;
}

const measurements: [string, (one: ClassScores) => number | null][] = [
  ['Precision', one => one.precision],
  ['Recall', one => one.recall],
  ['F score', one => one.f1],
  ['ROC-AUC', one => one.rocAuc],
];

/**
 * A table in the manner of Meng et al. 2019, Tables III and IV: rows grouped by measurement, a line a method within,
 * a column a class; classes that do not fit `width` go into further tables below. All methods must have the same
 * classes and cells.
 */
export function formatScoreTable(methods: readonly MethodScores[], width = 100): string {
  const perClass = methods[0]!.scores.perClass;
  const rows = measurements.flatMap(([measurement, of]) =>
    methods.map(({ method, scores }, i) => ({
      head: [i === 0 ? measurement : '', method],
      cells: scores.perClass.map(one => formatScore(of(one))),
    })),
  );
  return formatWideTable(
    { head: ['Measurement', 'Method'], cells: perClass.map(one => one.class) },
    [...rows, { head: ['Cells', ''], cells: perClass.map(one => String(one.support)) }],
    { width, ruleEvery: methods.length > 1 ? methods.length : rows.length },
  );
}

/** Overall figures, a line each, with 95 % intervals where there are any. */
export function formatOverall({ scores, intervals }: MethodScores): string {
  const commonest = scores.perClass.reduce((a, b) => (b.support > a.support ? b : a)).class;
  const { macro, weighted } = scores;
  const own = intervals ?? { accuracy: scores.accuracyInterval, macroF1: scores.macroF1Interval };
  const figure = (name: string, score: number | null, of: WholeFigure): [string, string] => [
    name,
    `${formatScore(score)}${formatInterval((own as Partial<FigureIntervals>)[of] ?? null)}`,
  ];
  const lines: [string, string][] = [
    figure('Accuracy', scores.accuracy, 'accuracy'),
    ['  of always naming', `${formatScore(scores.commonestClassAccuracy)}  (${commonest})`],
    figure('Balanced accuracy', scores.balancedAccuracy, 'balancedAccuracy'),
    figure('F score, macro', macro.f1, 'macroF1'),
    figure('F score, weighted', weighted.f1, 'weightedF1'),
    figure('ROC-AUC, macro', macro.rocAuc, 'macroRocAuc'),
    figure('Matthews correlation', scores.matthewsCorrelation, 'matthewsCorrelation'),
    figure("Cohen's kappa", scores.cohenKappa, 'cohenKappa'),
    figure('Log loss', scores.logLoss, 'logLoss'),
    ['Calibration error', formatScore(scores.calibrationError)],
  ];
  return lines.map(([name, value]) => `${name.padEnd(22)}${value}`).join('\n');
}

/** The confusion matrix with its classes; rows are the true class, columns the predicted one. */
export function formatConfusion(classes: readonly string[], confusion: ConfusionMatrix, width = 100): string {
  return formatWideTable(
    { head: ['True \\ predicted'], cells: [...classes] },
    confusion.map((row, k) => ({ head: [classes[k]!], cells: row.map(String) })),
    { width, ruleEvery: confusion.length },
  );
}

/** 0.9314 -> "0.931"; what is not defined is a dash. */
export function formatScore(score: number | null): string {
  return score === null ? '-' : score.toFixed(3);
}

function formatInterval(interval: Interval | null): string {
  return interval === null ? '' : `  (95 % ${interval.map(formatScore).join(' to ')})`;
}

/** A line of a wide table. */
export interface Row {
  /** Columns that stand in every part of a table that is broken up, left-aligned. */
  head: string[];
  /** Right-aligned. */
  cells: string[];
}

const gap = '  ';

/**
 * A table whose columns of cells go into further tables below where they do not fit `width`. A rule stands under every
 * `ruleEvery` rows; `headWidths` are least widths of the first columns.
 */
export function formatWideTable(
  titles: Row,
  rows: Row[],
  options: { width: number; ruleEvery: number; headWidths?: number[] },
): string {
  const all = [titles, ...rows];
  const headWidths = titles.head.map((_, i) =>
    Math.max(options.headWidths?.[i] ?? 0, ...all.map(row => row.head[i]!.length)),
  );
  const cellWidths = titles.cells.map((_, i) => Math.max(...all.map(row => row.cells[i]!.length)));
  const headWidth = headWidths.reduce((total, one) => total + one + gap.length, -gap.length);
  return breakColumns(cellWidths, options.width - headWidth)
    .map(([from, to]) => {
      const line = ({ head, cells }: Row) =>
        [
          ...head.map((text, i) => text.padEnd(headWidths[i]!)),
          ...cells.slice(from, to).map((text, i) => text.padStart(cellWidths[from + i]!)),
        ].join(gap);
      const rule = '-'.repeat(line(titles).length);
      const body = rows.flatMap((row, i) =>
        i > 0 && i % options.ruleEvery === 0 ? [rule, line(row)] : [line(row)],
      );
      return [line(titles), rule, ...body, rule].join('\n');
    })
    .join('\n\n');
}

/** Ranges of columns [from, to) that fit the room, at least one column each. */
function breakColumns(widths: number[], room: number): [number, number][] {
  const ranges: [number, number][] = [];
  let used = Number.POSITIVE_INFINITY;
  for (const [i, width] of widths.entries()) {
    used += width + gap.length;
    if (used > room) {
      ranges.push([i, i]);
      used = width + gap.length;
    }
    ranges.at(-1)![1] = i + 1;
  }
  return ranges;
}
