import { type Figure, makeSeries } from '../figures/figure.ts';

/** A figure with a bar a row and in it the share of each series, from left to right. */
export function shareFigure(
  title: string,
  {
    rows,
    series,
    counts,
    notes,
  }: { rows: string[]; series: readonly string[]; counts: number[][]; notes: string[] },
): Figure {
  const bars = rows.flatMap((row, r) => {
    const total = counts[r]!.reduce((sum, n) => sum + n, 0);
    return series.map((name, k) => ({ row, name, share: total > 0 ? counts[r]![k]! / total : 0 }));
  });
  const left = leftOf(rows);
  return {
    title,
    notes,
    series: makeSeries(series),
    columns: 1,
    panels: [
      {
        title: '',
        width: left + 480,
        height: rows.length * 24 + 62,
        options: plot => ({
          marginLeft: left,
          marginTop: 8,
          marginBottom: 42,
          x: { label: 'share of the cells of the row', domain: [0, 1], grid: true },
          y: { label: null, domain: rows },
          marks: [plot.barX(bars, { x: 'share', y: 'row', fill: 'name', inset: 0.5 }), plot.ruleX([0])],
        }),
      },
    ],
  };
}

/** A value with its interval, in a row of a figure. */
export interface DotRow {
  row: string;
  series: string;
  value: number;
  low: number;
  high: number;
}

/** A figure with a row a thing, a dot a series in it with its interval, and a dashed line at each of `lines`. */
export function dotFigure(
  title: string,
  given: {
    dots: DotRow[];
    rows: string[];
    series: readonly string[];
    label: string;
    /** Vertical dashed lines. */
    lines: { at: number }[];
    /** Right end of the axis; 1 by default. */
    to?: number;
    notes: string[];
  },
): Figure {
  const { dots, rows, series, label, lines, notes, to = 1 } = given;
  const left = leftOf(rows);
  const dash = { stroke: '#777', strokeDasharray: '4 3' };
  return {
    title,
    notes,
    series: makeSeries(series),
    columns: 1,
    panels: [
      {
        title: '',
        width: left + 500,
        height: rows.length * 30 + 64,
        options: plot => ({
          marginLeft: left,
          marginTop: 8,
          marginBottom: 44,
          x: { label, domain: [0, to], grid: true },
          y: { label: null, domain: rows },
          marks: [
            plot.ruleY(rows, { stroke: '#eee' }),
            plot.ruleX(lines, { x: 'at', ...dash }),
            plot.ruleY(dots, { y: 'row', x1: 'low', x2: 'high', stroke: 'series', strokeWidth: 2.5 }),
            plot.dot(dots, { y: 'row', x: 'value', fill: 'series', symbol: 'series', r: 5 }),
          ],
        }),
      },
    ],
  };
}

function leftOf(names: readonly string[]): number {
  return Math.max(70, 16 + 7.4 * Math.max(0, ...names.map(one => one.length)));
}
