// N cells.
import type { Dataset } from '../dataset/dataset.ts';
import type { CellTable } from '../dataset/format.ts';

/** Where the images of a table's cells came from, in its order. */
export interface Places {
  source: string[];
  frame: Int32Array;
}

/** Source and frame of each cell of a table. */
export async function readPlaces(dataset: Dataset, table: CellTable): Promise<Places> {
  const at = new Int32Array(dataset.count).fill(-1);
  for (const [i, id] of table.id.entries()) at[id] = i;
  const places: Places = { source: new Array(table.count).fill(''), frame: new Int32Array(table.count) };
  await dataset.scan('SELECT id, source, frame FROM cells ORDER BY id', chunk => {
    const [ids, sources, frames] = [0, 1, 2].map(column => chunk.getColumnValues(column));
    for (const [row, id] of ids!.entries()) {
      const i = at[Number(id)]!;
      if (i < 0) continue;
      places.source[i] = String(sources![row]);
      places.frame[i] = Number(frames![row]);
    }
  });
  return places;
}

/** A recording and the number of an image in it. */
export interface RecordedFrame {
  recording: string;
  number: number;
}

/**
 * The recording that an image belongs to: the file, where it holds several; otherwise the name up to the last number in it,
 * which counts the images. Undefined for a name without a number.
 */
export function maybeFrameOf(
  source: string,
  frame: number,
  holdsSeveral: boolean,
): RecordedFrame | undefined {
  if (holdsSeveral) return { recording: source, number: frame };
  const found = /^(.*?)(\d{1,9})(\D*)$/.exec(source);
  return found ? { recording: `${found[1]}#${found[3]}`, number: Number(found[2]) } : undefined;
}
