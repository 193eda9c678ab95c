import { open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { DuckDBInstance } from '../dataset/duckdb.ts';
import { createListing } from './listing.ts';
import type { ImportOptions } from './options.ts';
import { fileIn, groupBy, invalidSource, maybeSplit, type Source } from './source.ts';

/**
 * A CSV file with a header: path (relative to the file), label, and where there are such columns group, split and
 * truth. Separated by commas, semicolons or tabs, whichever the header has most of; UTF-8. An empty label is
 * unlabelled. A folder is read by its `cells.csv`.
 */
export async function readCsv(source: string, options: ImportOptions): Promise<Source> {
  const file = await fileIn(source, 'cells.csv');
  const { header, rows } = await readTable(file);
  const columns = findColumns(header, options, file);
  const groupOf = groupBy(options.groupFrom === undefined ? undefined : new RegExp(options.groupFrom, 'u'));
  const listing = createListing(dirname(resolve(file)));
  for (const [index, row] of rows.entries()) {
    const at = (column: number | undefined) => (column === undefined ? null : row[column]?.trim() || null);
    const path = at(columns.path);
    const word = at(columns.split);
    const split = word === null ? null : maybeSplit(word);
    if (path === null) listing.fail(`line ${index + 2} of the CSV`, 'the row has no path');
    else if (split === undefined) listing.fail(path, `split "${word}" is none of train, validation, test`);
    else {
      const group = at(columns.group) ?? groupOf(path);
      const label = at(columns.label)?.normalize('NFC') ?? null;
      listing.add({ path, label, group, split, truth: at(columns.truth) });
    }
  }
  if (rows.length === 0) throw invalidSource(`${file} must list images, but has no row below its header.`);
  const description = `CSV list with the columns ${Object.values(columns)
    .map(column => header[column!])
    .join(', ')}`;
  return listing.finish({ description });
}

type Columns = { path: number; label: number; group?: number; split?: number; truth?: number };

function findColumns(header: string[], options: ImportOptions, file: string): Columns {
  const names = header.map(name => name.trim().toLowerCase());
  const find = (what: string, asked: string | undefined, required: boolean) => {
    const at = names.indexOf((asked ?? what).toLowerCase());
    if (at >= 0) return at;
    if (asked === undefined && !required) return undefined;
    throw invalidSource(
      `${file} must have a column "${asked ?? what}" that gives each image's ${what}. ` +
        `Received the columns ${header.join(', ')}. Name the right one with --${what}-column.`,
    );
  };
  const columns: Columns = {
    path: find('path', options.pathColumn, true)!,
    label: find('label', options.labelColumn, true)!,
  };
  for (const what of ['group', 'split', 'truth'] as const) {
    const at = find(what, options[`${what}Column`], false);
    if (at !== undefined) columns[what] = at;
  }
  return columns;
}

/** DuckDB reads the rows: quoting, line ends, byte order mark and a gigabyte are its business. */
async function readTable(file: string): Promise<{ header: string[]; rows: (string | null)[][] }> {
  const delimiter = await findDelimiter(file);
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    const reader = await connection.runAndReadAll(
      `SELECT * FROM read_csv($1, delim = '${delimiter}', quote = '"', escape = '"', header = false, ` +
        'all_varchar = true, null_padding = true, parallel = false)',
      [file],
    );
    const [header, ...rows] = reader.getRows() as (string | null)[][];
    return { header: (header ?? []).map(name => name ?? ''), rows };
  } catch (cause) {
    const message = (cause as Error).message.split('\n').slice(0, 3).join(' ');
    throw invalidSource(`${file} must be a CSV file in UTF-8. ${message}`, cause);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

async function findDelimiter(file: string): Promise<string> {
  const handle = await open(file, 'r').catch(cause => {
    throw invalidSource(`${file} must be readable. ${cause.message}`, cause);
  });
  const bytes = Buffer.alloc(4096);
  const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0).finally(() => handle.close());
  const line = bytes.toString('utf8', 0, bytesRead).split(/\r?\n/)[0]!;
  if (line.trim() === '')
    throw invalidSource(`${file} must begin with a header such as "path,label", but is empty.`);
  const count = (delimiter: string) => line.split(delimiter).length;
  return [',', ';', '\t'].reduce((best, next) => (count(next) > count(best) ? next : best));
}
