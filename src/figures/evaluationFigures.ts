// Figures of one evaluated part: what a classifier said of cells whose class is known. K classes.
import type { OperatingPoint } from '../evaluate/operatingPoints.ts';
import { measureReliability, type ReliabilityBin } from '../evaluate/reliability.ts';
import type { LabelledPredictions } from '../evaluate/score.ts';
import { type CurvePoint, curveOf, sweepClass } from '../evaluate/sweep.ts';
import { type Figure, makeSeries, type Panel } from './figure.ts';

const side = 380;
const margins = { marginLeft: 56, marginTop: 24, marginBottom: 44, marginRight: 24 };

/** What the figures of a part show beside its predictions. */
export interface EvaluationFigureParts {
  /** "test": named in titles. */
  part: string;
  predictions: LabelledPredictions;
  /** Thresholds that were chosen; drawn where there are any. */
  operatingPoints?: readonly OperatingPoint[];
  /** The same cells before temperature scaling; drawn beside where it was done. */
  unscaled?: LabelledPredictions;
}

/** Every figure of an evaluated part by the name of its file: reliability, roc, precision-recall, operating-points. */
export function evaluationFigures(parts: EvaluationFigureParts): [name: string, figure: Figure][] {
  return [
    ['reliability', reliabilityFigure(parts)],
    ['roc', rocFigure(parts)],
    ['precision-recall', precisionRecallFigure(parts)],
    ['operating-points', operatingPointsFigure(parts)],
  ];
}

/** Accuracy against the probability of the predicted class, with the share of cells in each bin below. */
export function reliabilityFigure({ part, predictions, unscaled }: EvaluationFigureParts): Figure {
  const sets = [
    { name: unscaled ? 'after temperature scaling' : 'as predicted', bins: measureReliability(predictions) },
    ...(unscaled ? [{ name: 'before', bins: measureReliability(unscaled) }] : []),
  ];
  const rows = sets.flatMap(({ name, bins }) => bins.map(bin => ({ ...bin, name, ...ends(bin) })));
  const cells = predictions.labels.length;
  return {
    title: `Reliability on ${count(cells)} ${part} cells`,
    notes: [
      'On the line, probabilities can be believed; below it they promise too much. Bars: 95 % intervals by cell.',
    ],
    series: makeSeries(sets.map(one => one.name)),
    columns: 2,
    panels: [reliabilityPanel(rows), confidencePanel(rows, cells)],
  };
}

type ReliabilityRow = ReliabilityBin & { name: string; from: number; to: number };

function ends({ interval: [from, to] }: ReliabilityBin) {
  return { from, to };
}

function reliabilityPanel(rows: ReliabilityRow[]): Panel {
  return {
    title: 'Accuracy',
    ...{ width: side, height: side },
    options: plot => ({
      ...margins,
      x: { label: 'probability of the predicted class', domain: [0, 1], grid: true, ticks: 5 },
      y: { label: 'share that is right', domain: [0, 1], grid: true, ticks: 5 },
      marks: [
        plot.line(
          [
            [0, 0],
            [1, 1],
          ],
          { stroke: '#888', strokeDasharray: '4 3' },
        ),
        plot.ruleX(rows, { x: 'confidence', y1: 'from', y2: 'to', stroke: 'name', strokeWidth: 1.5 }),
        plot.line(rows, { x: 'confidence', y: 'accuracy', z: 'name', stroke: 'name', strokeWidth: 1.5 }),
        plot.dot(rows, { x: 'confidence', y: 'accuracy', fill: 'name', symbol: 'name', r: 4.5 }),
      ],
    }),
  };
}

function confidencePanel(rows: ReliabilityRow[], cells: number): Panel {
  const shares = rows.map(row => ({ ...row, middle: (row.low + row.high) / 2, share: row.cells / cells }));
  return {
    title: 'Cells',
    ...{ width: side, height: side },
    options: plot => ({
      ...margins,
      x: { label: 'probability of the predicted class', domain: [0, 1], grid: true, ticks: 5 },
      y: { label: 'share of the cells', grid: true, zero: true, ticks: 5 },
      marks: [
        plot.ruleY([0]),
        plot.line(shares, { x: 'middle', y: 'share', z: 'name', stroke: 'name', strokeWidth: 1.5 }),
        plot.dot(shares, { x: 'middle', y: 'share', fill: 'name', symbol: 'name', r: 4.5 }),
      ],
    }),
  };
}

type Row = CurvePoint & { class: string };

/** Curves of every class, each beginning where nothing is taken. */
function curves(predictions: LabelledPredictions, start: Partial<CurvePoint>): Row[] {
  return predictions.classes.flatMap((name, k) => {
    const points = curveOf(sweepClass(predictions, k));
    if (points.length === 0) return [];
    return [{ ...points[0]!, ...start }, ...points].map(point => ({ ...point, class: name }));
  });
}

