import type { Labels } from './learn.ts';
import type { Finding } from './limits.ts';

/** How verdicts compare with what is known of the images. */
export interface ScreenScore {
  good: number;
  goodLost: number;
  bad: number;
  badFound: number;
  /** Shares of the counts before; null where there are none. */
  goodLostShare: number | null;
  badFoundShare: number | null;
  kinds: { kind: string; count: number; found: number; foundShare: number }[];
}

/** Compares automatic findings with labels; undefined where nothing is labelled. */
export function scoreFindings(findings: (Finding | null)[], labels: Labels): ScreenScore | undefined {
  const counts = new Map<string, { count: number; found: number }>();
  for (const [row, label] of labels.entries()) {
    if (label === null) continue;
    const entry = counts.get(label) ?? { count: 0, found: 0 };
    counts.set(label, entry);
    entry.count++;
    if (findings[row]) entry.found++;
  }
  if (counts.size === 0) return undefined;
  const good = counts.get('good') ?? { count: 0, found: 0 };
  counts.delete('good');
  const kinds = [...counts].map(([kind, entry]) => ({
    kind,
    ...entry,
    foundShare: entry.found / entry.count,
  }));
  const bad = kinds.reduce((sum, { count }) => sum + count, 0);
  const badFound = kinds.reduce((sum, { found }) => sum + found, 0);
  return {
    good: good.count,
    goodLost: good.found,
    bad,
    badFound,
    goodLostShare: good.count === 0 ? null : good.found / good.count,
    badFoundShare: bad === 0 ? null : badFound / bad,
    kinds: kinds.sort((a, b) => a.kind.localeCompare(b.kind)),
  };
}
