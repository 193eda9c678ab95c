/** Lower and upper end of a 95 % interval. */
export type Interval = [number, number];

const z = 1.959963984540054; // 97.5 % of the standard normal

/** Wilson's 95 % score interval of a proportion, `right` of `cells`; null of none. */
export function wilsonInterval(right: number, cells: number): Interval | null {
  if (cells === 0) return null;
  const share = right / cells;
  const scale = 1 + (z * z) / cells;
  const middle = (share + (z * z) / (2 * cells)) / scale;
  const half = (z / scale) * Math.sqrt((share * (1 - share)) / cells + (z * z) / (4 * cells * cells));
  // Exact at the ends, where rounding would leave 1e-17.
  return [right === 0 ? 0 : middle - half, right === cells ? 1 : middle + half];
}
