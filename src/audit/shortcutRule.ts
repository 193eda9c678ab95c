import { separating } from './greyLevels.ts';
import type { ProbeScore } from './probeScore.ts';
import type { ProbeName, ProbeResult } from './probes.ts';
import type { ShortcutFindings } from './shortcutFindings.ts';

/** Gained over guessing, as a share of what the whole image gains: from here on a shortcut, and from here on worth a word. */
const muchOfWhole = 0.25;
const someOfWhole = 0.1;
/** No less than this share of all there is to gain, however little the whole image gains. */
const least = 0.02;
/** Share of the images in which the cell must keep clear of the edge for the background to be judged. */
const clearEnough = 0.6;

/**
 * How well a probe without a cell predicts the class. 'much': two things hold. Its adjusted p is below 0.05, and even
 * the low end of its interval gains a quarter of what the whole image gains over guessing: so much of a classifier's
 * success could come without a cell. 'some': a tenth. The first condition alone would call a data set confounded for one
 * point of accuracy as soon as it is large; the second alone would not know chance in a small one. Measured against the
 * whole image, because two points are little where a classifier gains seventy and much where it gains five.
 */
export function weighShortcut(score: ProbeScore, whole: ProbeScore): 'none' | 'some' | 'much' {
  const gains = (share: number) => score.gainInterval[0] >= Math.max(least, share * whole.gain);
  if (score.p >= 0.05 || !gains(someOfWhole)) return 'none';
  return gains(muchOfWhole) ? 'much' : 'some';
}

export function probeOf(probes: readonly ProbeResult[], name: ProbeName): ProbeResult | undefined {
  return probes.find(one => one.probe === name);
}

export function isSeparable(clearShare: number): boolean {
  return clearShare >= clearEnough;
}

/** Confounded: the background, where it can be told from the cells, is a shortcut; of few cells, its grey level separates the classes. */
export function isConfounded(findings: Omit<ShortcutFindings, 'confounded'>): boolean {
  if (!findings.separable) return false;
  if (findings.tooFew) return separatesByGrey(findings);
  const [background, whole] = [probeOf(findings.probes, 'background'), probeOf(findings.probes, 'whole')];
  return background !== undefined && weighShortcut(background.class, whole!.class) === 'much';
}

export function separatesByGrey({ greyLevels }: Pick<ShortcutFindings, 'greyLevels'>): boolean {
  return greyLevels !== null && greyLevels.p < 0.01 && greyLevels.epsilonSquared >= separating;
}
