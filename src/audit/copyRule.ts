/** What two images, made smooth, must have in common to be taken for one cell; chosen by false alarms: docs/leaks.md. */
export const copyLimits = [
  // By no more than noise; by little more, and alike in detail; whatever noise there is, alike beyond any two cells.
  { correlation: 0.97, detail: 0.8, residual: 1.5 },
  { correlation: 0.99, detail: 0.985, residual: 2.9 },
  { correlation: 0.9975, detail: 0.9967, residual: Number.POSITIVE_INFINITY },
] as const;

/** Copies whose rings agree less are missed: some 1 in 100 of those that are turned and shifted. */
export const ringGate = 0.7;

/**
 * Whether one image is a copy of the other: the less they differ in units of their noise, the less need the whole correlate, and
 * what is not the same all around the cell. Smooth round cells correlate, but not in such detail.
 */
export function isCopy(correlation: number, detail: number, residual: number): boolean {
  return copyLimits.some(
    least => correlation >= least.correlation && detail >= least.detail && residual <= least.residual,
  );
}
