// R groups, K classes, N cells.

/** How far two ways to sort cells go together. */
export interface Association {
  chiSquared: number;
  /** (rows with cells - 1) (columns with cells - 1). */
  degreesOfFreedom: number;
  /** Probability of so large a chi-squared if the two had nothing to do with each other; 1 without degrees of freedom. */
  p: number;
  /** Cramer's V, from 0 to 1: sqrt(chi-squared / N / min(rows - 1, columns - 1)). */
  cramersV: number;
  /** The same with Bergsma's (2013) correction: about 0, not above it, where there is no association. */
  correctedV: number;
}

/** Chi-squared and Cramer's V of a table of counts; rows and columns without cells do not count. */
export function measureAssociation(counts: readonly (readonly number[])[]): Association {
  const rowSums = counts.map(row => row.reduce((sum, n) => sum + n, 0));
  const columnSums = (counts[0] ?? []).map((_, k) => counts.reduce((sum, row) => sum + row[k]!, 0));
  const N = rowSums.reduce((sum, n) => sum + n, 0);
  const rows = rowSums.filter(n => n > 0).length;
  const columns = columnSums.filter(n => n > 0).length;
  const degreesOfFreedom = Math.max(0, rows - 1) * Math.max(0, columns - 1);
  if (degreesOfFreedom === 0) return { chiSquared: 0, degreesOfFreedom, p: 1, cramersV: 0, correctedV: 0 };
  let chiSquared = 0;
  for (const [r, row] of counts.entries())
    for (const [k, observed] of row.entries()) {
      const expected = (rowSums[r]! * columnSums[k]!) / N;
      if (expected > 0) chiSquared += (observed - expected) ** 2 / expected;
    }
  return {
    ...{ chiSquared, degreesOfFreedom, p: chiSquaredTail(chiSquared, degreesOfFreedom) },
    cramersV: Math.min(1, Math.sqrt(chiSquared / N / (Math.min(rows, columns) - 1))),
    correctedV: correctV(chiSquared / N, { rows, columns, N }),
  };
}

/** Bergsma 2013, "A bias-correction for Cramer's V and Tschuprow's T", equations 7 to 9. */
function correctV(
  phiSquared: number,
  { rows, columns, N }: { rows: number; columns: number; N: number },
): number {
  if (N < 2) return 0;
  const excess = Math.max(0, phiSquared - ((rows - 1) * (columns - 1)) / (N - 1));
  const shrunk = (n: number) => n - (n - 1) ** 2 / (N - 1);
  const most = Math.min(shrunk(rows), shrunk(columns)) - 1;
  return most > 0 ? Math.min(1, Math.sqrt(excess / most)) : 0;
}

/** Probability that chi-squared of `degrees` degrees of freedom is above x: the regularised gamma function Q. */
export function chiSquaredTail(x: number, degrees: number): number {
  const [a, half] = [degrees / 2, x / 2];
  if (half <= 0) return 1;
  const scale = Math.exp(a * Math.log(half) - half - logGamma(a));
  return half < a + 1 ? 1 - scale * lowerSeries(a, half) : scale * upperFraction(a, half);
}

/** Series of the lower incomplete gamma function, without its factor. */
function lowerSeries(a: number, x: number): number {
  let term = 1 / a;
  let sum = term;
  for (let n = 1; term > sum * 1e-17; n++) sum += term *= x / (a + n);
  return sum;
}

/** Continued fraction of the upper one, without its factor, by Lentz's method. */
function upperFraction(a: number, x: number): number {
  let b = x + 1 - a;
  let c = 1e300;
  let d = 1 / b;
  let fraction = d;
  for (let n = 1; n < 10_000; n++) {
    const step = -n * (n - a);
    b += 2;
    d = 1 / (step * d + b);
    c = b + step / c;
    fraction *= c * d;
    if (Math.abs(c * d - 1) < 1e-15) break;
  }
  return fraction;
}

/** ln Gamma(x) for x > 0 by Stirling's series, brought to x >= 10. */
function logGamma(x: number): number {
  let below = 0;
  for (; x < 10; x++) below += Math.log(x);
  const square = 1 / (x * x);
  const series = (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680))) / x;
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + series - below;
}
