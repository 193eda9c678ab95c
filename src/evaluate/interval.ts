/** Lower and upper end of a 95 % interval. */
export type Interval = [number, number];

/** 97.5 % of the standard normal. */
export const normalQuantile = 1.959963984540054;

/** Wilson's 95 % score interval of a proportion, `right` of `cells`; null of none. */
export function wilsonInterval(right: number, cells: number): Interval | null {
  return cells === 0 ? null : scoreInterval(right / cells, cells);
}

/**
 * Wilson's score interval (1927) of a share of n cells: the shares from which this one lies no more than `quantile` deviations
 * away. n is above 0 and need not be whole: cells of groups that resemble each other count as fewer. Within [0, 1], and 30
 * of 30 still gives 0.886 to 1.
 */
export function scoreInterval(share: number, n: number, quantile = normalQuantile): Interval {
  const square = quantile * quantile;
  const scale = 1 + square / n;
  const middle = (share + square / (2 * n)) / scale;
  const half = (quantile / scale) * Math.sqrt((share * (1 - share)) / n + square / (4 * n * n));
  // Exact at the ends, where rounding would leave 1e-17.
  return [share === 0 ? 0 : middle - half, share === 1 ? 1 : middle + half];
}
