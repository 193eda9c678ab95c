// N cells, K classes.
import type { CellTable } from '../dataset/format.ts';
import { findCautions } from '../evaluate/cautions.ts';
import { findOperatingPoints } from '../evaluate/operatingPoints.ts';
import type { PredictionTable } from '../evaluate/predictions.ts';
import { measureReliability } from '../evaluate/reliability.ts';
import { type EvaluatedPart, scoreGroups } from '../evaluate/report.ts';
import { type LabelledPredictions, mostProbable, scorePredictions } from '../evaluate/score.ts';
import type { Part } from './parts.ts';

export interface EvaluatePartOptions {
  /** Purities that operating points are chosen for, above 0 and at most 1; 0.9, 0.95 and 0.99 by default. */
  purities?: number[];
}

/** Predicted cells of some parts of a data set. */
export interface PredictedParts {
  parts: readonly Part[];
  table: CellTable;
  /** Of all parts, one part after another. */
  predictions: PredictionTable;
}

/** Every figure of every part. Thresholds for sorting are chosen on the validation part where it is among them. */
export function evaluateParts(
  { parts, table, predictions }: PredictedParts,
  options: EvaluatePartOptions,
): EvaluatedPart[] {
  const validation = parts.some(part => part.name === 'validation');
  return parts.map(({ name }) => {
    const own = predictionsOf(predictions, name);
    const chosenOn = validation ? 'validation' : name;
    const chooser = chosenOn === name ? own : predictionsOf(predictions, chosenOn);
    const points = findOperatingPoints(chooser, own, options.purities);
    return { ...scorePart(name, own, table), operatingPoints: { chosenOn, points } };
  });
}

/** A part's cells with their groups. */
export interface PartPredictions extends LabelledPredictions {
  /** N; null is none. */
  groups: readonly (string | null)[];
}

/** The cells of one part of a table. */
export function predictionsOf(predictions: PredictionTable, part: string): PartPredictions {
  const { classes } = predictions;
  const first = predictions.part.indexOf(part);
  const end = predictions.part.lastIndexOf(part) + 1;
  return {
    classes,
    labels: predictions.labels.subarray(first, end),
    probabilities: predictions.probabilities.subarray(first * classes.length, end * classes.length),
    groups: predictions.group.slice(first, end),
  };
}

function scorePart(name: string, own: PartPredictions, table: CellTable) {
  const scores = scorePredictions(own);
  const cautions = findCautions(name, scores);
  if (name === 'train') {
    cautions.unshift(
      'These cells were trained on: the figures say how well they are remembered, nothing more.',
    );
  }
  const groups = scoreGroups(own.groups, own.labels, mostProbable(own.probabilities, own.classes.length));
  // Cells of one donor or run resemble each other: one alone says little of the next.
  if (own.groups[0] !== null && new Set(own.groups).size === 1 && new Set(table.group).size > 1) {
    cautions.push(
      `All ${name} cells are of one group, ${own.groups[0]}: how the next one would be classified is not measured.`,
    );
  }
  return { part: name, scores, groups, cautions, reliability: measureReliability(own) };
}
