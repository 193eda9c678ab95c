import { type Figure, makeSeries, type Panel } from './figure.ts';

/** How many cells of each class there are at each stage. */
export interface StageCounts {
  stage: string;
  /** One a class. */
  counts: readonly number[];
}

const barHeight = 13;
const gap = 10;

/** Cells of each class at several stages, one bar below another, with their numbers; as in Fig. 2 of Meng et al. 2019. */
export function countsFigure(
  title: string,
  classes: readonly string[],
  stages: readonly StageCounts[],
  notes: string[],
): Figure {
  const series = makeSeries(stages.map(one => one.stage));
  return { title, notes, series, columns: 1, panels: [barsPanel(classes.map(shorten), stages)] };
}

function barsPanel(names: readonly string[], stages: readonly StageCounts[]): Panel {
  const left = Math.max(60, 16 + 7.2 * Math.max(...names.map(one => one.length)));
  const band = stages.length * barHeight + gap;
  const height = names.length * band + 52;
  const top = (k: number, s: number) => k * band + s * barHeight;
  const rows = stages.flatMap(({ stage, counts }, s) =>
    counts.map((value, k) => ({ stage, value, y1: top(k, s), y2: top(k, s + 1) - 2 })),
  );
  const labels = names.map((name, k) => ({ name, y: (top(k, 0) + top(k, stages.length)) / 2 - 1 }));
  const side = { marginLeft: left, marginTop: 6, marginBottom: 42, marginRight: 60 };
  return {
    title: '',
    width: left + 560,
    height,
    options: plot => ({
      ...side,
      x: { label: 'cells', grid: true, ticks: 5, tickFormat: grouped, domain: [0, most(rows)] },
      y: { axis: null, domain: [0, names.length * band], range: [6, height - 42] },
      marks: [
        plot.rect(rows, { x1: 0, x2: 'value', y1: 'y1', y2: 'y2', fill: 'stage' }),
        plot.text(rows, {
          ...{ x: 'value', textAnchor: 'start', dx: 4, fontSize: 10.5 },
          y: row => (row.y1 + row.y2) / 2,
          text: row => grouped(row.value),
        }),
        plot.text(labels, { x: 0, y: 'y', text: 'name', textAnchor: 'end', dx: -8 }),
      ],
    }),
  };
}

function grouped(value: number): string {
  return value.toLocaleString('en-US');
}

function most(rows: { value: number }[]): number {
  return Math.max(1, ...rows.map(one => one.value));
}

function shorten(name: string): string {
  return name.length > 32 ? `${name.slice(0, 31)}…` : name;
}
