import type { DuckDBDataChunk } from '@duckdb/node-api';
import { BrightcellError } from '../errors.ts';
import type { Catalogue } from './catalogue.ts';
import { type CellQuery, type CellTable, splitNames } from './format.ts';

/** The cells that `query` selects, read by columns: 1.3 million rows make five arrays and no objects. */
export async function readCells(catalogue: Catalogue, query: CellQuery): Promise<CellTable> {
  const where = selection(query);
  const [row] = await catalogue.select(`SELECT count(*) AS n FROM cells WHERE ${where}`);
  const table = emptyTable(Number(row?.n));
  const intern = internStrings();
  const splitIndex = splitNames.map((name, i) => `WHEN '${name}' THEN ${i}`).join(' ');
  let done = 0;
  await catalogue.scan(
    `SELECT id, label, "group", (CASE split ${splitIndex} ELSE -1 END)::TINYINT, coalesce(fold, -1)::SMALLINT ` +
      `FROM cells WHERE ${where} ORDER BY id`,
    chunk => {
      table.id.set(numbers(chunk, 0), done);
      table.label.set(numbers(chunk, 1), done);
      const groups = chunk.getColumnVector(2);
      for (let i = 0; i < chunk.rowCount; i++)
        table.group[done + i] = intern(groups.getItem(i) as string | null);
      table.split.set(numbers(chunk, 3), done);
      table.fold.set(numbers(chunk, 4), done);
      done += chunk.rowCount;
    },
  );
  return table;
}

/** Numbers of a column without nulls. */
export function numbers(chunk: DuckDBDataChunk, column: number): number[] {
  return chunk.getColumnValues(column) as number[];
}

function selection(query: CellQuery): string {
  const conditions = ['true'];
  if (query.split !== undefined) {
    if (!splitNames.includes(query.split))
      throw new BrightcellError(
        'option-invalid',
        `A split must be one of ${splitNames.join(', ')}. Received ${query.split}.`,
      );
    conditions.push(`split = '${query.split}'`);
  }
  if (!query.includeRejected) conditions.push("verdict IS DISTINCT FROM 'rejected'");
  if (!query.includeUnlabelled) conditions.push('label >= 0');
  return conditions.join(' AND ');
}

function emptyTable(count: number): CellTable {
  return {
    count,
    id: new Int32Array(count),
    label: new Int32Array(count),
    group: new Array(count).fill(null),
    split: new Int8Array(count),
    fold: new Int16Array(count),
  };
}

/** The same string object for the same group, so that a million cells of six donors hold six strings. */
function internStrings(): (text: string | null) => string | null {
  const known = new Map<string, string>();
  return text => {
    if (text === null) return null;
    const same = known.get(text);
    if (same !== undefined) return same;
    known.set(text, text);
    return text;
  };
}
