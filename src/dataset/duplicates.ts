import type { Dataset } from './dataset.ts';

/** Cells with exactly the same stored pixels. */
export interface Duplicates {
  /** Ids of each set of two or more equal images, in order. */
  sets: number[][];
}

/** Finds equal images among the labelled cells that are not rejected: by checksum, then byte by byte. */
export async function findDuplicates(dataset: Dataset): Promise<Duplicates> {
  const candidates = new Map<number, number[]>();
  await dataset.scan(
    `WITH chosen AS (SELECT id, checksum FROM cells WHERE label >= 0 AND verdict IS DISTINCT FROM 'rejected')
     SELECT id, checksum FROM chosen
     WHERE checksum IN (SELECT checksum FROM chosen GROUP BY checksum HAVING count(*) > 1) ORDER BY id`,
    chunk => {
      const ids = chunk.getColumnValues(0) as number[];
      const checksums = chunk.getColumnValues(1) as number[];
      ids.forEach((id, i) => {
        const same = candidates.get(checksums[i]!);
        if (same === undefined) candidates.set(checksums[i]!, [id]);
        else same.push(id);
      });
    },
  );
  const sets: number[][] = [];
  for (const ids of candidates.values()) sets.push(...equalSets(dataset, ids));
  return { sets: sets.filter(set => set.length > 1) };
}

/** Ids of one checksum, parted by their bytes: different images may have the same checksum. */
function equalSets(dataset: Dataset, ids: number[]): number[][] {
  const images = dataset.images();
  const sets: { first: Buffer; ids: number[] }[] = [];
  for (const id of ids) {
    const pixels = images.read(id);
    const bytes = Buffer.from(pixels.buffer, pixels.byteOffset, pixels.byteLength);
    const set = sets.find(({ first }) => first.equals(bytes));
    if (set === undefined) sets.push({ first: bytes, ids: [id] });
    else set.ids.push(id);
  }
  return sets.map(set => set.ids);
}
