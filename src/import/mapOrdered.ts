/**
 * Results of `work` in the order of `items`, with up to `atOnce` items being worked on. An error of `work` or
 * of `items` is thrown at its place in the order.
 */
export async function* mapOrdered<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  atOnce: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const running: Promise<R>[] = [];
  for await (const item of items) {
    const result = work(item);
    result.catch(() => {}); // thrown below, in its turn
    running.push(result);
    if (running.length >= atOnce) yield await running.shift()!;
  }
  while (running.length > 0) yield await running.shift()!;
}

/** Lets work in, first come first served, while its weights add up to at most `capacity`; heavier work alone. */
export class WeightLimit {
  readonly #capacity: number;
  #used = 0;
  #waiting: { weight: number; enter: () => void }[] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  async run<R>(weight: number, work: () => Promise<R>): Promise<R> {
    const share = Math.min(weight, this.#capacity);
    await new Promise<void>(enter => {
      this.#waiting.push({ weight: share, enter });
      this.#admit();
    });
    try {
      return await work();
    } finally {
      this.#used -= share;
      this.#admit();
    }
  }

  #admit(): void {
    while (this.#waiting.length > 0 && this.#used + this.#waiting[0]!.weight <= this.#capacity) {
      const next = this.#waiting.shift()!;
      this.#used += next.weight;
      next.enter();
    }
  }
}
