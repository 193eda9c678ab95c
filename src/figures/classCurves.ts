import { type Figure, makeSeries, type Panel } from './figure.ts';

/** A curve of one class against all others, both axes from 0 to 1, in order. */
export interface ClassCurve {
  class: string;
  /** What is said beside its name: an area. */
  label: string;
  points: readonly { x: number; y: number }[];
}

export interface ClassCurvesText {
  title: string;
  x: string;
  y: string;
  notes: string[];
  /** Whether guessing lies on the diagonal. */
  diagonal: boolean;
}

/** Classes whose curves share one plot. */
export const oneAxis = 8;

/** Curves of every class: in one plot, or, of more than eight, a small plot each. */
export function classCurvesFigure(curves: readonly ClassCurve[], text: ClassCurvesText): Figure {
  const { title, notes } = text;
  if (curves.length > oneAxis) {
    const panels = curves.map(curve => smallPanel(curve, text));
    return { title, notes, series: [], columns: 4, panels };
  }
  const names = curves.map(nameOf);
  return { title, notes, series: makeSeries(names), columns: 1, panels: [commonPanel(curves, text)] };
}

function nameOf(curve: ClassCurve): string {
  return `${shorten(curve.class, 30)} ${curve.label}`;
}

function commonPanel(curves: readonly ClassCurve[], { x, y, diagonal }: ClassCurvesText): Panel {
  const points = curves.flatMap(curve => curve.points.map(point => ({ ...point, class: nameOf(curve) })));
  const marked = curves.flatMap(curve =>
    spread(curve.points).map(point => ({ ...point, class: nameOf(curve) })),
  );
  return {
    title: '',
    width: 480,
    height: 400,
    options: plot => ({
      ...axes(x, y),
      marks: [
        ...(diagonal ? [plot.line(corners, { stroke: '#999', strokeDasharray: '4 4' })] : []),
        plot.line(points, { x: 'x', y: 'y', z: 'class', stroke: 'class', strokeWidth: 1.8 }),
        plot.dot(marked, { x: 'x', y: 'y', fill: 'class', symbol: 'class', r: 3.5 }),
      ],
    }),
  };
}

function smallPanel(curve: ClassCurve, { x, y, diagonal }: ClassCurvesText): Panel {
  return {
    title: `${shorten(curve.class, 16)} ${curve.label}`,
    width: 220,
    height: 200,
    options: plot => ({
      ...axes(x, y, 3),
      marks: [
        ...(diagonal ? [plot.line(corners, { stroke: '#999', strokeDasharray: '4 4' })] : []),
        plot.line([...curve.points], { x: 'x', y: 'y', stroke: '#0072b2', strokeWidth: 1.8 }),
      ],
    }),
  };
}

const corners: [number, number][] = [
  [0, 0],
  [1, 1],
];

function axes(x: string, y: string, ticks = 6) {
  const scale = { domain: [0, 1], grid: true, ticks };
  return {
    ...{ marginLeft: 46, marginTop: 24, marginBottom: 40, marginRight: 14 },
    x: { ...scale, label: x },
    y: { ...scale, label: y },
  };
}

/** About six points that lie apart along the curve: where symbols are drawn. */
function spread(points: readonly { x: number; y: number }[]) {
  const kept: { x: number; y: number }[] = [];
  for (const point of points) {
    const last = kept.at(-1);
    if (!last || Math.hypot(point.x - last.x, point.y - last.y) > 0.24) kept.push(point);
  }
  return kept;
}

function shorten(name: string, letters: number): string {
  return name.length > letters ? `${name.slice(0, letters - 1)}…` : name;
}
