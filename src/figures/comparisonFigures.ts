import type { MethodComparison } from '../evaluate/comparison.ts';
import type { Interval } from '../evaluate/interval.ts';
import { logTicks, shortNumber } from './axes.ts';
import { type Figure, makeSeries, type Panel } from './figure.ts';

/** What one method cost. */
export interface MethodCost {
  method: string;
  /** Null for a run that was there before. */
  fitSeconds: number | null;
  fitMegabytes: number | null;
  /** Of a thousand predictions. */
  predictSeconds: number;
  predictMegabytes: number;
}

const rowHeight = 26;

/** Accuracy, balanced accuracy and macro F score of each method with their intervals. */
export function scoresFigure(part: string, { methods, cells, resampled }: MethodComparison): Figure {
  const names = methods.map(one => one.method);
  const dots = (title: string, of: (m: number) => number, interval: (m: number) => Interval | null) =>
    scorePanel(title, names, of, interval);
  const { left } = sides(names);
  return {
    title: `Methods compared on ${cells.toLocaleString('en-US')} ${part} cells`,
    notes: [`Lines: 95 % bootstrap intervals, ${resampled} resampled.`],
    series: makeSeries(names),
    columns: left > 150 ? 1 : 3,
    panels: [
      dots(
        'Accuracy',
        m => methods[m]!.scores.accuracy,
        m => methods[m]!.intervals.accuracy,
      ),
      dots(
        'Balanced accuracy',
        m => methods[m]!.scores.balancedAccuracy,
        m => methods[m]!.intervals.balancedAccuracy,
      ),
      dots(
        'F score, macro',
        m => methods[m]!.scores.macro.f1,
        m => methods[m]!.intervals.macroF1,
      ),
    ],
  };
}

function scorePanel(
  title: string,
  names: string[],
  of: (m: number) => number,
  interval: (m: number) => Interval | null,
): Panel {
  const rows = names.map((name, m) => {
    const [low, high] = interval(m) ?? [of(m), of(m)];
    return { name, value: of(m), low, high };
  });
  return {
    title,
    ...sides(names),
    options: plot => ({
      marginLeft: sides(names).left,
      marginTop: 8,
      marginBottom: 40,
      x: {
        label: `${title.toLowerCase().replace('f score', 'F score')} (share)`,
        nice: true,
        grid: true,
        ticks: 5,
      },
      y: { label: null, domain: names },
      marks: [
        plot.ruleY(rows, { y: 'name', x1: 'low', x2: 'high', stroke: 'name', strokeWidth: 2.5 }),
        plot.dot(rows, { y: 'name', x: 'value', fill: 'name', symbol: 'name', r: 5 }),
      ],
    }),
  };
}

/** F score of every class by every method. */
export function classesFigure(part: string, { methods, cells }: MethodComparison): Figure {
  const names = methods.map(one => one.method);
  const classes = methods[0]!.scores.perClass.filter(one => one.support > 0);
  const label = (name: string, support: number) => `${name} (${support})`;
  const domain = classes.map(one => label(one.class, one.support));
  const rows = methods.flatMap(({ method, scores }) =>
    scores.perClass
      .filter(one => one.support > 0)
      .map(one => ({ method, class: label(one.class, one.support), f1: one.f1 ?? 0 })),
  );
  const left = leftOf(domain);
  return {
    title: `F score of each class on ${cells.toLocaleString('en-US')} ${part} cells`,
    notes: ['In brackets: cells of the class.'],
    series: makeSeries(names),
    columns: 1,
    panels: [
      {
        title: '',
        width: left + 520,
        height: domain.length * rowHeight + 60,
        options: plot => ({
          marginLeft: left,
          marginTop: 8,
          marginBottom: 40,
          x: { label: 'F score (0 to 1)', domain: [0, 1], grid: true },
          y: { label: null, domain },
          marks: [
            plot.ruleY(domain, { stroke: '#ddd' }),
            plot.dot(rows, { x: 'f1', y: 'class', fill: 'method', symbol: 'method', r: 4.5 }),
          ],
        }),
      },
    ],
  };
}

/** Time and memory of every method on logarithmic axes. */
export function costFigure(costs: readonly MethodCost[], trainingCells: number): Figure {
  const names = costs.map(one => one.method);
  const panel = (title: string, unit: string, of: (one: MethodCost) => number | null) =>
    costPanel(title, unit, names, costs.map(of));
  return {
    title: `Time and memory, ${trainingCells.toLocaleString('en-US')} training cells`,
    notes: [
      'Time is wall-clock time. Memory is the most that the process held at once, mapped images and the program itself included.',
    ],
    series: makeSeries(names),
    columns: leftOf(names) > 150 ? 1 : 2,
    panels: [
      panel('Fitting: time', 's', one => one.fitSeconds),
      panel('Fitting: memory', 'MB', one => one.fitMegabytes),
      panel('1,000 predictions: time', 's', one => one.predictSeconds),
      panel('1,000 predictions: memory', 'MB', one => one.predictMegabytes),
    ],
  };
}

function costPanel(title: string, unit: string, names: string[], values: (number | null)[]): Panel {
  const rows = names.flatMap((name, m) =>
    values[m] === null ? [] : [{ name, value: Math.max(values[m]!, 1e-4) }],
  );
  return {
    title,
    ...sides(names),
    options: plot => ({
      marginLeft: sides(names).left,
      marginTop: 8,
      marginBottom: 40,
      marginRight: 60,
      x: {
        type: 'log',
        label: unit,
        grid: true,
        ...logTicks(rows.map(one => one.value)),
        insetLeft: 10,
        tickFormat: shortNumber,
      },
      y: { label: null, domain: names },
      marks: [
        plot.dot(rows, { y: 'name', x: 'value', fill: 'name', symbol: 'name', r: 5 }),
        plot.text(rows, {
          y: 'name',
          x: 'value',
          text: row => shortNumber(row.value),
          textAnchor: 'start',
          dx: 9,
        }),
      ],
    }),
  };
}

function sides(names: readonly string[]) {
  const left = leftOf(names);
  return { left, width: left + 250, height: names.length * rowHeight + 60 };
}

function leftOf(names: readonly string[]): number {
  return Math.max(60, 14 + 7.4 * Math.max(...names.map(one => one.length)));
}
