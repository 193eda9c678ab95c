import type { DuckDBConnection } from '@duckdb/node-api';
import type { KeptFeatures } from '../engine/imageSet.ts';
import { BrightcellError } from '../errors.ts';
import { replaceWhole } from '../wholeFile.ts';
import { appendRows, type Catalogue } from './catalogue.ts';
import { numbers } from './cells.ts';

/** Features of N cells: names, and N x names.length values, row major. */
export interface CellFeatures {
  id: Int32Array;
  names: readonly string[];
  values: Float32Array;
}

/** Features as they are read back: one column a name, in order of id. */
export interface FeatureColumns {
  id: Int32Array;
  names: string[];
  columns: Float32Array[];
}

export const featureFileFormats = ['csv', 'parquet'] as const;

/** See `Dataset.featureIds`. */
export async function readFeatureIds(
  catalogue: Catalogue,
  version: number,
  names: readonly string[],
): Promise<Set<number>> {
  const stored = await readDescription(catalogue);
  if (stored === undefined || !isSame(stored, { version, names })) return new Set();
  const ids = new Set<number>();
  await catalogue.scan('SELECT id FROM features', chunk => {
    for (const id of numbers(chunk, 0)) ids.add(id);
  });
  return ids;
}

/** See `Dataset.writeFeatures`. */
export async function storeFeatures(
  catalogue: Catalogue,
  { id, names, values }: CellFeatures,
  version: number,
): Promise<void> {
  const stored = await readDescription(catalogue);
  await catalogue.transaction(async connection => {
    if (stored === undefined || !isSame(stored, { version, names }))
      await createTable(connection, { version, names });
    await connection.run('CREATE TEMP TABLE renewed (id INTEGER)');
    await appendRows(connection, 'renewed', id.length, (appender, i) => appender.appendInteger(id[i]!));
    await connection.run('DELETE FROM features WHERE id IN (SELECT id FROM renewed)');
    await connection.run('DROP TABLE renewed');
    await appendRows(connection, 'features', id.length, (appender, i) => {
      appender.appendInteger(id[i]!);
      for (let f = 0; f < names.length; f++) appender.appendFloat(values[i * names.length + f]!);
    });
  });
}

/** See `Dataset.features`. */
export async function readFeatures(catalogue: Catalogue): Promise<FeatureColumns | undefined> {
  const stored = await readDescription(catalogue);
  if (stored === undefined) return undefined;
  const names = [...stored.names];
  const [row] = await catalogue.select('SELECT count(*) AS n FROM features');
  const count = Number(row?.n);
  const id = new Int32Array(count);
  const columns = names.map(() => new Float32Array(count));
  let done = 0;
  await catalogue.scan(`SELECT id, ${names.map(quote).join(', ')} FROM features ORDER BY id`, chunk => {
    id.set(numbers(chunk, 0), done);
    for (const [f, column] of columns.entries()) column.set(numbers(chunk, f + 1), done);
    done += chunk.rowCount;
  });
  return { id, names, columns };
}

/** Cells asked for at once: what bounds the statement. */
const asked = 4096;

/** Of N cells the features of this version and these names that are in the catalogue; an id may stand twice. */
export async function readFeaturesOf(
  catalogue: Catalogue,
  ids: Int32Array,
  { version, names }: Description,
): Promise<KeptFeatures> {
  const kept = { there: new Uint8Array(ids.length), values: new Float32Array(ids.length * names.length) };
  const stored = await readDescription(catalogue);
  if (stored === undefined || !isSame(stored, { version, names })) return kept;
  const order = Int32Array.from(ids.keys()).sort((a, b) => ids[a]! - ids[b]!);
  for (let at = 0; at < order.length; at += asked)
    await readSome(catalogue, ids, order.subarray(at, at + asked), names, kept);
  return kept;
}

/** `positions` of `ids` ascend by id. */
async function readSome(
  catalogue: Catalogue,
  ids: Int32Array,
  positions: Int32Array,
  names: readonly string[],
  kept: KeptFeatures,
): Promise<void> {
  const own = positions.map(position => ids[position]!);
  const sql =
    `SELECT id, ${names.map(quote).join(', ')} FROM features ` +
    `WHERE id BETWEEN ${own[0]} AND ${own.at(-1)} AND id IN (${own.join(',')}) ORDER BY id`;
  let next = 0;
  await catalogue.scan(sql, chunk => {
    const columns = names.map((_, f) => numbers(chunk, f + 1));
    numbers(chunk, 0).forEach((id, row) => {
      while (own[next]! < id) next++;
      for (; own[next] === id; next++) {
        const position = positions[next]!;
        kept.there[position] = 1;
        for (const [f, column] of columns.entries()) kept.values[position * names.length + f] = column[row]!;
      }
    });
  });
}

/** See `Dataset.exportFeatures`. */
export async function copyFeatures(
  catalogue: Catalogue,
  classes: readonly string[],
  out: string,
  format: (typeof featureFileFormats)[number],
): Promise<void> {
  const stored = await readDescription(catalogue);
  if (stored === undefined)
    throw new BrightcellError('option-invalid', `${catalogue.path} must hold features. Measure them first.`);
  const list = `[${classes.map(name => `'${name.replaceAll("'", "''")}'`).join(', ')}]`;
  const columns = stored.names.map(name => `f.${quote(name)}`).join(', ');
  const query =
    `SELECT c.id, c.source, c.frame, ${list}[c.label + 1] AS class, c."group", c.split, c.verdict, ${columns} ` +
    'FROM cells c JOIN features f ON c.id = f.id ORDER BY c.id';
  const way = format === 'csv' ? 'FORMAT csv, HEADER' : 'FORMAT parquet, COMPRESSION zstd';
  await replaceWhole(out, temporary =>
    catalogue.transaction(async connection => {
      await connection.run(`COPY (${query}) TO '${temporary.replaceAll("'", "''")}' (${way})`);
    }),
  );
}

interface Description {
  version: number;
  names: readonly string[];
}

/** What the table was made for; undefined where there is none. */
async function readDescription(catalogue: Catalogue): Promise<Description | undefined> {
  const [row] = await catalogue.select("SELECT value FROM settings WHERE name = 'features'");
  return row === undefined ? undefined : JSON.parse(String(row.value));
}

function isSame(stored: Description, wanted: Description): boolean {
  return stored.version === wanted.version && stored.names.join() === wanted.names.join();
}

/** The empty table, in place of one for other definitions. */
async function createTable(connection: DuckDBConnection, description: Description): Promise<void> {
  const columns = description.names.map(name => `${quote(name)} FLOAT`);
  await connection.run(`CREATE OR REPLACE TABLE features (id INTEGER, ${columns.join(', ')})`);
  await connection.run("DELETE FROM settings WHERE name = 'features'");
  await connection.run("INSERT INTO settings VALUES ('features', $1, now()::TIMESTAMP)", [
    JSON.stringify(description),
  ]);
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