/** True-positive against false-positive rate of every class. */
export function rocFigure({ part, predictions }: EvaluationFigureParts): Figure {
  const rows = curves(predictions, { yield: 0, falsePositiveRate: 0 });
  return curveFigure(`ROC of each class on ${count(predictions.labels.length)} ${part} cells`, predictions, {
    rows,
    x: { of: 'falsePositiveRate', label: 'share of other cells taken (false-positive rate)' },
    y: { of: 'yield', label: "share of the class's cells taken (true-positive rate)" },
    chance: true,
    notes: ['One class against all others. Dashed: guessing.'],
  });
}

/** Precision against recall of every class. */
export function precisionRecallFigure({ part, predictions }: EvaluationFigureParts): Figure {
  const rows = curves(predictions, {});
  return curveFigure(
    `Precision and recall of each class on ${count(predictions.labels.length)} ${part} cells`,
    predictions,
    {
      rows,
      x: { of: 'yield', label: 'recall' },
      y: { of: 'purity', label: 'precision' },
      chance: false,
      notes: ['One class against all others, from the highest threshold (left) to the lowest (right).'],
    },
  );
}

interface CurveParts {
  rows: Row[];
  x: { of: keyof CurvePoint; label: string };
  y: { of: keyof CurvePoint; label: string };
  chance: boolean;
  notes: string[];
}

function curveFigure(title: string, { classes }: LabelledPredictions, parts: CurveParts): Figure {
  const { rows, x, y, chance, notes } = parts;
  return {
    ...{ title, notes },
    series: makeSeries(classes),
    columns: 1,
    panels: [
      {
        title: '',
        ...{ width: 560, height: 460 },
        options: plot => ({
          ...margins,
          x: { label: x.label, domain: [0, 1], grid: true },
          y: { label: y.label, domain: [0, 1], grid: true },
          marks: [
            ...(chance
              ? [
                  plot.line(
                    [
                      [0, 0],
                      [1, 1],
                    ],
                    { stroke: '#888', strokeDasharray: '4 3' },
                  ),
                ]
              : []),
            plot.line(rows, { x: x.of, y: y.of, z: 'class', stroke: 'class', strokeWidth: 2 }),
            plot.dot(someOf(rows), { x: x.of, y: y.of, fill: 'class', symbol: 'class', r: 4 }),
          ],
        }),
      },
    ],
  };
}

/** A few points of each curve, where symbols are drawn. */
function someOf(rows: Row[]): Row[] {
  return [...new Set(rows.map(row => row.class))].flatMap(name => {
    const own = rows.filter(row => row.class === name);
    const step = Math.ceil(own.length / 8);
    return own.filter((_, i) => i % step === 0);
  });
}

/** Purity, yield and enrichment of sorting for each class, against the threshold. */
export function operatingPointsFigure(parts: EvaluationFigureParts): Figure {
  const { part, predictions, operatingPoints = [] } = parts;
  const rows = curves(predictions, {});
  const chosen = operatingPoints.filter(point => point.threshold !== null && point.taken > 0);
  const panel = (title: string, of: 'purity' | 'yield' | 'enrichment'): Panel => ({
    title,
    ...{ width: side, height: side - 60 },
    options: plot => ({
      ...margins,
      x: { label: 'threshold of the probability', domain: [0, 1], grid: true, ticks: 5 },
      y: {
        label: of === 'enrichment' ? 'times the share before' : 'share',
        grid: true,
        ...(of === 'enrichment' ? { zero: true, nice: true } : { domain: [0, 1] }),
      },
      marks: [
        plot.line(rows, { x: 'threshold', y: of, z: 'class', stroke: 'class', strokeWidth: 2 }),
        plot.dot(chosen, { x: 'threshold', y: of, fill: 'class', symbol: 'class', r: 4.5 }),
      ],
    }),
  });
  const targets = [...new Set(operatingPoints.map(point => point.target))].join(', ');
  return {
    title: `Sorting for each class on ${count(predictions.labels.length)} ${part} cells`,
    notes: [
      'A cell is taken when its probability of the class is at least the threshold. Purity: right among those taken. ' +
        "Yield: share of the class's cells that is taken. Enrichment: purity over the class's share of all cells.",
      ...(chosen.length > 0 ? [`Symbols: thresholds chosen for a purity of ${targets}.`] : []),
    ],
    series: makeSeries(predictions.classes),
    columns: 3,
    panels: [panel('Purity', 'purity'), panel('Yield', 'yield'), panel('Enrichment', 'enrichment')],
  };
}

function count(cells: number): string {
  return cells.toLocaleString('en-US');
}
