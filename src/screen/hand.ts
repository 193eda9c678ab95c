import { Dataset, type Verdict } from '../dataset/dataset.ts';
import { BrightcellError } from '../errors.ts';

/** A rejected image: where it came from, why it was rejected, and by whom. */
export interface Rejected {
  id: number;
  source: string;
  frame: number;
  group: string | null;
  reason: string | null;
  by: 'screen' | 'hand';
}

/** Rejected images in order of id: all, or `limit` of them from `offset` on. */
export async function listRejected(
  path: string,
  { limit, offset = 0 }: { limit?: number; offset?: number } = {},
): Promise<Rejected[]> {
  for (const value of [limit ?? 0, offset])
    if (!Number.isSafeInteger(value) || value < 0)
      throw new BrightcellError(
        'option-invalid',
        `limit and offset must be whole numbers from 0. Received ${value}.`,
      );
  const dataset = await Dataset.open(path, 'read');
  try {
    const rows = await dataset.query(
      'SELECT id, source, frame, "group", reason, verdict_by AS "by" FROM cells ' +
        `WHERE verdict = 'rejected' ORDER BY id ${limit === undefined ? '' : `LIMIT ${limit}`} OFFSET ${offset}`,
    );
    return rows as unknown as Rejected[];
  } finally {
    await dataset.close();
  }
}

/** Rejects images by hand, with a reason (a fault kind is best: later screening learns it). */
export function reject(path: string, ids: readonly number[], reason: string): Promise<void> {
  if (typeof reason !== 'string' || reason.trim() === '')
    throw new BrightcellError('option-invalid', 'a rejection by hand must have a reason. Received none.');
  return decide(path, ids, 'rejected', reason.trim());
}

/** Brings images back by hand: accepted, whatever screening finds later. */
export function restore(path: string, ids: readonly number[]): Promise<void> {
  return decide(path, ids, 'accepted', null);
}

/** Takes verdicts by hand back: the images have none until the next screening. */
export function release(path: string, ids: readonly number[]): Promise<void> {
  return decide(path, ids, null, null);
}

async function decide(
  path: string,
  ids: readonly number[],
  verdict: Verdict['verdict'],
  reason: string | null,
): Promise<void> {
  const dataset = await Dataset.open(path, 'write');
  try {
    for (const id of ids) checkId(id, dataset.count);
    await dataset.writeVerdicts(
      [...new Set(ids)].map(id => ({ id, verdict, reason, by: 'hand' as const })),
      {},
    );
  } finally {
    await dataset.close();
  }
}

function checkId(id: number, count: number): void {
  if (Number.isInteger(id) && id >= 0 && id < count) return;
  throw new BrightcellError(
    'option-invalid',
    `an id must be a whole number from 0 to ${count - 1}. Received ${String(id)}.`,
  );
}
