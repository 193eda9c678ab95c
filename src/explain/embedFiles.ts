// N cells, L layers.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBAppender } from '@duckdb/node-api';
import { DuckDBInstance } from '../dataset/duckdb.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { asDiskFull, replaceWhole } from '../wholeFile.ts';
import type { EmbeddedLayer, Embedding } from './embed.ts';

/** What a command reports of an embedding: all but the points. */
export interface EmbedReport extends Omit<Embedding, 'cells' | 'layers'> {
  model: string;
  dataset: string;
  cells: number;
  layers: Omit<EmbeddedLayer, 'coordinates'>[];
  out: string;
  files: string[];
  seconds: number;
}

/** `embed.json`: the report without files and time. Coordinates are in `coordinates.parquet`. */
export function embedJson({ files: _files, seconds: _seconds, ...report }: EmbedReport): string {
  return `${JSON.stringify({ ...report, coordinates: ['coordinates.parquet', 'coordinates.csv'] }, null, 2)}\n`;
}

/** A layer as a row of `layers.csv`. */
export function layerRows({ layers }: Pick<EmbedReport, 'layers'>): (string | number | null)[][] {
  const head = ['layer', 'shape', 'components', 'variance_kept', 'probe_accuracy', 'probe_balanced_accuracy'];
  return [
    [...head, 'silhouette', 'trustworthiness', 'divergence'],
    ...layers.map(one => [
      ...[one.name, one.shape.join(' x '), one.components, one.varianceKept],
      ...[one.probe?.accuracy ?? null, one.probe?.balancedAccuracy ?? null],
      ...[one.silhouette, one.trustworthiness, one.divergence],
    ]),
  ];
}

/**
 * Writes the points as `coordinates.parquet` and `coordinates.csv`, a row a layer and cell: layer, id, source, class,
 * predicted, group, split, x, y. Rows are gathered in a database file, which spills what does not fit in memory. Throws
 * `disk-full`, `cancelled`.
 */
export async function writeCoordinates(out: string, embedding: Embedding, job: Job): Promise<void> {
  const gathered = join(out, `.${process.pid}-coordinates.duckdb`);
  const paths = [join(out, 'coordinates.parquet'), join(out, 'coordinates.csv')];
  try {
    const instance = await DuckDBInstance.create(gathered);
    const connection = await instance.connect();
    try {
      await connection.run(
        'CREATE TABLE points (layer VARCHAR, id INTEGER, source VARCHAR, class VARCHAR, predicted VARCHAR, ' +
          '"group" VARCHAR, split VARCHAR, x FLOAT, y FLOAT)',
      );
      const appender = await connection.createAppender('points');
      for (const layer of embedding.layers) appendLayer(appender, embedding, layer, job);
      appender.closeSync();
      for (const [i, way] of ['FORMAT parquet, COMPRESSION zstd', 'FORMAT csv, HEADER'].entries())
        await replaceWhole(paths[i]!, async temporary => {
          await connection.run(`COPY points TO '${temporary.replaceAll("'", "''")}' (${way})`);
        });
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
  } catch (error) {
    throw asDiskFull(error, out);
  } finally {
    for (const path of [gathered, `${gathered}.wal`, `${gathered}.tmp`])
      await rm(path, { recursive: true, force: true });
  }
}

const rowsAtOnce = 2048;

function appendLayer(
  appender: DuckDBAppender,
  { cells, classes }: Embedding,
  { name, coordinates }: EmbeddedLayer,
  job: Job,
): void {
  const word = (text: string | null | undefined) =>
    text === null || text === undefined ? appender.appendNull() : appender.appendVarchar(text);
  for (let i = 0; i < cells.id.length; i++) {
    appender.appendVarchar(name);
    appender.appendInteger(cells.id[i]!);
    word(cells.source[i]);
    word(classes[cells.label[i]!]);
    word(classes[cells.predicted[i]!]);
    word(cells.group[i]);
    word(cells.split[i]);
    appender.appendFloat(coordinates[2 * i]!);
    appender.appendFloat(coordinates[2 * i + 1]!);
    appender.endRow();
    if (i % rowsAtOnce !== rowsAtOnce - 1) continue;
    appender.flushSync();
    throwIfCancelled(job);
  }
  appender.flushSync();
}
