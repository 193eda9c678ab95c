import { mixSeed, shuffle } from './seed.ts';

/** Cells to train on: rows of the image set and their classes. */
export interface LabelledRows {
  rows: Int32Array;
  labels: Int32Array;
}

/**
 * The order in which an epoch takes N training cells, as indices into them: a function of seed and epoch alone, so
 * that a resumed training goes on with the same batches.
 *
 * `none` takes every cell once. `sampling` takes the same number of every class (give or take one), N in all: each
 * class is a deck that is shuffled anew whenever it is used up and goes on over epochs, so that within a class all
 * cells are seen equally often.
 */
export function epochOrder(
  labels: Int32Array,
  classes: number,
  balance: 'sampling' | 'none',
  at: { seed: number; epoch: number },
): Int32Array {
  const order = balance === 'none' ? indices(labels.length) : drawBalanced(labels, classes, at);
  return shuffle(order, mixSeed(at.seed, 1, at.epoch));
}

/** Cuts an order into batches of at most `batchSize`, as equal as can be: no last batch of a few cells. */
export function cutBatches(order: Int32Array, batchSize: number): Int32Array[] {
  const count = Math.ceil(order.length / batchSize);
  return Array.from({ length: count }, (_, i) =>
    order.subarray(Math.floor((i * order.length) / count), Math.floor(((i + 1) * order.length) / count)),
  );
}

function indices(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => i);
}

function drawBalanced(
  labels: Int32Array,
  classes: number,
  { seed, epoch }: { seed: number; epoch: number },
): Int32Array {
  const order = new Int32Array(labels.length);
  const decks = Array.from({ length: classes }, (_, k) => ({
    members: indices(labels.length).filter(i => labels[i] === k),
    seed: mixSeed(seed, 2, k),
  })).filter(({ members }) => members.length > 0); // a class may be absent from a subsample
  let filled = 0;
  decks.forEach(({ members, seed }, k) => {
    // Shares of decks k add up to N in every epoch, and the first of deck k in epoch e follows the last of e - 1.
    const share = shareOf(labels.length, k + 1, decks.length) - shareOf(labels.length, k, decks.length);
    filled = deal(order, filled, members, { from: epoch * share, count: share, seed });
  });
  return order;
}

function shareOf(cells: number, decks: number, all: number): number {
  return Math.floor((decks * cells) / all);
}

/** Cards `from` to `from + count` of an endless row of shuffled decks. */
function deal(
  order: Int32Array,
  at: number,
  members: Int32Array,
  { from, count, seed }: { from: number; count: number; seed: number },
): number {
  let deck = members;
  let shuffled = -1;
  for (let card = from; card < from + count; card++) {
    const round = Math.floor(card / members.length);
    if (round !== shuffled) deck = shuffle(members.slice(), mixSeed(seed, (shuffled = round)));
    order[at++] = deck[card % members.length]!;
  }
  return at;
}
