import { existsSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBAppender, DuckDBConnection, DuckDBDataChunk, DuckDBValue } from '@duckdb/node-api';
import { qualityFeatures } from '../engine/prepare.ts';
import { BrightcellError } from '../errors.ts';
import { asDiskFull } from '../wholeFile.ts';
import { DuckDBInstance } from './duckdb.ts';

/**
 * `catalogue.duckdb`: one row a cell in the table `cells`, and what made splits and verdicts in `settings`.
 * DuckDB's lock on the file keeps other processes out and goes with the process that holds it; within one
 * process, where that lock does not act, `held` keeps the same rule and shares one instance between readers.
 */
export class Catalogue {
  readonly path: string;
  readonly writable: boolean;
  #instance: DuckDBInstance;
  #holder: string;
  /** Writes run one after another. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(path: string, writable: boolean, instance: DuckDBInstance, holder: string) {
    this.path = path;
    this.writable = writable;
    this.#instance = instance;
    this.#holder = holder;
  }

  /** Throws `dataset-locked`, `dataset-corrupt`. With `create`, makes the tables. */
  static async open(dataset: string, mode: 'create' | 'read' | 'write'): Promise<Catalogue> {
    const path = join(dataset, 'catalogue.duckdb');
    const holder = await realpath(dataset);
    if (mode !== 'create' && !existsSync(path)) throw corrupt(path, 'It is missing.');
    const writable = mode !== 'read';
    const instance = await hold(holder, path, writable);
    const catalogue = new Catalogue(path, writable, instance, holder);
    try {
      if (mode === 'create') await catalogue.transaction(connection => createTables(connection));
      else await catalogue.#checkTables();
    } catch (error) {
      await catalogue.close();
      throw error;
    }
    return catalogue;
  }

  async #checkTables(): Promise<void> {
    const sql = "SELECT column_name FROM duckdb_columns() WHERE table_name = 'cells' ORDER BY column_index";
    const found = (await this.select(sql)).map(row => String(row.column_name)).join(', ');
    const expected = cellColumns()
      .map(([name]) => name)
      .join(', ');
    if (found !== expected)
      throw corrupt(this.path, `Its table "cells" has the columns [${found}] instead of [${expected}].`);
  }

  /** Rows of a read-only statement as objects. */
  async select(sql: string, parameters: unknown[] = []): Promise<Record<string, unknown>[]> {
    const rows: Record<string, unknown>[] = [];
    await this.#readOnly(async connection => {
      const statements = await connection.extractStatements(sql);
      if (statements.count !== 1)
        throw new BrightcellError('option-invalid', `A query must be one SQL statement. Received: ${sql}`);
      const reader = await connection.runAndReadAll(sql, parameters as DuckDBValue[]);
      for (const row of reader.getRowObjectsJS()) rows.push(withNumbers(row));
    });
    return rows;
  }

  /** Calls `visit` with chunks of about 2,000 rows of a read-only statement, in order. */
  async scan(sql: string, visit: (chunk: DuckDBDataChunk) => void): Promise<void> {
    await this.#readOnly(async connection => {
      const result = await connection.stream(sql);
      for (
        let chunk = await result.fetchChunk();
        chunk && chunk.rowCount > 0;
        chunk = await result.fetchChunk()
      )
        visit(chunk);
    });
  }

  async #readOnly(read: (connection: DuckDBConnection) => Promise<void>): Promise<void> {
    const connection = await this.#instance.connect();
    try {
      await connection.run('BEGIN TRANSACTION READ ONLY');
      await read(connection);
    } finally {
      connection.closeSync();
    }
  }

  /** Runs `write` in one transaction, after earlier ones; when the promise resolves it is on disk. */
  transaction(write: (connection: DuckDBConnection) => Promise<void>): Promise<void> {
    const next = this.#last.then(() => this.#transaction(write));
    this.#last = next.catch(() => {});
    return next;
  }

  async #transaction(write: (connection: DuckDBConnection) => Promise<void>): Promise<void> {
    const connection = await this.#instance.connect();
    try {
      await connection.run('BEGIN TRANSACTION');
      await write(connection);
      await connection.run('COMMIT');
    } catch (error) {
      await connection.run('ROLLBACK').catch(() => {});
      throw asDiskFull(error, this.path);
    } finally {
      connection.closeSync();
    }
  }

  async close(): Promise<void> {
    await this.#last;
    if (this.writable) await this.#checkpoint();
    await release(this.#holder);
  }

  /** Only saves the next start some time: without it the log beside the file holds what is committed. */
  async #checkpoint(): Promise<void> {
    const connection = await this.#instance.connect();
    await connection.run('CHECKPOINT').catch(() => {});
    connection.closeSync();
  }
}

