import { type CellTypeName, cellTypes, type TruthName, truths } from '../engine/simulate.ts';

export interface SimulateReport {
  out: string;
  /** All images that stand there now. */
  cells: number;
  /** Images that were there before: more than 0 when a stopped simulation was continued. */
  before: number;
  classes: { name: CellTypeName; count: number }[];
  /** Good images and those of each kind of fault. */
  truths: { name: TruthName; count: number }[];
  sessions: number;
  seed: number;
  confounded: boolean;
  durationSeconds: number;
  /** Of the images made this time. */
  cellsPerSecond: number;
}

/** Counts of a simulation, by type and by truth. */
export interface TruthCounts {
  before: number;
  types: Record<CellTypeName, number>;
  truths: Record<TruthName, number>;
  add(type: CellTypeName, truth: TruthName, count: number): void;
}

/** Counts that start at zero; `before` images were there already. */
export function countTruth(before: number): TruthCounts {
  const counts = {
    before,
    types: zeros(cellTypes),
    truths: zeros(truths),
    add(type: CellTypeName, truth: TruthName, count: number) {
      counts.types[type] += count;
      counts.truths[truth] += count;
    },
  };
  return counts;
}

function zeros<T extends string>(names: readonly T[]): Record<T, number> {
  return Object.fromEntries(names.map(name => [name, 0])) as Record<T, number>;
}
