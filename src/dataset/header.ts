import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { BrightcellError } from '../errors.ts';
import { writeWholeFile } from '../wholeFile.ts';
import { cellsPerShard, type DatasetHeader, formatVersion } from './format.ts';

const positive = z.int().positive();

const headerSchema = z.object({
  formatVersion: z.literal(formatVersion),
  classes: z
    .array(z.string().min(1))
    .refine(names => new Set(names).size === names.length, 'class names must differ from each other'),
  channels: positive,
  height: positive,
  width: positive,
  pixelType: z.enum(['uint8', 'uint16']),
  cellsPerShard: positive.optional(),
  preparation: z.object({
    height: positive,
    width: positive,
    channels: z.union([z.literal('gray'), z.array(z.int().min(0)).min(1)]),
    fit: z.enum(['stretch', 'pad', 'centre']),
  }),
  provenance: z.object({
    createdBy: z.string(),
    createdAt: z.string(),
    source: z.string(),
    options: z.record(z.string(), z.unknown()),
  }),
});

/** Reads and checks `dataset.json`. Throws `dataset-missing`, `dataset-newer`, `dataset-corrupt`. */
export async function readHeader(dataset: string): Promise<DatasetHeader> {
  const path = headerPath(dataset);
  const text = await readFile(path, 'utf8').catch(cause => {
    throw new BrightcellError(
      'dataset-missing',
      `${dataset} must be a data set, but it has no readable dataset.json. ` +
        'Make one with "brightcell import SOURCE --out DATASET", or check the path.',
      { cause, fields: { path } },
    );
  });
  const json = parse(text, path);
  refuseNewer(json, path);
  const checked = headerSchema.safeParse(json);
  if (!checked.success) throw corrupt(path, z.prettifyError(checked.error));
  return withShardSize(checked.data);
}

/** Checks a new header and fills in what may be left out. Throws `option-invalid`. */
export function completeHeader(header: DatasetHeader): DatasetHeader {
  const checked = headerSchema.safeParse(header);
  if (!checked.success)
    throw new BrightcellError(
      'option-invalid',
      `The header of a data set must be valid. Received:\n${z.prettifyError(checked.error)}`,
    );
  const { preparation, height, width, channels } = checked.data;
  const kept = preparation.channels === 'gray' ? 1 : preparation.channels.length;
  if (preparation.height !== height || preparation.width !== width || kept !== channels)
    throw new BrightcellError(
      'option-invalid',
      `A data set must store what its preparation gives: ${kept} x ${preparation.height} x ${preparation.width}. ` +
        `Received ${channels} x ${height} x ${width}.`,
    );
  return withShardSize(checked.data);
}

/** Writes `dataset.json` whole or not at all. */
export async function writeHeader(dataset: string, header: DatasetHeader): Promise<void> {
  await writeWholeFile(headerPath(dataset), `${JSON.stringify(header, null, 2)}\n`);
}

export function headerPath(dataset: string): string {
  return join(dataset, 'dataset.json');
}

function withShardSize(header: DatasetHeader): DatasetHeader {
  return { ...header, cellsPerShard: cellsPerShard(header) };
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw corrupt(path, (cause as Error).message, cause);
  }
}

function refuseNewer(json: unknown, path: string): void {
  const version = (json as { formatVersion?: unknown } | null)?.formatVersion;
  if (typeof version !== 'number' || version <= formatVersion) return;
  throw new BrightcellError(
    'dataset-newer',
    `${path} must have format version ${formatVersion} or less. Received ${version}. Update brightcell to read it.`,
    { fields: { path, version } },
  );
}

function corrupt(path: string, what: string, cause?: unknown): BrightcellError {
  return new BrightcellError(
    'dataset-corrupt',
    `${path} must be the JSON description of a data set. ${what}. Restore the file from a copy.`,
    { cause, fields: { path } },
  );
}