/** Columns of the table `cells`, in order, and their SQL types. */
export function cellColumns(): [name: string, type: string][] {
  return [
    ['id', 'INTEGER'],
    ['shard', 'INTEGER'],
    ['row', 'INTEGER'],
    ['label', 'INTEGER'],
    ['group', 'VARCHAR'],
    ['source', 'VARCHAR'],
    ['frame', 'INTEGER'],
    ['raw_height', 'INTEGER'],
    ['raw_width', 'INTEGER'],
    ['checksum', 'UINTEGER'],
    ['truth', 'VARCHAR'],
    ['imported_split', 'VARCHAR'],
    ['verdict', 'VARCHAR'],
    ['reason', 'VARCHAR'],
    ['verdict_by', 'VARCHAR'],
    ['split', 'VARCHAR'],
    ['fold', 'SMALLINT'],
    ...qualityFeatures.map(name => [name, 'FLOAT'] as [string, string]),
  ];
}

async function createTables(connection: DuckDBConnection): Promise<void> {
  const columns = cellColumns().map(([name, type]) => `"${name}" ${type}`);
  await connection.run(`CREATE TABLE IF NOT EXISTS cells (${columns.join(', ')})`);
  await connection.run(
    'CREATE TABLE IF NOT EXISTS settings (name VARCHAR, value VARCHAR, written_at TIMESTAMP)',
  );
}

/** Fills an appender's rows without holding the event loop for long. */
export async function appendRows(
  connection: DuckDBConnection,
  table: string,
  count: number,
  appendRow: (appender: DuckDBAppender, index: number) => void,
): Promise<void> {
  const appender = await connection.createAppender(table);
  for (let i = 0; i < count; i++) {
    appendRow(appender, i);
    appender.endRow();
    if (i % 20_000 === 19_999) await new Promise(resolve => setImmediate(resolve));
  }
  appender.closeSync();
}

export function appendText(appender: DuckDBAppender, text: string | null | undefined): void {
  if (text === null || text === undefined) appender.appendNull();
  else appender.appendVarchar(text);
}

interface Hold {
  instance: DuckDBInstance;
  writable: boolean;
  users: number;
}

/** Catalogues that this process has open, by the real path of the data set. */
const held = new Map<string, Promise<Hold>>();

async function hold(holder: string, path: string, writable: boolean): Promise<DuckDBInstance> {
  const other = held.get(holder);
  if (other === undefined) {
    const opening = openInstance(path, writable);
    held.set(holder, opening);
    opening.catch(() => held.delete(holder));
    return (await opening).instance;
  }
  const shared = await other;
  // Closed or failed while we waited for it: start again.
  if (held.get(holder) !== other) return hold(holder, path, writable);
  if (writable || shared.writable) throw locked(path, 'this process itself');
  shared.users++;
  return shared.instance;
}

async function release(holder: string): Promise<void> {
  const shared = await held.get(holder);
  if (shared === undefined || --shared.users > 0) return;
  shared.instance.closeSync();
  held.delete(holder);
}

async function openInstance(path: string, writable: boolean): Promise<Hold> {
  try {
    const access_mode = writable ? 'READ_WRITE' : 'READ_ONLY';
    return { instance: await DuckDBInstance.create(path, { access_mode }), writable, users: 1 };
  } catch (cause) {
    const message = (cause as Error).message;
    const pid = /PID (\d+)/.exec(message)?.[1];
    if (/could not set lock/i.test(message))
      throw locked(path, pid ? `process ${pid}` : 'another process', cause);
    if (asDiskFull(cause, path) !== cause) throw asDiskFull(cause, path);
    throw corrupt(path, message, cause);
  }
}

function locked(path: string, by: string, cause?: unknown): BrightcellError {
  return new BrightcellError(
    'dataset-locked',
    `A data set must have no other user while one writes to it, but ${path} is in use by ${by}. ` +
      'Wait until that ends, or stop it. No lock is left behind by a process that was killed.',
    { cause, fields: { path } },
  );
}

function corrupt(path: string, what: string, cause?: unknown): BrightcellError {
  return new BrightcellError(
    'dataset-corrupt',
    `${path} must be the catalogue of a data set. ${what} Restore the file from a copy, or import again into a new data set.`,
    { cause, fields: { path } },
  );
}

/** Counts come as BigInt; as numbers they are easier to use and exact up to 2^53. */
function withNumbers(row: Record<string, unknown>): Record<string, unknown> {
  for (const [name, value] of Object.entries(row)) {
    if (typeof value === 'bigint' && Number.isSafeInteger(Number(value))) row[name] = Number(value);
  }
  return row;
}
