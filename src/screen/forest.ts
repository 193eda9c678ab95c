import { createRandom } from '../dataset/random.ts';

export interface ForestOptions {
  trees: number;
  seed: number;
}

/** Examples: one column a feature, and the class of each row in [0, K). */
export interface Examples {
  features: Float32Array[];
  classes: Int32Array;
  classCount: number;
}

/**
 * Extremely randomised trees (Geurts, Ernst and Wehenkel 2006) on bootstrap samples: each node looks at some
 * features, cuts each at one random place, and takes the cut that leaves the least Gini impurity. A tree's vote is
 * the share of each class in its leaf.
 */
export class Forest {
  readonly classCount: number;
  readonly #trees: Tree[];

  private constructor(classCount: number, trees: Tree[]) {
    this.classCount = classCount;
    this.#trees = trees;
  }

  /** Grows the trees. `pause` is awaited between trees, so that a long growth can be stopped. */
  static async grow(
    examples: Examples,
    options: ForestOptions,
    pause: (done: number) => Promise<void>,
  ): Promise<Forest> {
    const trees: Tree[] = [];
    for (let t = 0; t < options.trees; t++) {
      trees.push(growTree(examples, createRandom(options.seed + 7919 * t)));
      await pause(t + 1);
    }
    return new Forest(examples.classCount, trees);
  }

  /** Mean votes, K of them, for one row of columns of the same features. */
  predict(features: Float32Array[], row: number, votes: Float64Array): void {
    votes.fill(0);
    for (const tree of this.#trees) addVote(tree, features, row, votes);
    for (let k = 0; k < votes.length; k++) votes[k]! /= this.#trees.length;
  }

  /** As `predict`, but for example `row` of the growth, from the trees that were grown without it. */
  predictUnseen(examples: Examples, row: number, votes: Float64Array): void {
    votes.fill(0);
    let voters = 0;
    for (const tree of this.#trees) {
      if (tree.seen[row]) continue;
      addVote(tree, examples.features, row, votes);
      voters++;
    }
    // With dozens of trees every example is left out by some; one that was not is called unknown.
    if (voters === 0) return void votes.fill(1 / votes.length);
    for (let k = 0; k < votes.length; k++) votes[k]! /= voters;
  }
}

/** Nodes in one array each; a leaf has feature -1 and its votes from `leaf` on. */
interface Tree {
  feature: Int32Array;
  cut: Float32Array;
  /** Left child; the right one follows it. */
  child: Int32Array;
  votes: Float32Array;
  seen: Uint8Array;
}

function addVote(tree: Tree, features: Float32Array[], row: number, votes: Float64Array): void {
  let node = 0;
  while (tree.feature[node]! >= 0)
    node = tree.child[node]! + (features[tree.feature[node]!]![row]! <= tree.cut[node]! ? 0 : 1);
  const first = tree.child[node]!;
  for (let k = 0; k < votes.length; k++) votes[k]! += tree.votes[first + k]!;
}

function growTree(examples: Examples, random: () => number): Tree {
  const total = examples.classes.length;
  const seen = new Uint8Array(total);
  const rows = Int32Array.from({ length: total }, () => {
    const row = Math.floor(random() * total);
    seen[row] = 1;
    return row;
  });
  const [feature, cut, child, votes]: [number[], number[], number[], number[]] = [[0], [0], [0], []];
  const open: [node: number, from: number, to: number][] = [[0, 0, total]];
  for (let next = open.pop(); next; next = open.pop()) {
    const [node, from, to] = next;
    const split = chooseSplit(examples, rows.subarray(from, to), random);
    if (split === undefined) {
      feature[node] = -1;
      child[node] = votes.length;
      votes.push(...sharesOf(examples, rows.subarray(from, to)));
      continue;
    }
    const middle = from + partition(rows.subarray(from, to), examples.features[split.feature]!, split.cut);
    [feature[node], cut[node], child[node]] = [split.feature, split.cut, feature.length];
    open.push([feature.length, from, middle], [feature.length + 1, middle, to]);
    feature.push(0, 0);
    cut.push(0, 0);
    child.push(0, 0);
  }
  return {
    feature: Int32Array.from(feature),
    cut: Float32Array.from(cut),
    child: Int32Array.from(child),
    votes: Float32Array.from(votes),
    seen,
  };
}

interface Split {
  feature: number;
  cut: number;
}

/** The best of a random cut in each of a third of the features; undefined where nothing is left to part. */
function chooseSplit(examples: Examples, rows: Int32Array, random: () => number): Split | undefined {
  const first = examples.classes[rows[0]!];
  if (rows.every(row => examples.classes[row] === first)) return undefined;
  const tries = Math.max(1, Math.ceil(examples.features.length / 3));
  let best: Split | undefined;
  let bestScore = -1;
  // Features that do not vary here do not count as tried.
  for (let tried = 0, drawn = 0; tried < tries && drawn < 3 * examples.features.length; drawn++) {
    const feature = Math.floor(random() * examples.features.length);
    const cut = randomCut(examples.features[feature]!, rows, random);
    if (cut === undefined) continue;
    tried++;
    const score = purity(examples, rows, examples.features[feature]!, cut);
    if (score > bestScore) [best, bestScore] = [{ feature, cut }, score];
  }
  return best;
}

function randomCut(column: Float32Array, rows: Int32Array, random: () => number): number | undefined {
  let [low, high] = [Infinity, -Infinity];
  for (const row of rows) {
    const value = column[row]!;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const cut = Math.fround(low + random() * (high - low));
  return low < high ? Math.min(cut, below(high, low)) : undefined;
}

/** A place below `high` and not below `low`, so that both sides get a row. */
function below(high: number, low: number): number {
  const middle = Math.fround((low + high) / 2);
  return middle < high ? Math.max(low, Math.fround(high - (high - low) * 1e-3)) : low;
}

/** Sum over both sides of the squared class counts over the side's size: larger is purer (Gini). */
function purity(examples: Examples, rows: Int32Array, column: Float32Array, cut: number): number {
  const counts = new Float64Array(2 * examples.classCount);
  for (const row of rows) counts[2 * examples.classes[row]! + (column[row]! <= cut ? 0 : 1)]!++;
  const size = [0, 0];
  const square = [0, 0];
  for (const [i, count] of counts.entries()) {
    size[i % 2]! += count;
    square[i % 2]! += count * count;
  }
  return size[0]! === 0 || size[1]! === 0 ? -1 : square[0]! / size[0]! + square[1]! / size[1]!;
}

function partition(rows: Int32Array, column: Float32Array, cut: number): number {
  let middle = 0;
  for (let i = 0; i < rows.length; i++) {
    if (column[rows[i]!]! > cut) continue;
    [rows[middle], rows[i]] = [rows[i]!, rows[middle]!];
    middle++;
  }
  return middle;
}

function sharesOf(examples: Examples, rows: Int32Array): number[] {
  const shares = new Array<number>(examples.classCount).fill(0);
  for (const row of rows) shares[examples.classes[row]!]! += 1 / rows.length;
  return shares;
}
