import { mkdir, rm } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
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

type Add = (predictions: Prediction[]) => Promise<void>;

/** Writes what `work` adds to one file, in order, whole or not at all; memory does not grow with it. */
export async function withPredictionFile(
  out: string,
  format: PredictionFormat,
  classes: readonly string[],
  work: (add: Add) => Promise<void>,
): Promise<void> {
  await mkdir(dirname(out), { recursive: true });
  if (format === 'parquet') return writeParquet(out, classes, work);
  const line = format === 'csv' ? csvLine : jsonLine(classes);
  await writeWholeFile(out, async file => {
    if (format === 'csv') {
      await file.appendFile(
        `${['source', 'frame', 'predicted', ...probabilityColumns(classes)].map(quote)}\n`,
      );
    }
    await work(async predictions => file.appendFile(predictions.map(line).join('')));
  });
}

function csvLine({ source, frame, className, probabilities }: Prediction): string {
  return `${quote(source)},${frame},${quote(className)},${Array.from(probabilities, digits).join(',')}\n`;
}

function quote(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Nine digits give a float32 back exactly. */
function digits(probability: number): string {
  return probability.toPrecision(9);
}

function jsonLine(classes: readonly string[]): (prediction: Prediction) => string {
  return ({ source, frame, className, probabilities }) => {
    const byClass = Object.fromEntries(classes.map((name, k) => [name, Number(digits(probabilities[k]!))]));
    return `${JSON.stringify({ source, frame, predicted: className, probabilities: byClass })}\n`;
  };
}

/** Rows are gathered in a database file beside `out`, which spills what does not fit in memory. */
async function writeParquet(
  out: string,
  classes: readonly string[],
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
      await gather(connection, classes, work);
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

async function gather(
  connection: DuckDBConnection,
  classes: readonly string[],
  work: (add: Add) => Promise<void>,
): Promise<void> {
  const columns = probabilityColumns(classes).map(name => `"${name.replaceAll('"', '""')}" FLOAT`);
  await connection.run(
    `CREATE TABLE predictions (source VARCHAR, frame INTEGER, predicted VARCHAR, ${columns.join(', ')})`,
  );
  const appender = await connection.createAppender('predictions');
  await work(async predictions => {
    for (const { source, frame, className, probabilities } of predictions) {
      appender.appendVarchar(source);
      appender.appendInteger(frame);
      appender.appendVarchar(className);
      for (const probability of probabilities) appender.appendFloat(probability);
      appender.endRow();
    }
    appender.flushSync();
  });
  appender.closeSync();
}
