/** A fit to come or done. */
interface Unit {
  method: string;
  /** Training images. */
  size: number;
}

/**
 * Says how long the rest of a study takes: each fit to come as long as that of its method whose size is nearest, in
 * proportion to the sizes; a method without any yet as long as the others do on average.
 */
export class RemainingTime {
  readonly #units: readonly Unit[];
  readonly #seconds = new Map<number, number>();

  constructor(units: readonly Unit[]) {
    this.#units = units;
  }

  /** Notes how long unit i took. */
  note(i: number, seconds: number): void {
    this.#seconds.set(i, seconds);
  }

  /** Seconds of the units from number `next` on; undefined while none is done. */
  estimate(next: number): number | undefined {
    if (this.#seconds.size === 0) return undefined;
    return this.#units.slice(next).reduce((sum, unit) => sum + this.#estimateOne(unit), 0);
  }

  /** "all: about 12 min left"; empty while nothing is known. */
  describe(next: number): string {
    const seconds = this.estimate(next);
    if (seconds === undefined || next >= this.#units.length) return '';
    if (seconds < 90) return `all: about ${Math.max(1, Math.round(seconds))} s left`;
    if (seconds < 5400) return `all: about ${Math.round(seconds / 60)} min left`;
    return `all: about ${(seconds / 3600).toFixed(1)} h left`;
  }

  #estimateOne({ method, size }: Unit): number {
    const done = [...this.#seconds].map(([i, seconds]) => ({ ...this.#units[i]!, seconds }));
    const own = done.filter(one => one.method === method);
    const scaled = (one: Unit & { seconds: number }) => (one.seconds * size) / one.size;
    if (own.length === 0) return done.reduce((sum, one) => sum + scaled(one), 0) / done.length;
    const distance = (one: Unit) => Math.abs(Math.log(one.size / size));
    const nearest = Math.min(...own.map(distance));
    const near = own.filter(one => distance(one) === nearest);
    return near.reduce((sum, one) => sum + scaled(one), 0) / near.length;
  }
}
