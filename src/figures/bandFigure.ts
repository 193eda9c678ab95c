import { logTicks, shortNumber } from './axes.ts';
import { type Figure, makeSeries, type Panel } from './figure.ts';

/** A curve's point: mean, least and most over seeds. */
export interface BandPoint {
  series: string;
  x: number;
  mean: number;
  low: number;
  high: number;
}

export interface BandPanel {
  title: string;
  points: BandPoint[];
  x: { label: string; log: boolean };
  y: { label: string; log?: boolean };
}

/** Curves of means with bands from the least to the most of several seeds. */
export function bandFigure(
  title: string,
  names: readonly string[],
  panels: readonly BandPanel[],
  options: { notes: string[]; columns: number; width?: number; height?: number },
): Figure {
  const { width = options.columns === 1 ? 720 : 460, height = options.columns === 1 ? 400 : 300 } = options;
  return {
    title,
    notes: options.notes,
    series: makeSeries(names),
    columns: options.columns,
    panels: panels.map(panel => drawBand(panel, width, height)),
  };
}

function drawBand({ title, points, x, y }: BandPanel, width: number, height: number): Panel {
  const ticks = x.log ? [...new Set(points.map(one => one.x))].sort((a, b) => a - b) : undefined;
  return {
    title,
    width,
    height,
    options: plot => ({
      marginLeft: 62,
      marginTop: 30,
      marginBottom: 44,
      marginRight: 24,
      x: {
        type: x.log ? 'log' : 'linear',
        label: x.label,
        ...(x.log ? { ticks: spreadTicks(ticks!, width), tickFormat: ',' } : { ticks: 6, tickFormat: ',' }),
      },
      y: {
        label: y.label,
        grid: true,
        nice: !y.log,
        ...(y.log
          ? { type: 'log', ...logTicks(points.flatMap(one => [one.low, one.high])), tickFormat: shortNumber }
          : {}),
      },
      marks: [
        plot.areaY(points, { x: 'x', y1: 'low', y2: 'high', z: 'series', fill: 'series', fillOpacity: 0.18 }),
        plot.lineY(points, { x: 'x', y: 'mean', z: 'series', stroke: 'series', strokeWidth: 2 }),
        plot.dot(someOf(points), { x: 'x', y: 'mean', fill: 'series', symbol: 'series', r: 4.5 }),
      ],
    }),
  };
}

/** About a dozen points of each curve, where symbols are drawn. */
function someOf(points: BandPoint[]): BandPoint[] {
  const places = [...new Set(points.map(one => one.x))].sort((a, b) => a - b);
  const step = Math.ceil(places.length / 12);
  const kept = new Set(places.filter((_, i) => i % step === 0));
  return points.filter(one => kept.has(one.x));
}

/** Those sizes whose labels do not touch on a logarithmic axis. */
function spreadTicks(sizes: number[], width: number): number[] {
  if (sizes.length < 2) return sizes;
  const span = Math.log(sizes.at(-1)! / sizes[0]!);
  const kept: number[] = [];
  for (const size of sizes) {
    const last = kept.at(-1);
    if (last !== undefined && (Math.log(size / last) / span) * (width - 90) < 60) continue;
    kept.push(size);
  }
  return kept;
}
