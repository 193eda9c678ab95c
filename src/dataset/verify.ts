import { createHash } from 'node:crypto';
import type { ImageSet } from '../engine/imageSet.ts';
import { BrightcellError } from '../errors.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import type { Catalogue } from './catalogue.ts';
import { numbers } from './cells.ts';
import { bytesPerCell, type DatasetHeader } from './format.ts';
import type { Shards } from './shards.ts';

/** A cell whose stored pixels are not those that were written. */
export interface DamagedCell {
  id: number;
  /** File that is damaged, and the row in it. */
  shard: string;
  row: number;
  /** Where the image came from, to import it again. */
  source: string;
}

/** See `Dataset.verify`. */
export async function verifyCells(
  catalogue: Catalogue,
  shards: Shards,
  header: DatasetHeader,
  images: ImageSet,
  job: Job,
): Promise<DamagedCell[]> {
  const expected = new Uint32Array(images.count);
  let read = 0;
  await catalogue.scan('SELECT checksum FROM cells ORDER BY id', chunk => {
    expected.set(numbers(chunk, 0), read);
    read += chunk.rowCount;
  });
  const damaged: { id: number; shard: string; row: number }[] = [];
  const perCall = Math.max(1, Math.floor(64e6 / bytesPerCell(header)));
  for (let first = 0; first < images.count; first += perCall) {
    if (first > 0) throwIfCancelled(job); // what is small is checked whole: who asked stops at a place of his own
    job.onProgress?.({ stage: 'verifying', done: first, total: images.count, unit: 'images' });
    const stored = await images.checksums(first, Math.min(perCall, images.count - first));
    for (const [i, checksum] of stored.entries()) {
      if (checksum === expected[first + i]) continue;
      const { shard, row } = shards.place(first + i);
      damaged.push({ id: first + i, shard: shards.path(shard), row });
    }
  }
  return withSources(catalogue, damaged);
}

/** What to say of damaged cells, and what to do about them. */
export function damageError(path: string, damaged: DamagedCell[]): BrightcellError {
  const [first] = damaged;
  const others = damaged.length > 1 ? ` and ${damaged.length - 1} more` : '';
  return new BrightcellError(
    'dataset-corrupt',
    `The stored pixels of ${path} must be those that were written. Those of image ${first!.id} (${first!.source}, ` +
      `row ${first!.row} of ${first!.shard})${others} have changed: the disk or a copy is at fault. ` +
      'Copy the data set from where it is whole, or import again into a new folder.',
    { fields: { path, damaged: damaged.length } },
  );
}

async function withSources(
  catalogue: Catalogue,
  damaged: { id: number; shard: string; row: number }[],
): Promise<DamagedCell[]> {
  if (damaged.length === 0) return [];
  const byId = new Map(damaged.map(cell => [cell.id, { ...cell, source: '' }]));
  await catalogue.scan('SELECT id, source FROM cells', chunk => {
    const ids = numbers(chunk, 0);
    const sources = chunk.getColumnVector(1);
    for (let i = 0; i < ids.length; i++) {
      const cell = byId.get(ids[i]!);
      if (cell !== undefined) cell.source = String(sources.getItem(i));
    }
  });
  return [...byId.values()];
}

/** See `Dataset.fingerprint`. */
export async function fingerprintCells(catalogue: Catalogue, header: DatasetHeader): Promise<string> {
  const { classes, channels, height, width, pixelType, preparation } = header;
  const { fit, channels: kept } = preparation;
  const hash = createHash('sha256');
  hash.update(JSON.stringify([classes, channels, height, width, pixelType, fit, kept]));
  await catalogue.scan(
    "SELECT concat_ws(',', id, label, coalesce(split, ''), coalesce(fold, -1), " +
      "CASE verdict WHEN 'rejected' THEN 1 ELSE 0 END, checksum) FROM cells ORDER BY id",
    chunk => {
      hash.update(`${chunk.getColumnValues(0).join('\n')}\n`);
    },
  );
  return hash.digest('hex');
}
