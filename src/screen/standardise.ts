import { groupRows, type Measurements, quantilesOf } from './measurements.ts';

/**
 * The features, and again each one less its session's median, over its session's robust spread (the distance to
 * the quantile at 0.8 or 0.2 on that side, as a normal deviation; kept within -20 and 20): an instrument's settings
 * drop out, a fault stays.
 */
export function standardiseFeatures(measured: Measurements): Float32Array[] {
  const groups = groupRows(measured.session, measured.sessions.length, 30);
  const relative = measured.features.map(column => {
    const scores = new Float32Array(measured.count);
    for (const rows of groups) {
      const [low, middle, high] = quantilesOf(column, rows, [0.2, 0.5, 0.8]) as [number, number, number];
      const least = 1e-3 * Math.abs(middle) + 1e-6;
      const [down, up] = [(middle - low) / 0.8416 + least, (high - middle) / 0.8416 + least];
      for (const row of rows) {
        const difference = column[row]! - middle;
        scores[row] = Math.min(Math.max(difference / (difference > 0 ? up : down), -20), 20);
      }
    }
    return scores;
  });
  return [...measured.features, ...relative];
}
