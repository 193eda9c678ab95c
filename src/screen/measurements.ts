import type { Dataset } from '../dataset/dataset.ts';
import { qualityFeatures } from '../engine/prepare.ts';

/** What screening reads of every cell, as columns in order of id. */
export interface Measurements {
  count: number;
  id: Int32Array;
  /** Index into `sessions`. */
  session: Int32Array;
  /** Names of the groups; null for cells without one. */
  sessions: (string | null)[];
  /** One column a name of `qualityFeatures`. */
  features: Float32Array[];
  /** 'good', a fault kind, or null where not known. */
  truth: (string | null)[];
  /** Verdict and reason given by a person, null where none. */
  byHand: ({ rejected: boolean; reason: string | null } | null)[];
}

/** Reads the catalogue once, by columns: a million cells take as many times 150 bytes. */
export async function readMeasurements(dataset: Dataset): Promise<Measurements> {
  const count = dataset.count;
  const sessions = new Map<string | null, number>();
  const measured: Measurements = {
    count,
    id: new Int32Array(count),
    session: new Int32Array(count),
    sessions: [],
    features: qualityFeatures.map(() => new Float32Array(count)),
    truth: new Array(count).fill(null),
    byHand: new Array(count).fill(null),
  };
  const columns = qualityFeatures.map(name => `"${name}"`).join(', ');
  let done = 0;
  await dataset.scan(
    `SELECT id, "group", truth, verdict, reason, verdict_by, ${columns} FROM cells ORDER BY id`,
    chunk => {
      measured.id.set(chunk.getColumnValues(0) as number[], done);
      const [groups, truths, verdicts, reasons, givers] = [1, 2, 3, 4, 5].map(
        column => chunk.getColumnValues(column) as (string | null)[],
      );
      for (let i = 0; i < chunk.rowCount; i++) {
        const group = groups![i]!;
        if (!sessions.has(group)) sessions.set(group, sessions.size);
        measured.session[done + i] = sessions.get(group)!;
        measured.truth[done + i] = truths![i]!;
        if (givers![i] === 'hand' && verdicts![i] !== null)
          measured.byHand[done + i] = { rejected: verdicts![i] === 'rejected', reason: reasons![i]! };
      }
      for (const [f, column] of measured.features.entries())
        column.set(chunk.getColumnValues(6 + f) as number[], done);
      done += chunk.rowCount;
    },
  );
  measured.sessions = [...sessions.keys()];
  return measured;
}

/** Rows of each session; sessions of fewer than `smallest` cells are taken together. */
export function groupRows(session: Int32Array, sessions: number, smallest: number): Int32Array[] {
  const sizes = new Int32Array(sessions);
  for (const s of session) sizes[s]!++;
  const together: number[] = [];
  const apart = new Map<number, number[]>();
  for (const [row, s] of session.entries()) {
    if (sizes[s]! < smallest) together.push(row);
    else if (apart.has(s)) apart.get(s)!.push(row);
    else apart.set(s, [row]);
  }
  const groups = [...apart.values(), together].filter(rows => rows.length > 0);
  return groups.map(rows => Int32Array.from(rows));
}

/** The values at the given fractions of the sorted column, by nearest rank. */
export function quantilesOf(column: Float32Array, rows: Int32Array, fractions: number[]): number[] {
  const sorted = Float32Array.from(rows, row => column[row]!).sort();
  return fractions.map(fraction => sorted[Math.round(fraction * (sorted.length - 1))]!);
}
