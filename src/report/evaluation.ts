// N cells, K classes.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type PredictionTable, readPredictionsParquet } from '../evaluate/predictions.ts';
import { type GroupScore, scoreGroups } from '../evaluate/report.ts';
import { mostProbable, type Scores, scorePredictions } from '../evaluate/score.ts';

/** One part of the data with what was said of its cells. */
export interface ReportPart {
  part: string;
  classes: readonly string[];
  /** N rows of the data set. */
  id: Int32Array;
  source: string[];
  group: (string | null)[];
  labels: Int32Array;
  predicted: Int32Array;
  /** N x K row major. */
  probabilities: Float32Array;
  scores: Scores;
  /** As the evaluation found them: by group where there are groups; undefined of an evaluation that has none. */
  intervals: PartIntervals | undefined;
  groups: GroupScore[];
  cautions: string[];
}

export interface PartIntervals {
  /** Why they are by cell or by group, in a sentence. */
  why: string;
  /** By the figure's name in scores.json; null where nothing varies. */
  of: Record<string, [number, number] | null>;
}

export interface ReportEvaluation {
  /** The data set whose cells were classified. */
  dataset: string;
  /** Test first. */
  parts: ReportPart[];
  cautions: string[];
}

/** Figures of the whole part; those of classes, a list, are left out. */
const intervalsSchema = z.record(z.string(), z.unknown()).transform(record =>
  Object.fromEntries(
    Object.entries(record).flatMap(([name, ends]) => {
      const known = z.tuple([z.number(), z.number()]).nullable().safeParse(ends);
      return known.success ? [[name, known.data]] : [];
    }),
  ),
);

const schema = z.object({
  classes: z.array(z.string()).min(2),
  dataset: z.string(),
  parts: z.array(
    z.object({
      part: z.string(),
      cautions: z.array(z.string()),
      intervals: z
        .object({
          shown: z.enum(['cell', 'group']),
          why: z.string(),
          byCell: intervalsSchema,
          byGroup: intervalsSchema.nullable(),
        })
        .optional()
        .catch(undefined),
    }),
  ),
  cautions: z.array(z.string()),
});

/**
 * What `evaluate` left in a run's folder: predictions read, figures worked out from them again. Undefined where there
 * is no evaluation. Throws `predictions-invalid` where it is damaged.
 */
export async function maybeReadEvaluation(run: string): Promise<ReportEvaluation | undefined> {
  const text = await readFile(join(run, 'evaluation', 'scores.json'), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const path = join(run, 'evaluation', 'predictions.parquet');
  const known = parse(text);
  const table = await readPredictionsParquet(path, known?.classes ?? []);
  if (!known) return undefined;
  const names = [...new Set(table.part)].sort((a, b) => rank(a) - rank(b));
  const parts = names.map(name => {
    const said = known.parts.find(one => one.part === name);
    return { ...cutPart(table, name), cautions: said?.cautions ?? [], intervals: shownOf(said?.intervals) };
  });
  return { dataset: known.dataset, parts, cautions: known.cautions };
}

function parse(text: string) {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function shownOf(intervals: z.infer<typeof schema>['parts'][number]['intervals']): PartIntervals | undefined {
  if (!intervals) return undefined;
  const { shown, why, byCell, byGroup } = intervals;
  return { why, of: (shown === 'group' && byGroup) || byCell };
}

const order = ['test', 'all', 'validation', 'train'];

function rank(part: string): number {
  const place = order.indexOf(part);
  return place < 0 ? order.length : place;
}

function cutPart(table: PredictionTable, name: string): Omit<ReportPart, 'cautions' | 'intervals'> {
  const rows = table.part.flatMap((part, i) => (part === name ? [i] : []));
  const { classes } = table;
  const K = classes.length;
  const probabilities = new Float32Array(rows.length * K);
  for (const [i, row] of rows.entries())
    probabilities.set(table.probabilities.subarray(row * K, (row + 1) * K), i * K);
  const labels = Int32Array.from(rows, row => table.labels[row]!);
  const predicted = mostProbable(probabilities, K);
  const group = rows.map(row => table.group[row] ?? null);
  return {
    ...{ part: name, classes, labels, predicted, probabilities, group },
    id: Int32Array.from(rows, row => table.id[row]!),
    source: rows.map(row => table.source[row]!),
    scores: scorePredictions({ classes, labels, probabilities }),
    groups: scoreGroups(group, labels, predicted),
  };
}
