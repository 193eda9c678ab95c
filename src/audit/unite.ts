/** Joins things into sets, a pair at a time (union by the lower number, with halved paths). */
export class Sets {
  readonly #parent: Int32Array;

  constructor(count: number) {
    this.#parent = Int32Array.from({ length: count }, (_, i) => i);
  }

  join(a: number, b: number): void {
    const [left, right] = [this.of(a), this.of(b)];
    this.#parent[Math.max(left, right)] = Math.min(left, right);
  }

  /** The lowest member of the set that `i` is in. */
  of(i: number): number {
    let at = i;
    while (this.#parent[at] !== at) {
      this.#parent[at] = this.#parent[this.#parent[at]!]!;
      at = this.#parent[at]!;
    }
    return at;
  }

  /** Members of each set of two or more, ascending, in order of their first. */
  groups(): number[][] {
    const sets = new Map<number, number[]>();
    for (let i = 0; i < this.#parent.length; i++) {
      const first = this.of(i);
      if (first === i) continue;
      const same = sets.get(first);
      if (same) same.push(i);
      else sets.set(first, [first, i]);
    }
    return [...sets].sort(([a], [b]) => a - b).map(([, members]) => members);
  }
}
