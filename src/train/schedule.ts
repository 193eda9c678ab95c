/** How the learning rate changes while training. */
export type Schedule =
  | { name: 'constant' }
  /** Multiplied by `factor` after every `every` epochs: the paper divides by 10 every 50. */
  | { name: 'step'; every: number; factor: number }
  /** Rises linearly over the first `warmup` of all steps, then falls along half a cosine to `final` of its peak. */
  | { name: 'cosine'; warmup: number; final: number };

/**
 * The learning rate of step `step` (from 0) of epoch `epoch` (from 0), with `steps` steps an epoch and `epochs`
 * epochs in all.
 */
export function learningRateAt(
  schedule: Schedule,
  peak: number,
  at: { epoch: number; step: number; steps: number; epochs: number },
): number {
  if (schedule.name === 'constant') return peak;
  if (schedule.name === 'step') return peak * schedule.factor ** Math.floor(at.epoch / schedule.every);
  const total = at.epochs * at.steps;
  const done = at.epoch * at.steps + at.step;
  const warm = Math.round(schedule.warmup * total);
  if (done < warm) return (peak * (done + 1)) / (warm + 1);
  const fraction = (done - warm) / Math.max(1, total - warm);
  return peak * (schedule.final + ((1 - schedule.final) * (1 + Math.cos(Math.PI * fraction))) / 2);
}
