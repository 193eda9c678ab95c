import { type Figure, makeSeries } from './figure.ts';

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
  const names = classes.map(shorten);
  const left = Math.max(60, 16 + 7.2 * Math.max(...names.map(one => one.length)));
  const band = stages.length * barHeight + gap;
  const height = classes.length * band + 52;
  const rows = stages.flatMap(({ stage, counts }, s) =>
    counts.map((value, k) => ({
      stage,
      value,
      y1: k * band + s * barHeight,
      y2: k * band + (s + 1) * barHeight - 2,
    })),
  );
  const labels = names.map((name, k) => ({ name, y: k * band + (stages.length * barHeight) / 2 - 1 }));
  return {
    title,
    notes,
    series: makeSeries(stages.map(one => one.stage)),
    columns: 1,
    panels: [
      {
        title: '',
        width: left + 560,
        height,
        options: plot => ({
          marginLeft: left,
          marginTop: 6,
          marginBottom: 42,
          marginRight: 60,
          x: {
            label: 'cells',
            grid: true,
            ticks: 5,
            tickFormat: (value: number) => value.toLocaleString('en-US'),
            domain: [0, most(rows)],
          },
          y: { axis: null, domain: [0, classes.length * band], range: [6, height - 42] },
          marks: [
            plot.rect(rows, { x1: 0, x2: 'value', y1: 'y1', y2: 'y2', fill: 'stage' }),
            plot.text(rows, {
              x: 'value',
              y: row => (row.y1 + row.y2) / 2,
              text: row => row.value.toLocaleString('en-US'),
              textAnchor: 'start',
              dx: 4,
              fontSize: 10.5,
            }),
            plot.text(labels, { x: 0, y: 'y', text: 'name', textAnchor: 'end', dx: -8 }),
          ],
        }),
      },
    ],
  };
}

function most(rows: { value: number }[]): number {
  return Math.max(1, ...rows.map(one => one.value));
}

function shorten(name: string): string {
  return name.length > 32 ? `${name.slice(0, 31)}…` : name;
}
