import { mkdir, rm } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { DuckDBInstance } from '../dataset/duckdb.ts';
import { BrightcellError } from '../errors.ts';
import { asDiskFull, replaceWhole, writeWholeFile } from '../wholeFile.ts';
import { type Prediction, probabilityColumns } from './prediction.ts';

export const predictionFormats = ['csv', 'jsonl', 'parquet'] as const;
export type PredictionFormat = (typeof predictionFormats)[number];

/** The format asked for, or what the ending of `out` says. Throws `option-invalid`. */
export function chooseFormat(out: string | undefined, format: string | undefined): PredictionFormat {
  const word = format ?? (out === undefined ? 'csv' : extname(out).slice(1).toLowerCase());
  const found = predictionFormats.find(name => name === word);
  if (found) return found;
  throw new BrightcellError(
    'option-invalid',
    `format must be one of ${predictionFormats.join(', ')}. Received ${word || `none, and ${out} has no such ending`}.`,
  );
}

/** What the columns of a file are. */
export interface PredictionColumns {
  classes: readonly string[];
  /** Whether it was asked which images are of none of the classes. */
  unknown: boolean;
  /** Whether prediction sets were asked for. */
  sets: boolean;
}

type Add = (predictions: Prediction[]) => Promise<void>;

/** Writes what `work` adds to one file, in order, whole or not at all; memory does not grow with it. */
export async function withPredictionFile(
  out: string,
  format: PredictionFormat,
  columns: PredictionColumns,
  work: (add: Add) => Promise<void>,
): Promise<void> {
  await mkdir(dirname(out), { recursive: true });
  if (format === 'parquet') return writeParquet(out, columns, work);
  const line = format === 'csv' ? csvLine : jsonLine(columns.classes);
  await writeWholeFile(out, async file => {
    if (format === 'csv') {
      await file.appendFile(`${columnNames(columns).map(quote)}\n`);
    }
    await work(async predictions => file.appendFile(predictions.map(line).join('')));
  });
}

function columnNames({ classes, unknown, sets }: PredictionColumns): string[] {
  return [
    ...['source', 'frame', 'predicted'],
    ...(unknown ? ['unknown', 'unknown_score'] : []),
    ...(sets ? ['set'] : []),
    ...probabilityColumns(classes),
  ];
}

function csvLine({
  source,
  frame,
  className,
  probabilities,
  unknown,
  unknownScore,
  set,
}: Prediction): string {
  const doubts = [
    ...(unknownScore === undefined ? [] : [unknown, digits(unknownScore)]),
    ...(set ? [quote(set.join(setMark))] : []),
  ];
  return `${[quote(source), frame, quote(className), ...doubts, ...Array.from(probabilities, digits)].join(',')}\n`;
}

/** Between the classes of a set, in a column of its own. */
const setMark = '|';

function quote(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Nine digits give a float32 back exactly. */
function digits(probability: number): string {
  return probability.toPrecision(9);
}

function jsonLine(classes: readonly string[]): (prediction: Prediction) => string {
  return ({ source, frame, className, probabilities, unknown, unknownScore, set }) => {
    const byClass = Object.fromEntries(classes.map((name, k) => [name, Number(digits(probabilities[k]!))]));
    const doubts = { unknown, unknownScore, set }; // what was not asked is left out
    return `${JSON.stringify({ source, frame, predicted: className, ...doubts, probabilities: byClass })}\n`;
  };
}

/** Rows are gathered in a database file beside `out`, which spills what does not fit in memory. */
async function writeParquet(
  out: string,
  columns: PredictionColumns,
  work: (add: Add) => Promise<void>,
): Promise<void> {
  const gathered = join(dirname(out), `.${process.pid}-${basename(out)}.duckdb`);
  const removeGathered = async () => {
    for (const path of [gathered, `${gathered}.wal`, `${gathered}.tmp`]) {
      await rm(path, { recursive: true, force: true });
    }
  };
  await removeGathered();
  try {
    const instance = await DuckDBInstance.create(gathered);
    const connection = await instance.connect();
    try {
      await gather(connection, columns, work);
      await replaceWhole(out, async temporary => {
        const quoted = temporary.replaceAll("'", "''");
        await connection.run(`COPY predictions TO '${quoted}' (FORMAT parquet, COMPRESSION zstd)`);
      });
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
  } catch (error) {
    throw asDiskFull(error, out);
  } finally {
    await removeGathered();
  }
}

const columnTypes: Record<string, string> = {
  ...{ source: 'VARCHAR', frame: 'INTEGER', predicted: 'VARCHAR' },
  ...{ unknown: 'BOOLEAN', unknown_score: 'FLOAT', set: 'VARCHAR' },
};

async function gather(
  connection: DuckDBConnection,
  columns: PredictionColumns,
  work: (add: Add) => Promise<void>,
): Promise<void> {
  const types = columnNames(columns).map(
    name => `"${name.replaceAll('"', '""')}" ${columnTypes[name] ?? 'FLOAT'}`,
  );
  await connection.run(`CREATE TABLE predictions (${types.join(', ')})`);
  const appender = await connection.createAppender('predictions');
  await work(async predictions => {
    for (const { source, frame, className, probabilities, unknown, unknownScore, set } of predictions) {
      appender.appendVarchar(source);
      appender.appendInteger(frame);
      appender.appendVarchar(className);
      if (columns.unknown) {
        appender.appendBoolean(unknown!);
        appender.appendFloat(unknownScore!);
      }
      if (columns.sets) appender.appendVarchar(set!.join(setMark));
      for (const probability of probabilities) appender.appendFloat(probability);
      appender.endRow();
    }
    appender.flushSync();
  });
  appender.closeSync();
}
