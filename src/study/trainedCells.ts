import { Dataset } from '../dataset/dataset.ts';
import { splitParts } from './parts.ts';
import type { RunFolder } from './runFolder.ts';

/**
 * Counts the cells, given by the checksums of their pixels, whose very image the run was trained on; undefined
 * where that cannot be known, because the data set that it was trained on is gone or has changed.
 */
export async function countTrained(
  run: RunFolder,
  checksums: readonly number[],
): Promise<number | undefined> {
  let trained: Set<number>;
  try {
    const dataset = await Dataset.open(run.dataset, 'read');
    try {
      if ((await dataset.fingerprint()) !== run.fingerprint) return undefined;
      const table = await dataset.cells();
      const [part] = splitParts(table, run.fold, ['train']);
      trained = new Set(
        await readChecksums(
          dataset,
          part!.positions.map(i => table.id[i]!),
        ),
      );
    } finally {
      await dataset.close();
    }
  } catch {
    return undefined;
  }
  return checksums.filter(checksum => trained.has(checksum)).length;
}

/** CRC-32 of the pixels of these cells. */
export async function readChecksums(dataset: Dataset, ids: Int32Array): Promise<number[]> {
  const all = new Uint32Array(dataset.count);
  let row = 0;
  await dataset.scan('SELECT checksum FROM cells ORDER BY id', chunk => {
    for (const checksum of chunk.getColumnValues(0)) all[row++] = checksum as number;
  });
  return Array.from(ids, id => all[id]!);
}
