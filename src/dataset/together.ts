import { readFile } from 'node:fs/promises';
import { BrightcellError } from '../errors.ts';

/**
 * Ids of each group of a CSV whose first columns are `id` and `copies`, the number of its group. Throws `option-invalid` for
 * a file that cannot be read or is another.
 */
export async function readTogether(path: string): Promise<number[][]> {
  const text = await readFile(path, 'utf8').catch(cause => {
    throw invalid(path, `cannot be read: ${(cause as Error).message}`);
  });
  const [header = '', ...lines] = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  if (!/^id,copies(,|$)/.test(header))
    throw invalid(path, `begins with ${JSON.stringify(header.slice(0, 60))}`);
  const groups = new Map<string, number[]>();
  for (const [i, line] of lines.entries()) {
    if (line === '') continue;
    const found = /^(\d{1,9}),(\d{1,9})(,|$)/.exec(line);
    if (!found) throw invalid(path, `has in line ${i + 2} ${JSON.stringify(line.slice(0, 60))}`);
    const own = groups.get(found[2]!);
    if (own) own.push(Number(found[1]));
    else groups.set(found[2]!, [Number(found[1])]);
  }
  return [...groups.values()];
}

/** Sets of ids, those that share one made one; each ascending, in order of their first. */
export function joinSets(...lists: number[][][]): number[][] {
  const joined = new Map<number, Set<number>>();
  for (const set of lists.flat()) {
    const own = new Set(set);
    for (const id of set) for (const other of joined.get(id) ?? []) own.add(other);
    for (const id of own) joined.set(id, own);
  }
  return [...new Set(joined.values())]
    .map(set => [...set].sort((a, b) => a - b))
    .sort((a, b) => a[0]! - b[0]!);
}

function invalid(path: string, received: string): BrightcellError {
  return new BrightcellError(
    'option-invalid',
    `together must be a CSV whose first columns are id and copies, such as leak.csv of an audit. ${path} ${received}.`,
    { fields: { path } },
  );
}
