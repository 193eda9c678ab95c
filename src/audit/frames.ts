// P pairs of neighbouring frames.
import type { CellTable } from '../dataset/format.ts';
import type { ImageSet } from '../engine/imageSet.ts';
import { alignPairs } from '../engine/likeness.ts';
import { type Interval, wilsonInterval } from '../evaluate/interval.ts';
import type { Job } from '../job.ts';
import { mixSeed, shuffle } from '../train/seed.ts';
import { maybeFrameOf, type Places } from './places.ts';

/** Whether neighbouring images of a recording are more alike than distant ones of the same class. */
export interface FrameComparison {
  recordings: number;
  /** Pairs of neighbours that were compared, each with a distant pair. */
  pairs: number;
  /** Share of pairs in which the neighbours correlate more; 0.5 where being neighbours says nothing. */
  moreAlike: number;
  /** 95 %, Wilson. */
  interval: Interval;
  /** Pairs of neighbours on two sides of the split, of all such pairs of the data set. */
  crossing: number;
  neighbours: number;
}

const mostPairs = 500;
/** Frames apart from which two images are distant. */
const distance = 20;
/** Fewer pairs than this say nothing. */
const fewPairs = 20;

/**
 * Takes pairs of images next to each other in a recording (numbers one or two apart), and for each a distant image of the
 * same recording and label as the second: which of both is more like the first? Null where fewer than 20 pairs are found.
 */
export async function compareFrames(
  images: ImageSet,
  table: CellTable,
  places: Places,
  seed: number,
  job: Job,
): Promise<FrameComparison | null> {
  const recordings = readRecordings(places);
  const neighbours: { cells: Frames; at: number }[] = [];
  let crossing = 0;
  for (const cells of recordings)
    for (let at = 0; at + 1 < cells.length; at++) {
      if (cells[at + 1]!.number - cells[at]!.number > 2) continue;
      neighbours.push({ cells, at });
      const [side, next] = [table.split[cells[at]!.cell]!, table.split[cells[at + 1]!.cell]!];
      if (side >= 0 && next >= 0 && side !== next) crossing++;
    }
  const order = shuffle(Int32Array.from(neighbours.keys()), mixSeed(seed, 6301));
  const triples: [first: number, near: number, far: number][] = [];
  for (const place of order) {
    if (triples.length === mostPairs) break;
    const { cells, at } = neighbours[place]!;
    const far = maybeDistant(cells, at, table, mixSeed(seed, 6302, place));
    if (far !== undefined) triples.push([cells[at]!.cell, cells[at + 1]!.cell, far]);
  }
  if (triples.length < fewPairs) return null;
  const ids = (cells: number[]) => Int32Array.from(cells, i => table.id[i]!);
  const first = ids(triples.map(one => one[0]));
  const partners = ids(triples.flatMap(([, near, far]) => [near, far]));
  const { correlation } = await alignPairs(images, first, images, partners, -1, job);
  const wins = triples.reduce((sum, _, i) => {
    const difference = correlation[2 * i]! - correlation[2 * i + 1]!;
    return sum + (difference > 0 ? 1 : difference === 0 ? 0.5 : 0);
  }, 0);
  const P = triples.length;
  return {
    ...{ recordings: recordings.length, pairs: P, moreAlike: wins / P, interval: wilsonInterval(wins, P)! },
    ...{ crossing, neighbours: neighbours.length },
  };
}

type Frames = { number: number; cell: number }[];

/** Cells of each recording in order of their numbers. */
function readRecordings({ source, frame }: Places): Frames[] {
  const several = new Set<string>();
  const seen = new Set<string>();
  for (const name of source) {
    if (seen.has(name)) several.add(name);
    seen.add(name);
  }
  const recordings = new Map<string, Frames>();
  for (const [cell, name] of source.entries()) {
    const found = maybeFrameOf(name, frame[cell]!, several.has(name));
    if (!found) continue;
    const own = recordings.get(found.recording);
    if (own) own.push({ number: found.number, cell });
    else recordings.set(found.recording, [{ number: found.number, cell }]);
  }
  return [...recordings.values()]
    .filter(cells => cells.length > 1)
    .map(cells => cells.sort((a, b) => a.number - b.number));
}

/** A cell of the recording, at least `distance` numbers from both neighbours, with the second one's label. */
function maybeDistant(cells: Frames, at: number, table: CellTable, seed: number): number | undefined {
  const label = table.label[cells[at + 1]!.cell]!;
  const start = seed % cells.length;
  for (let step = 0; step < Math.min(cells.length, 200); step++) {
    const { number, cell } = cells[(start + step) % cells.length]!;
    const apart = Math.min(Math.abs(number - cells[at]!.number), Math.abs(number - cells[at + 1]!.number));
    if (apart >= distance && table.label[cell] === label) return cell;
  }
  return undefined;
}
