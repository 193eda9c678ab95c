/** Domain and ticks of a logarithmic axis: powers of ten, and with few of them also twice and five times those. */
export function logTicks(values: readonly number[]): { domain?: [number, number]; ticks?: number[] } {
  if (values.length === 0) return {};
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const decades = Math.log10(most / least);
  const factors = decades > 3 ? [1] : decades > 1 ? [1, 3] : [1, 2, 5];
  const first = Math.floor(Math.log10(least)) - 1;
  const every = Math.max(1, Math.ceil(decades / 4));
  const all = Array.from({ length: Math.ceil(decades) + 4 }, (_, i) => first + i)
    .filter(power => power % every === 0)
    .flatMap(power => factors.map(factor => Number((factor * 10 ** power).toPrecision(3))));
  const low = all.filter(one => one <= least).at(-1) ?? least;
  const high = all.find(one => one >= most && one > low) ?? most;
  return { domain: [low, high], ticks: all.filter(one => one >= low && one <= high) };
}

/** Two digits of what is small, all of what is large: 0.0031, 1.2, 45, 1,200. */
export function shortNumber(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(2)));
}
