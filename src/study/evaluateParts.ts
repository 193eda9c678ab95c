// N cells, K classes.
import type { LoadedClassifier } from '../classifiers/classifier.ts';
import type { CellTable } from '../dataset/format.ts';
import { findCautions } from '../evaluate/cautions.ts';
import { findIntervals, type PartIntervals } from '../evaluate/figureIntervals.ts';
import { findOperatingPoints } from '../evaluate/operatingPoints.ts';
import type { PredictionTable } from '../evaluate/predictions.ts';
import { measureReliability } from '../evaluate/reliability.ts';
import { type EvaluatedPart, scoreGroups } from '../evaluate/report.ts';
import { type LabelledPredictions, mostProbable, scorePredictions } from '../evaluate/score.ts';
import type { Job } from '../job.ts';
import { measureDoubts } from './measureDoubts.ts';
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
  classifier: LoadedClassifier;
  /** Of all cells, in order; null where the classifier is not calibrated. */
  unknownScores: Float32Array | null;
}

/** Every figure of every part. Thresholds for sorting are chosen on the validation part where it is among them. */
export async function evaluateParts(
  { parts, table, predictions, classifier, unknownScores }: PredictedParts,
  options: EvaluatePartOptions,
  job: Job,
): Promise<EvaluatedPart[]> {
  const validation = parts.some(part => part.name === 'validation');
  const evaluated: EvaluatedPart[] = [];
  for (const { name } of parts) {
    const own = predictionsOf(predictions, name);
    const chosenOn = validation ? 'validation' : name;
    const chooser = chosenOn === name ? own : predictionsOf(predictions, chosenOn);
    const points = findOperatingPoints(chooser, own, options.purities);
    const scored = scorePart(name, own, table);
    const intervals = await findPartIntervals(own, job);
    const cautions = [...scored.cautions, ...cautionOfGroups(name, intervals)];
    const ownScores = unknownScores?.filter((_, i) => predictions.part[i] === name) ?? new Float32Array(0);
    const doubts = measureDoubts(classifier, own, ownScores);
    evaluated.push({ ...scored, cautions, intervals, doubts, operatingPoints: { chosenOn, points } });
  }
  return evaluated;
}

async function findPartIntervals(own: PartPredictions, job: Job): Promise<PartIntervals> {
  const groups = own.groups.some(group => group !== null) ? new Set(own.groups).size : 0;
  const byGroup = groups < 2 ? null : await findIntervals(own, own.groups, job);
  const byCell = (await findIntervals(own, null, job))!;
  const why = byGroup
    ? `Intervals take the ${groups} groups whole, because cells of one group resemble each other.`
    : `Intervals take cells one by one: ${groups === 0 ? 'no groups are known' : 'there is one group only'}.`;
  const shown = byGroup ? 'group' : 'cell';
  return { shown, why, groups, byGroup, byCell };
}

/** Below this many groups, their intervals are wide. */
const fewGroups = 8;

function cautionOfGroups(part: string, { shown, groups }: PartIntervals): string[] {
  if (shown !== 'group' || groups >= fewGroups) return [];
  return [
    `The ${part} part has ${groups} groups: intervals from so few are wide, and what the next group gives may lie outside.`,
  ];
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
