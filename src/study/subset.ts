// N cells, K classes.
import { BrightcellError } from '../errors.ts';
import { mixSeed, shuffle } from '../train/seed.ts';

/**
 * Positions, ascending, of `count` of N cells, so that every class keeps its share to within a cell. For one seed the smaller
 * of two draws is part of the larger: the cells of a class, shuffled, are spread evenly over [0, 1), and the first `count`
 * of all are taken. Throws `option-invalid` for more cells than there are, and `classes-missing` where a class of the N
 * cells is too rare for its share of `count` to hold a cell.
 */
export function drawSubset(
  labels: Int32Array,
  classes: readonly string[],
  count: number,
  seed: number,
): Int32Array {
  if (count > labels.length) {
    throw new BrightcellError(
      'option-invalid',
      `Cells to train on must be at most the ${labels.length} of the training part. Received ${count}.`,
    );
  }
  const place = new Float64Array(labels.length);
  for (const k of classes.keys()) {
    const members = Int32Array.from(labels.keys()).filter(i => labels[i] === k);
    shuffle(members, mixSeed(seed, 5, k)).forEach((i, rank) => {
      place[i] = (rank + 0.5) / members.length;
    });
  }
  const order = Int32Array.from(labels.keys());
  order.sort((a, b) => place[a]! - place[b]! || labels[a]! - labels[b]!);
  const drawn = order.slice(0, count).sort();
  refuseAbsent(labels, drawn, classes);
  return drawn;
}

function refuseAbsent(labels: Int32Array, drawn: Int32Array, classes: readonly string[]): void {
  const held = new Set(drawn.map(i => labels[i]!));
  const absent = classes.filter((_, k) => labels.includes(k) && !held.has(k));
  if (absent.length === 0) return;
  throw new BrightcellError(
    'classes-missing',
    `Every class must have a training image, but ${drawn.length} of the ${labels.length} training cells, with every class's share ` +
      `kept, hold none of ${absent.join(', ')}. Take more cells.`,
  );
}
