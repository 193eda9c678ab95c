import type { DuckDBConnection } from '@duckdb/node-api';
import { BrightcellError } from '../errors.ts';
import { appendRows, appendText, type Catalogue } from './catalogue.ts';
import type { SplitName } from './format.ts';

export interface Verdict {
  id: number;
  /** null takes the verdict back. */
  verdict: 'accepted' | 'rejected' | null;
  /** Why rejected: a fault kind or the feature out of limits with its value. */
  reason: string | null;
  /** 'screen' for an automatic verdict, 'hand' for one given by a person, which screening never overrides. */
  by: 'screen' | 'hand';
}

/** See `Dataset.writeSplit`. */
export async function storeSplit(
  catalogue: Catalogue,
  { id, split, fold }: { id: Int32Array; split: (SplitName | null)[]; fold?: Int16Array },
  settings: Record<string, unknown>,
): Promise<void> {
  await catalogue.transaction(async connection => {
    await connection.run('CREATE TEMP TABLE assigned (id INTEGER, split VARCHAR, fold SMALLINT)');
    await appendRows(connection, 'assigned', id.length, (appender, i) => {
      appender.appendInteger(id[i]!);
      appendText(appender, split[i]);
      if (fold === undefined || fold[i]! < 0) appender.appendNull();
      else appender.appendSmallInt(fold[i]!);
    });
    await connection.run('UPDATE cells SET split = NULL, fold = NULL');
    await connection.run(
      'UPDATE cells SET split = a.split, fold = a.fold FROM assigned a WHERE cells.id = a.id',
    );
    await connection.run('DROP TABLE assigned');
    await storeSettings(connection, 'split', settings);
  });
}

/** See `Dataset.writeVerdicts`. */
export async function storeVerdicts(
  catalogue: Catalogue,
  verdicts: readonly Verdict[],
  settings: Record<string, unknown>,
): Promise<void> {
  await catalogue.transaction(async connection => {
    await connection.run(
      'CREATE TEMP TABLE given (id INTEGER, verdict VARCHAR, reason VARCHAR, verdict_by VARCHAR)',
    );
    await appendRows(connection, 'given', verdicts.length, (appender, i) => {
      const { id, verdict, reason, by } = verdicts[i]!;
      appender.appendInteger(id);
      appendText(appender, verdict);
      appendText(appender, verdict === null ? null : reason);
      appendText(appender, by);
    });
    await connection.run(
      'UPDATE cells SET verdict = g.verdict, reason = g.reason, ' +
        'verdict_by = CASE WHEN g.verdict IS NULL THEN NULL ELSE g.verdict_by END FROM given g ' +
        "WHERE cells.id = g.id AND (g.verdict_by = 'hand' OR cells.verdict_by IS DISTINCT FROM 'hand')",
    );
    await connection.run('DROP TABLE given');
    if (Object.keys(settings).length > 0) await storeSettings(connection, 'screen', settings);
  });
}

async function storeSettings(
  connection: DuckDBConnection,
  name: 'split' | 'screen',
  settings: Record<string, unknown>,
): Promise<void> {
  await connection.run('DELETE FROM settings WHERE name = $1', [name]);
  await connection.run('INSERT INTO settings VALUES ($1, $2, now()::TIMESTAMP)', [
    name,
    JSON.stringify(settings),
  ]);
}

/** Throws `option-invalid` for an id that no cell has. */
export function refuseUnknown(ids: ArrayLike<number>, count: number): void {
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]!;
    if (Number.isInteger(id) && id >= 0 && id < count) continue;
    throw new BrightcellError(
      'option-invalid',
      `A cell's id must be from 0 to ${count - 1}. Received ${id}.`,
    );
  }
}
