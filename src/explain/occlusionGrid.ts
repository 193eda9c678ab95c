// A grid of mask positions, n rows and columns, measured coarsely first and finer where the numbers change most.

/** One image's numbers at the positions of a grid; NaN where not measured. */
export interface Grid {
  /** Of the positions, in pixels, rising; the first and the last pixel are among them. */
  ys: Int32Array;
  xs: Int32Array;
  values: Float32Array;
}

/** A rectangle between four positions, by their indices. */
interface Leaf {
  top: number;
  left: number;
  bottom: number;
  right: number;
}

/** 0, stride, 2 stride ... and the last pixel. */
export function gridLines(length: number, stride: number): Int32Array {
  const lines = Array.from({ length: Math.ceil(length / stride) }, (_, i) => i * stride);
  if (lines.at(-1) !== length - 1) lines.push(length - 1);
  return Int32Array.from(lines);
}

/** Says which positions of a grid to measure next. */
export class GridPlan {
  readonly grid: Grid;
  measured = 0;
  #leaves: Leaf[];
  readonly #most: number;
  #pending: number[] = [];

  /** The first positions are about `coarse` grid lines apart; at most `most` are measured, or the four corners. */
  constructor(ys: Int32Array, xs: Int32Array, coarse: number, most: number) {
    this.grid = { ys, xs, values: new Float32Array(ys.length * xs.length).fill(Number.NaN) };
    this.#most = most;
    const [rows, columns] = firstLines(ys.length, xs.length, coarse, most);
    this.#leaves = leavesBetween(rows, columns);
    this.#pending = [...rows].flatMap(y => [...columns].map(x => y * xs.length + x));
  }

  /** Indices into the grid that wait to be measured; none: done. */
  get pending(): readonly number[] {
    return this.#pending;
  }

  /** Takes the numbers of what was pending, and chooses what is next. */
  take(values: ArrayLike<number>): void {
    for (const [i, at] of this.#pending.entries()) this.grid.values[at] = values[i]!;
    this.measured += this.#pending.length;
    this.#pending = this.#refine();
  }

  /** Splits the rectangles whose corners differ most, as far as the budget goes. */
  #refine(): number[] {
    const tolerance = this.#tolerance();
    const wanted = this.#leaves
      .map((leaf, i) => ({ leaf, i, range: this.#range(leaf) }))
      .filter(({ leaf, range }) => range > tolerance && isDivisible(leaf))
      .sort((a, b) => b.range - a.range || a.i - b.i);
    const next = new Set<number>();
    const split = new Set<number>();
    const parts: Leaf[] = [];
    for (const { leaf, i } of wanted) {
      const { points, leaves } = this.#divide(leaf);
      const fresh = points.filter(at => Number.isNaN(this.grid.values[at]!) && !next.has(at));
      if (this.measured + next.size + fresh.length > this.#most) break;
      for (const at of fresh) next.add(at);
      split.add(i);
      parts.push(...leaves);
    }
    this.#leaves = [...this.#leaves.filter((_, i) => !split.has(i)), ...parts];
    return [...next].sort((a, b) => a - b);
  }

  /** Of the range of what was measured, a twentieth, and never less than a thousandth. */
  #tolerance(): number {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const value of this.grid.values) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
    return Math.max(0.001, 0.05 * (high - low));
  }

  #range({ top, left, bottom, right }: Leaf): number {
    const corners = [
      this.#at(top, left),
      this.#at(top, right),
      this.#at(bottom, left),
      this.#at(bottom, right),
    ];
    return Math.max(...corners) - Math.min(...corners);
  }

  #at(row: number, column: number): number {
    return this.grid.values[row * this.grid.xs.length + column]!;
  }

  #divide({ top, left, bottom, right }: Leaf): { points: number[]; leaves: Leaf[] } {
    const rows = [top, ...(bottom - top > 1 ? [(top + bottom) >> 1] : []), bottom];
    const columns = [left, ...(right - left > 1 ? [(left + right) >> 1] : []), right];
    const points = rows.flatMap(y => columns.map(x => y * this.grid.xs.length + x));
    return { points, leaves: leavesBetween(Int32Array.from(rows), Int32Array.from(columns)) };
  }

  /** The whole map [H, W]: within each rectangle between its corners in straight lines, and what was measured as it is. */
  fill(height: number, width: number): Float32Array {
    const { ys, xs, values } = this.grid;
    const dense = new Float32Array(height * width);
    const area = ({ top, left, bottom, right }: Leaf) => (bottom - top) * (right - left);
    // Smaller ones last: they know more.
    for (const leaf of [...this.#leaves].sort((a, b) => area(b) - area(a))) this.#paint(leaf, dense, width);
    for (const [row, y] of ys.entries())
      for (const [column, x] of xs.entries()) {
        const value = values[row * xs.length + column]!;
        if (!Number.isNaN(value)) dense[y * width + x] = value;
      }
    return dense;
  }

  #paint(leaf: Leaf, dense: Float32Array, width: number): void {
    const { ys, xs } = this.grid;
    const [y0, y1, x0, x1] = [ys[leaf.top]!, ys[leaf.bottom]!, xs[leaf.left]!, xs[leaf.right]!];
    const corner = (row: number, column: number) => this.#at(row, column);
    for (let y = y0; y <= y1; y++) {
      const down = y1 > y0 ? (y - y0) / (y1 - y0) : 0;
      const first = mix(corner(leaf.top, leaf.left), corner(leaf.bottom, leaf.left), down);
      const last = mix(corner(leaf.top, leaf.right), corner(leaf.bottom, leaf.right), down);
      for (let x = x0; x <= x1; x++)
        dense[y * width + x] = mix(first, last, x1 > x0 ? (x - x0) / (x1 - x0) : 0);
    }
  }
}

/** Lines a power of two apart, near `coarse`, or as much wider as it takes for at most `most` crossings. */
function firstLines(rows: number, columns: number, coarse: number, most: number): [Int32Array, Int32Array] {
  for (let step = 2 ** Math.max(0, Math.round(Math.log2(coarse))); ; step *= 2) {
    const lines: [Int32Array, Int32Array] = [gridLines(rows, step), gridLines(columns, step)];
    if (lines[0].length * lines[1].length <= most || step >= Math.max(rows, columns)) return lines;
  }
}

/** With one line alone it stands for both sides. */
function leavesBetween(rows: Int32Array, columns: Int32Array): Leaf[] {
  const pairs = (lines: Int32Array) =>
    lines.length === 1
      ? [[lines[0]!, lines[0]!]]
      : Array.from(lines.subarray(1), (end, i) => [lines[i]!, end]);
  return pairs(rows).flatMap(([top, bottom]) =>
    pairs(columns).map(([left, right]) => ({ top: top!, left: left!, bottom: bottom!, right: right! })),
  );
}

function isDivisible({ top, left, bottom, right }: Leaf): boolean {
  return bottom - top > 1 || right - left > 1;
}

function mix(a: number, b: number, part: number): number {
  return a + (b - a) * part;
}
