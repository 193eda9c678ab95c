/** One stage of a search: how many trials take part, and with how much of the full budget. */
export interface Rung {
  trials: number;
  /** Share of the full budget, in (0, 1]. */
  share: number;
}

export const searchWays = ['halving', 'random'] as const;
export type SearchWay = (typeof searchWays)[number];

/** The best third of a rung goes on, with three times the budget. */
const factor = 3;

/**
 * The rungs of a search. Random search fits every trial in full. Successive halving (Jamieson and Talwalkar 2016) fits
 * all on a small share of the budget, the best third on three times that, and so on until the last rung is in full;
 * no share is below `least`.
 */
export function planRungs(way: SearchWay, trials: number, least: number): Rung[] {
  if (way === 'random') return [{ trials, share: 1 }];
  const byTrials = Math.floor(Math.log(trials) / Math.log(factor) + 1e-9);
  const byBudget = Math.floor(Math.log(1 / Math.min(1, least)) / Math.log(factor) + 1e-9);
  const steps = Math.min(byTrials, byBudget);
  return Array.from({ length: steps + 1 }, (_, i) => ({
    trials: Math.max(1, Math.floor(trials / factor ** i)),
    share: 1 / factor ** (steps - i),
  }));
}
