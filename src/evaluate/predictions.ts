import type { DuckDBConnection } from '@duckdb/node-api';
import { probabilityColumns } from '../classifiers/prediction.ts';
import { DuckDBInstance } from '../dataset/duckdb.ts';
import { BrightcellError } from '../errors.ts';
import { replaceWhole, writeWholeFile } from '../wholeFile.ts';
import { toCsv } from './csv.ts';
import { mostProbable } from './score.ts';

/** Classified cells with what is known of them, N of each. */
export interface PredictionTable {
  /** K names. */
  classes: readonly string[];
  /** Row of the data set. */
  id: Int32Array;
  /** Train, validation, test or all. */
  part: readonly string[];
  source: readonly string[];
  frame: Int32Array;
  group: readonly (string | null)[];
  /** N of [0, K). */
  labels: Int32Array;
  /** N x K row major. */
  probabilities: Float32Array;
}

const chunk = 8192;

/**
 * Writes a row a cell: id, part, source, frame, group, label and predicted class by name, and every class's
 * probability with the nine digits that give the float32 back. The file is whole or not there.
 */
export async function writePredictionsCsv(path: string, table: PredictionTable): Promise<void> {
  const predicted = mostProbable(table.probabilities, table.classes.length);
  await writeWholeFile(path, async file => {
    await file.appendFile(toCsv([columnNames(table.classes)]));
    for (let first = 0; first < table.id.length; first += chunk) {
      const rows = [];
      for (let cell = first; cell < Math.min(first + chunk, table.id.length); cell++) {
        rows.push([
          ...factsOf(table, predicted, cell),
          ...probabilitiesOf(table, cell).map(p => p.toPrecision(9)),
        ]);
      }
      await file.appendFile(toCsv(rows));
    }
  });
}

/** The same as a Parquet file, probabilities as float32. */
export async function writePredictionsParquet(path: string, table: PredictionTable): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    await fillTable(connection, table);
    await replaceWhole(path, async temporary => {
      const quoted = temporary.replaceAll("'", "''");
      await connection.run(`COPY predictions TO '${quoted}' (FORMAT parquet, COMPRESSION zstd)`);
    });
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/**
 * Reads what `writePredictionsParquet` wrote, in its order, for classes in the order in which it had them. Throws
 * `predictions-invalid` for a file that is missing, damaged or of other classes.
 */
export async function readPredictionsParquet(
  path: string,
  classes: readonly string[],
): Promise<PredictionTable> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    const names = ['id', 'part', 'source', 'frame', '"group"', 'label'];
    const columns = [...names, ...probabilityColumns(classes).map(name => `"${name.replaceAll('"', '""')}"`)];
    const quoted = path.replaceAll("'", "''");
    const result = await connection.runAndReadAll(
      `SELECT ${columns.join(', ')} FROM read_parquet('${quoted}', file_row_number = true) ORDER BY file_row_number`,
    );
    return fromColumns(result.getColumns(), classes);
  } catch (cause) {
    throw new BrightcellError(
      'predictions-invalid',
      `${path} must hold the predictions of ${classes.join(', ')}. ${(cause as Error).message} Classify or evaluate again.`,
      { cause, fields: { path } },
    );
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

function fromColumns(columns: readonly unknown[][], classes: readonly string[]): PredictionTable {
  const [id, part, source, frame, group, label, ...shares] = columns;
  const K = classes.length;
  const probabilities = new Float32Array(id!.length * K);
  shares.forEach((share, k) => {
    for (const [cell, value] of share.entries()) probabilities[cell * K + k] = value as number;
  });
  return {
    ...{ classes, probabilities, part: part as string[], source: source as string[] },
    id: Int32Array.from(id as number[]),
    frame: Int32Array.from(frame as number[]),
    group: group as (string | null)[],
    labels: Int32Array.from(label as string[], name => classes.indexOf(name)),
  };
}

type Facts = [
  id: number,
  part: string,
  source: string,
  frame: number,
  group: string | null,
  label: string,
  predicted: string,
];

const factTypes = ['INTEGER', 'VARCHAR', 'VARCHAR', 'INTEGER', 'VARCHAR', 'VARCHAR', 'VARCHAR'];

function factsOf(table: PredictionTable, predicted: Int32Array, cell: number): Facts {
  const name = (k: number) => table.classes[k]!;
  return [
    table.id[cell]!,
    table.part[cell]!,
    table.source[cell]!,
    table.frame[cell]!,
    table.group[cell] ?? null,
    name(table.labels[cell]!),
    name(predicted[cell]!),
  ];
}

function probabilitiesOf(table: PredictionTable, cell: number): number[] {
  const K = table.classes.length;
  return [...table.probabilities.subarray(cell * K, (cell + 1) * K)];
}

function columnNames(classes: readonly string[]): string[] {
  return ['id', 'part', 'source', 'frame', 'group', 'label', 'predicted', ...probabilityColumns(classes)];
}

async function fillTable(connection: DuckDBConnection, table: PredictionTable): Promise<void> {
  const types = [...factTypes, ...table.classes.map(() => 'FLOAT')];
  const columns = columnNames(table.classes).map((name, i) => `"${name.replaceAll('"', '""')}" ${types[i]}`);
  await connection.run(`CREATE TABLE predictions (${columns.join(', ')})`);
  const predicted = mostProbable(table.probabilities, table.classes.length);
  const appender = await connection.createAppender('predictions');
  for (let cell = 0; cell < table.id.length; cell++) {
    for (const [i, fact] of factsOf(table, predicted, cell).entries()) {
      if (fact === null) appender.appendNull();
      else if (factTypes[i] === 'INTEGER') appender.appendInteger(fact as number);
      else appender.appendVarchar(fact as string);
    }
    for (const probability of probabilitiesOf(table, cell)) appender.appendFloat(probability);
    appender.endRow();
    if (cell % chunk === chunk - 1) await new Promise(resolve => setImmediate(resolve)); // lets other work on
  }
  appender.closeSync();
}
