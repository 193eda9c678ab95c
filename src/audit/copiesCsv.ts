import type { Dataset } from '../dataset/dataset.ts';
import { type CellTable, splitNames } from '../dataset/format.ts';
import { toCsv } from '../evaluate/csv.ts';
import type { Copies, CopyPair } from './copies.ts';
import { kindOf } from './copySheet.ts';
import type { Places } from './places.ts';

/** One row a cell that has copies: `id` and `copies`, the number of its group, come first; then what is known of it. */
export function copiesCsv(
  { header: { classes } }: Dataset,
  table: CellTable,
  places: Places,
  { groups, pairs }: Copies,
): string {
  const best = new Map<number, CopyPair>();
  for (const pair of pairs)
    for (const i of [pair.a, pair.b]) {
      const before = best.get(i);
      if (!before || pair.correlation > before.correlation) best.set(i, pair);
    }
  const header = ['id', 'copies', 'source', 'frame', 'class', 'group', 'split', 'nearest', 'kind'];
  const measured = ['correlation', 'detail', 'degrees', 'mirrored', 'shift', 'scale', 'sieve'];
  const rows = groups.flatMap((group, g) =>
    group.map(i => {
      const pair = best.get(i)!;
      return [
        ...[table.id[i]!, g, places.source[i]!, places.frame[i]!, classes[table.label[i]!]!],
        ...[table.group[i] ?? null, splitNames[table.split[i]!] ?? null],
        ...[table.id[pair.a === i ? pair.b : pair.a]!, kindOf(pair), rounded(pair.correlation)],
        ...[rounded(pair.detail), rounded(pair.degrees), pair.mirrored ? 1 : 0, rounded(pair.shift)],
        ...[rounded(pair.scale), pair.sieve],
      ];
    }),
  );
  return toCsv([[...header, ...measured], ...rows]);
}

function rounded(value: number): number {
  return Number(value.toPrecision(5));
}
