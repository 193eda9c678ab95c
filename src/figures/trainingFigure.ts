import { type Figure, makeSeries, type Panel } from './figure.ts';

/** A point of a curve of a training. */
export interface CurvePoint {
  series: string;
  epoch: number;
  loss: number | null;
  accuracy: number | null;
}

/** Loss and accuracy against epochs, side by side; a series a part of the data, or a run. */
export function trainingFigure(title: string, points: readonly CurvePoint[], notes: string[]): Figure {
  const names = [...new Set(points.map(one => one.series))];
  return {
    title,
    notes,
    series: makeSeries(names),
    columns: 2,
    panels: [
      curvePanel('Loss', 'loss (nats)', points, one => one.loss),
      curvePanel('Accuracy', 'accuracy (share)', points, one => one.accuracy),
    ],
  };
}

function curvePanel(
  title: string,
  label: string,
  points: readonly CurvePoint[],
  of: (one: CurvePoint) => number | null,
): Panel {
  const drawn = points.flatMap(one => {
    const value = of(one);
    return value === null || !Number.isFinite(value) ? [] : [{ ...one, value }];
  });
  const epochs = [...new Set(drawn.map(one => one.epoch))].sort((a, b) => a - b);
  const marked = drawn.filter(one => epochs.indexOf(one.epoch) % Math.ceil(epochs.length / 12) === 0);
  return {
    title,
    width: 430,
    height: 290,
    options: plot => ({
      marginLeft: 56,
      marginTop: 26,
      marginBottom: 42,
      marginRight: 16,
      x: { label: 'epoch', ...(epochs.length <= 12 ? { ticks: epochs } : { ticks: 6 }), tickFormat: 'd' },
      y: { label, grid: true, nice: true },
      marks: [
        plot.lineY(drawn, { x: 'epoch', y: 'value', z: 'series', stroke: 'series', strokeWidth: 2 }),
        plot.dot(marked, { x: 'epoch', y: 'value', fill: 'series', symbol: 'series', r: 3.5 }),
      ],
    }),
  };
}
