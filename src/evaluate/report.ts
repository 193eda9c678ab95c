import { type Doubts, formatDoubts } from './doubts.ts';
import type { PartIntervals } from './figureIntervals.ts';
import type { OperatingPoint } from './operatingPoints.ts';
import type { ReliabilityBin } from './reliability.ts';
import type { Scores } from './score.ts';
import { formatConfusion, formatOverall, formatScore, formatScoreTable, formatWideTable } from './table.ts';

/** A part of the data with its scores. */
export interface EvaluatedPart {
  /** "validation", "test", "train", or "all" for every cell of another data set. */
  part: string;
  scores: Scores;
  /** Accuracy of each group (run, donor, day) where there are two or more; how it spreads is what the next one may give. */
  groups: GroupScore[];
  /** What must be known before believing the figures. */
  cautions: string[];
  /** 95 % intervals of every figure. */
  intervals: PartIntervals;
  /** What temperature scaling, `--unknown` and `--coverage` do here; null for a model that is not calibrated. */
  doubts: Doubts | null;
  /** The reliability diagram. */
  reliability: ReliabilityBin[];
  /** Sorting for each class. */
  operatingPoints: {
    /** The part that thresholds were chosen on. */
    chosenOn: string;
    points: OperatingPoint[];
  };
}

export interface GroupScore {
  group: string;
  cells: number;
  accuracy: number;
}

/** Everything about some parts as text for the terminal: table, overall figures, confusion matrix, groups, cautions. */
export function formatEvaluation(method: string, parts: readonly EvaluatedPart[], width = 100): string {
  return parts.map(part => formatPart(method, part, width)).join('\n\n');
}

function formatPart(
  method: string,
  { part, scores, groups, cautions, operatingPoints, intervals, doubts }: EvaluatedPart,
  width: number,
): string {
  const classes = scores.perClass.map(one => one.class);
  const sections = [
    `${part.charAt(0).toUpperCase()}${part.slice(1)}: ${scores.cells} cells`,
    formatScoreTable([{ method, scores }], width),
    `${formatOverall({ method, scores, intervals: intervals.byGroup ?? intervals.byCell })}\n${wrap(intervals.why, width)}`,
    formatConfusion(classes, scores.confusion, width),
    formatOperatingPoints(operatingPoints, part),
    ...(doubts ? [formatDoubts(scores, doubts)] : []),
  ];
  if (groups.length > 0) sections.push(formatGroups(groups));
  if (cautions.length > 0) sections.push(cautions.map(one => wrap(`Caution: ${one}`, width)).join('\n'));
  return sections.join('\n\n');
}

/** A line a class and purity; what cannot be reached is a dash. */
function formatOperatingPoints({ chosenOn, points }: EvaluatedPart['operatingPoints'], part: string): string {
  const where = chosenOn === part ? 'these cells, which flatters them' : `the ${chosenOn} part`;
  const titles = {
    head: ['Sorting for'],
    cells: ['Purity asked', 'threshold', 'purity', 'yield', 'enrichment'],
  };
  const rows = points.map((point, i) => ({
    head: [points[i - 1]?.class === point.class ? '' : point.class],
    cells: [
      String(point.target),
      formatScore(point.threshold),
      formatScore(point.purity),
      formatScore(point.yield),
      point.enrichment === null ? '-' : point.enrichment.toFixed(1),
    ],
  }));
  const table = formatWideTable(titles, rows, { width: 100, ruleEvery: rows.length });
  return `Thresholds for sorting, chosen on ${where}\n${table}`;
}

const mostGroups = 20;

function formatGroups(groups: GroupScore[]): string {
  const accuracies = groups.map(one => one.accuracy);
  const spread = [Math.min(...accuracies), Math.max(...accuracies)].map(one => one.toFixed(3)).join(' to ');
  const nameWidth = Math.max(...groups.slice(0, mostGroups).map(one => one.group.length));
  const lines = groups
    .slice(0, mostGroups)
    .map(one => `  ${one.group.padEnd(nameWidth)}  ${one.accuracy.toFixed(3)}  of ${one.cells}`);
  if (groups.length > mostGroups) lines.push(`  and ${groups.length - mostGroups} more: see scores.json`);
  return [`Accuracy by group, ${spread}`, ...lines].join('\n');
}

function wrap(text: string, width: number): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!;
    if (line !== '' && line.length + 1 + word.length > width) lines.push(`  ${word}`);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.join('\n');
}

/** Accuracy of each group, in order of name; empty with fewer than two groups. */
export function scoreGroups(
  groups: readonly (string | null)[],
  labels: Int32Array,
  predicted: Int32Array,
): GroupScore[] {
  const counts = new Map<string, { cells: number; right: number }>();
  for (const [cell, group] of groups.entries()) {
    const name = group ?? '(none)';
    const count = counts.get(name) ?? { cells: 0, right: 0 };
    count.cells++;
    if (labels[cell] === predicted[cell]) count.right++;
    counts.set(name, count);
  }
  if (counts.size < 2) return [];
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([group, { cells, right }]) => ({ group, cells, accuracy: right / cells }));
}
