import { type Figure, makeSeries, type Panel } from './figure.ts';

/** Cells whose predicted class got a probability within one range. */
export interface ReliabilityBin {
  /** Mean probability of the predicted class. */
  confidence: number;
  /** Share that is right, with its 95 % interval. */
  accuracy: number;
  low: number;
  high: number;
  cells: number;
  from: number;
  to: number;
}

/** How often the predicted class is right against the probability it was given, and how many cells each range holds. */
export function reliabilityFigure(title: string, bins: readonly ReliabilityBin[], notes: string[]): Figure {
  const rows = [...bins];
  const series = makeSeries(['predicted class']);
  return { title, notes, series, columns: 2, panels: [sharesPanel(rows), cellsPanel(rows)] };
}

const colour = '#0072b2';
const size = { width: 400, height: 340 };
const label = 'probability of the predicted class';

function sharesPanel(rows: ReliabilityBin[]): Panel {
  return {
    ...size,
    title: 'Right against stated',
    options: plot => ({
      ...{ marginLeft: 46, marginTop: 24, marginBottom: 40, marginRight: 14 },
      x: { label, domain: [0, 1], grid: true },
      y: { label: 'share that is right', domain: [0, 1], grid: true },
      marks: [
        plot.line(diagonal, { stroke: '#999', strokeDasharray: '4 4' }),
        plot.ruleX(rows, { x: 'confidence', y1: 'low', y2: 'high', stroke: colour, strokeWidth: 1.5 }),
        plot.dot(rows, { x: 'confidence', y: 'accuracy', fill: colour, r: 4.5 }),
      ],
    }),
  };
}

const diagonal: [number, number][] = [
  [0, 0],
  [1, 1],
];

function cellsPanel(rows: ReliabilityBin[]): Panel {
  return {
    ...size,
    title: 'Cells',
    options: plot => ({
      ...{ marginLeft: 56, marginTop: 24, marginBottom: 40, marginRight: 14 },
      x: { label, domain: [0, 1] },
      y: {
        label: 'cells',
        grid: true,
        tickFormat: (value: number) => value.toLocaleString('en-US'),
        ticks: 5,
      },
      marks: [plot.rect(rows, { x1: 'from', x2: 'to', y1: 0, y2: 'cells', fill: colour, inset: 0.5 })],
    }),
  };
}
