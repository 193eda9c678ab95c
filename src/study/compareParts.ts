// N cells, M methods, K classes.
import { join } from 'node:path';
import { compareMethods, type MethodComparison } from '../evaluate/comparison.ts';
import { type PredictionTable, readPredictionsParquet } from '../evaluate/predictions.ts';
import type { MethodOutcome } from './measureTask.ts';
import type { MethodRequest, MethodTask } from './methodTask.ts';
import { poolTables } from './pooledFolds.ts';
import type { StudyCells } from './studyFolder.ts';

/** Methods that were measured, each with the tasks of its folds. */
export interface Measured {
  requests: MethodRequest[];
  tasks: MethodTask[][];
  outcomes: MethodOutcome[];
  cells: StudyCells;
}

/** Compares what every method that ended well predicted; one whose cells are others becomes a failure. */
export async function compareParts({ requests, tasks, outcomes, cells }: Measured, byGroup: boolean) {
  const tables = new Map<number, PredictionTable>();
  for (const [i, outcome] of outcomes.entries()) {
    if ('failure' in outcome) continue;
    const folds: PredictionTable[] = [];
    for (const { folder } of tasks[i]!) {
      const path = join(folder, 'evaluation', 'predictions.parquet');
      folds.push(inOrderOf(cells.classes, await readPredictionsParquet(path, outcome.score.classes)));
    }
    tables.set(i, poolTables(folds, cells.parts));
  }
  const [first] = [...tables.values()];
  for (const [i, table] of tables) {
    if (sameCells(table, first!)) continue;
    const message = `${requests[i]!.name} must have scored the same cells as the others, but its cells are others.`;
    outcomes[i] = { failure: { stage: 'score', code: 'model-mismatch', message } };
    tables.delete(i);
  }
  return cells.parts.map(part => ({ part, comparison: comparePart(part, requests, tables, byGroup) }));
}

function comparePart(
  part: string,
  requests: MethodRequest[],
  tables: Map<number, PredictionTable>,
  byGroup: boolean,
): MethodComparison {
  const [first] = [...tables.values()];
  const from = first!.part.indexOf(part);
  const to = first!.part.lastIndexOf(part) + 1;
  const K = first!.classes.length;
  const groups = first!.group.slice(from, to);
  return compareMethods(
    {
      classes: first!.classes,
      labels: first!.labels.slice(from, to),
      groups,
      methods: [...tables].map(([i, { probabilities }]) => ({
        method: requests[i]!.name,
        probabilities: probabilities.slice(from * K, to * K),
      })),
    },
    { byGroup: byGroup && new Set(groups).size > 1 },
  );
}

function sameCells(a: PredictionTable, b: PredictionTable): boolean {
  return a.id.length === b.id.length && a.id.every((id, i) => id === b.id[i] && a.part[i] === b.part[i]);
}

/** Columns in the order of the data set's classes. A run may know classes that it lacks: they are left out, shares kept. */
function inOrderOf(classes: readonly string[], table: PredictionTable): PredictionTable {
  const from = classes.map(name => table.classes.indexOf(name));
  const K = table.classes.length;
  if (K === classes.length && from.every((k, i) => k === i)) return table;
  const probabilities = new Float32Array(table.id.length * classes.length);
  for (let cell = 0; cell < table.id.length; cell++) {
    const own = from.map(k => table.probabilities[cell * K + k]!);
    const total = own.reduce((sum, one) => sum + one, 0);
    const row = own.map(one => (total > 0 ? one / total : 1 / classes.length));
    probabilities.set(row, cell * classes.length);
  }
  return {
    ...table,
    classes,
    labels: table.labels.map(label => from.indexOf(label)),
    probabilities,
  };
}
