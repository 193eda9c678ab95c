import type { Dataset } from '../dataset/dataset.ts';
import { type CellTable, splitNames } from '../dataset/format.ts';
import type { Job } from '../job.ts';
import type { SieveName } from './candidates.ts';
import { type CopyPair, findCopies } from './copies.ts';
import { copiesCsv } from './copiesCsv.ts';
import { describePairs, drawPairs } from './copySheet.ts';
import { compareFrames } from './frames.ts';
import type { LeakFindings } from './leakFindings.ts';
import { leakVerdict } from './leakVerdict.ts';
import type { AuditPart, PartOptions, PartReport } from './part.ts';
import { readPlaces } from './places.ts';

/**
 * Whether images of one cell stand more than once in the data set, on two sides of the split or under two labels: exact
 * copies, copies turned, mirrored, shifted, noisy, overlapping crops, and consecutive frames of one recording.
 */
export const leak: AuditPart = {
  name: 'leak',
  about: 'does one cell stand in the data set more than once, on two sides of the split?',
  needsRun: false,
  look: lookForLeaks,
};

async function lookForLeaks(dataset: Dataset, { seed, run }: PartOptions, job: Job): Promise<PartReport> {
  const table = withFold(await dataset.cells(), run?.fold ?? null);
  const places = await readPlaces(dataset, table);
  const copies = await findCopies(dataset, table, seed, job, run?.classifier);
  const frames = await compareFrames(dataset.images(), table, places, seed, job);
  const { pairs, groups } = copies;
  const sidesOf = (group: number[]) => new Set(group.map(i => table.split[i]!).filter(side => side >= 0));
  const labelsOf = (group: number[]) => new Set(group.map(i => table.label[i]!));
  const crossing = groups.filter(group => sidesOf(group).size > 1);
  const conflicting = groups.filter(group => labelsOf(group).size > 1);
  const findings: LeakFindings = {
    cells: table.count,
    compared: copies.compared,
    isSplit: table.split.some(side => side >= 0),
    pairs: pairs.length,
    exactPairs: pairs.filter(pair => pair.exact).length,
    groups: groups.length,
    cellsInGroups: groups.reduce((sum, group) => sum + group.length, 0),
    largestGroup: groups.reduce((most, group) => Math.max(most, group.length), 0),
    crossingGroups: crossing.length,
    heldOutWithCopies: countHeldOut(table, crossing),
    conflictingGroups: conflicting.length,
    kinds: describePairs(pairs),
    sieves: countSieves(pairs),
    recall: copies.recall,
    frames,
    examples: pairs
      .slice(0, 1000)
      .map(({ a, b, ...rest }) => ({ a: table.id[a]!, b: table.id[b]!, ...rest })),
  };
  const { verdict, warning } = leakVerdict(findings);
  const sheet = await drawPairs({ table, places, pairs, crossing, conflicting }, dataset);
  return {
    ...{ name: leak.name, verdict, warning, findings: { ...findings }, figures: [] },
    ...(sheet && { drawn: [sheet] }),
    files:
      groups.length > 0 ? [{ name: 'leak.csv', content: copiesCsv(dataset, table, places, copies) }] : [],
  };
}

function countSieves(pairs: readonly CopyPair[]): Record<SieveName, number> {
  const counts = { bytes: 0, description: 0, embedding: 0, both: 0 };
  for (const { sieve } of pairs) counts[sieve]++;
  return counts;
}

/** With a run of a k-fold split its own sides: that fold is the test part, the next one the validation part. */
function withFold(table: CellTable, fold: number | null): CellTable {
  if (fold === null) return table;
  const folds = table.fold.reduce((most, one) => Math.max(most, one + 1), 0);
  const validation = (fold + 1) % folds;
  const split = Int8Array.from(table.fold, one =>
    one < 0 ? -1 : one === fold ? 2 : one === validation ? 1 : 0,
  );
  return { ...table, split };
}

/** Validation and test cells of which the training part holds a copy. */
function countHeldOut(table: CellTable, crossing: number[][]): Record<string, number> {
  const counts: Record<string, number> = { validation: 0, test: 0 };
  for (const group of crossing) {
    if (!group.some(i => table.split[i] === 0)) continue;
    for (const i of group) if (table.split[i]! > 0) counts[splitNames[table.split[i]!]!]!++;
  }
  return counts;
}
