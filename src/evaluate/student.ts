import { normalQuantile } from './interval.ts';

const steps = 800;
/** From here on Fisher's expansion is good to six digits. */
const many = 30;

/**
 * The 97.5 % quantile of Student's t, to three digits; `freedom` is 1 or more and need not be whole. With t = sqrt(freedom)
 * tan(a) the share between -t and t is that of the integral of cos(a)^(freedom - 1), which is added up until it holds 95 %.
 */
export function studentQuantile(freedom: number): number {
  if (freedom >= many) return fisherExpansion(freedom);
  const width = Math.PI / 2 / steps;
  const parts = Float64Array.from({ length: steps }, (_, i) => Math.cos((i + 0.5) * width) ** (freedom - 1));
  let left = 0.95 * parts.reduce((a, b) => a + b, 0);
  let i = 0;
  while (left > parts[i]!) left -= parts[i++]!;
  return Math.sqrt(freedom) * Math.tan((i + left / parts[i]!) * width);
}

function fisherExpansion(freedom: number): number {
  const z = normalQuantile;
  return (
    z +
    (z ** 3 + z) / (4 * freedom) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * freedom ** 3)
  );
}
