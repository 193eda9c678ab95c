import { type Figure, makeSeries, type Panel } from '../figures/figure.ts';
import type { StabilityCurve, StabilityFindings } from './stabilityFindings.ts';
import { fall } from './stabilityFindings.ts';

const series = 'accuracy';

/** A panel an alteration: accuracy against its level, with a band of 95 % and a line five points below. */
export function stabilityFigure({ curves, cells, part, accuracy, method }: StabilityFindings): Figure {
  return {
    title: `What altered images do to the accuracy of ${method}`,
    notes: [
      `${cells.toLocaleString('en-US')} ${part === 'all' ? '' : `${part} `}cells, every one altered alike. Bands: 95 % intervals. Vertical line: images as they are; dashed: five points below their accuracy.`,
    ],
    series: makeSeries([series]),
    columns: 2,
    panels: curves.map(curve => drawCurve(curve, accuracy)),
  };
}

function drawCurve({ alteration, label, scale, still, points }: StabilityCurve, accuracy: number): Panel {
  const rows = points.map(one => ({
    series,
    level: one.level,
    accuracy: one.accuracy,
    low: one.interval[0],
    high: one.interval[1],
  }));
  return {
    title: alteration.charAt(0).toUpperCase() + alteration.slice(1),
    width: 440,
    height: 250,
    options: plot => ({
      marginLeft: 52,
      marginTop: 26,
      marginBottom: 44,
      marginRight: 20,
      x: {
        label,
        type: scale === 'log' ? 'log' : 'linear',
        ...(scale === 'log'
          ? { ticks: ticksOf(points.map(one => one.level)), tickFormat: String }
          : { ticks: 7 }),
      },
      y: { label: 'accuracy (share)', domain: [0, 1], grid: true },
      marks: [
        plot.ruleX([still], { stroke: '#bbb' }),
        plot.ruleY([Math.max(0, accuracy - fall)], { stroke: '#777', strokeDasharray: '4 3' }),
        plot.areaY(rows, { x: 'level', y1: 'low', y2: 'high', fill: 'series', fillOpacity: 0.18 }),
        plot.lineY(rows, { x: 'level', y: 'accuracy', stroke: 'series', strokeWidth: 2 }),
        plot.dot(rows, { x: 'level', y: 'accuracy', fill: 'series', symbol: 'series', r: 3.5 }),
      ],
    }),
  };
}

/** Every other level of many, the ends among them. */
function ticksOf(levels: number[]): number[] {
  return levels.length > 9 ? levels.filter((_, i) => i % 2 === (levels.length - 1) % 2) : levels;
}
