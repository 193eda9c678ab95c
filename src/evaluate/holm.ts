/**
 * Holm's (1979) adjusted p values of several tests, in their order: the i-th smallest of m is multiplied by m - i + 1 (i from
 * 1), none is below one that was smaller, and none is above 1. Calling those below 0.05 significant names a true null
 * hypothesis wrongly in at most one family of tests in twenty, however the tests depend on each other.
 */
export function adjustHolm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, i) => i).sort((a, b) => pValues[a]! - pValues[b]!);
  const adjusted = new Array<number>(pValues.length);
  let largest = 0;
  for (const [rank, i] of order.entries()) {
    largest = Math.max(largest, Math.min(1, pValues[i]! * (pValues.length - rank)));
    adjusted[i] = largest;
  }
  return adjusted;
}
