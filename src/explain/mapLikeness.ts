// How alike two maps [H, W] are.

/**
 * Spearman's rank correlation, ties at their mean rank. Where one of the maps is the same everywhere it says nothing
 * of the other, and the correlation is 0.
 */
export function rankCorrelation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [x, y] = [ranksOf(a), ranksOf(b)];
  const middle = (x.length + 1) / 2;
  let [xy, xx, yy] = [0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    const [dx, dy] = [x[i]! - middle, y[i]! - middle];
    xy += dx * dy;
    xx += dx * dx;
    yy += dy * dy;
  }
  return xx === 0 || yy === 0 ? 0 : xy / Math.sqrt(xx * yy);
}

function ranksOf(values: ArrayLike<number>): Float64Array {
  const order = Uint32Array.from({ length: values.length }, (_, i) => i).sort(
    (i, j) => values[i]! - values[j]! || i - j,
  );
  const ranks = new Float64Array(values.length);
  for (let first = 0; first < order.length; ) {
    let end = first + 1;
    while (end < order.length && values[order[end]!] === values[order[first]!]) end++;
    for (let i = first; i < end; i++) ranks[order[i]!] = (first + end + 1) / 2;
    first = end;
  }
  return ranks;
}

/**
 * Structural similarity (Wang et al. 2004) of two maps, each scaled to 0 to 1 by its own range: the mean over all
 * windows of 7 x 7 pixels (smaller where the maps are), with constants 0.01^2 and 0.03^2 and unbiased variances, as
 * scikit-image has it.
 */
export function structuralSimilarity(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  height: number,
  width: number,
): number {
  const [x, y] = [scaled(a), scaled(b)];
  const [h, w] = [Math.min(7, height), Math.min(7, width)];
  const count = h * w;
  const product = (p: Float64Array, q: Float64Array) => p.map((value, i) => value * q[i]!);
  const sums = [x, y, product(x, x), product(y, y), product(x, y)].map(plane =>
    cumulate(plane, height, width),
  );
  const unbiased = count > 1 ? count / (count - 1) : 0;
  let total = 0;
  for (let top = 0; top + h <= height; top++)
    for (let left = 0; left + w <= width; left++) {
      const [mx, my, xx, yy, xy] = sums.map(sum => windowMean(sum, width, top, left, h, w)) as [
        number,
        number,
        number,
        number,
        number,
      ];
      const [vx, vy, cov] = [xx - mx * mx, yy - my * my, xy - mx * my].map(value => value * unbiased) as [
        number,
        number,
        number,
      ];
      total += ((2 * mx * my + 1e-4) * (2 * cov + 9e-4)) / ((mx * mx + my * my + 1e-4) * (vx + vy + 9e-4));
    }
  return total / ((height - h + 1) * (width - w + 1));
}

function scaled(values: ArrayLike<number>): Float64Array {
  const own = Float64Array.from(values);
  let [low, high] = [own[0]!, own[0]!];
  for (const value of own) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return own.map(value => (high > low ? (value - low) / (high - low) : 0));
}

/** Sums of all above and left of each corner, (H + 1) x (W + 1). */
function cumulate(plane: Float64Array, height: number, width: number): Float64Array {
  const sums = new Float64Array((height + 1) * (width + 1));
  for (let y = 0; y < height; y++)
    for (let x = 0, row = 0; x < width; x++) {
      row += plane[y * width + x]!;
      sums[(y + 1) * (width + 1) + x + 1] = sums[y * (width + 1) + x + 1]! + row;
    }
  return sums;
}

function windowMean(
  sums: Float64Array,
  width: number,
  top: number,
  left: number,
  h: number,
  w: number,
): number {
  const at = (y: number, x: number) => sums[y * (width + 1) + x]!;
  return (at(top + h, left + w) - at(top, left + w) - at(top + h, left) + at(top, left)) / (h * w);
}
