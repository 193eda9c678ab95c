import type { ProbeResult } from './probes.ts';
import type { ShortcutFindings } from './shortcutFindings.ts';
import { probeOf, separatesByGrey, weighShortcut } from './shortcutRule.ts';
import { counted, listed, percent } from './words.ts';

/** What the findings of the part `shortcut` say in words, and whether they warn. */
export function shortcutVerdict(findings: ShortcutFindings): { verdict: string; warning: boolean } {
  if (findings.tooFew) return { verdict: ofFewCells(findings), warning: findings.confounded };
  const whole = probeOf(findings.probes, 'whole')!;
  const size = probeOf(findings.probes, 'size');
  const bySize = size !== undefined && weighShortcut(size.class, whole.class) === 'much';
  const background = weighBackground(findings, whole);
  const sentences = [
    ofBackground(findings, whole),
    ...(bySize ? [ofSize(size, background !== 'none')] : []),
    ...(findings.classesLeftOut.length > 0
      ? [`Too few cells to take part: ${listed(findings.classesLeftOut)}.`]
      : []),
  ];
  return { verdict: sentences.join(' '), warning: bySize || background !== 'none' };
}

/** 'none' as well where the background cannot be judged. */
function weighBackground({ probes, separable }: ShortcutFindings, whole: ProbeResult) {
  const background = probeOf(probes, 'background');
  return separable && background ? weighShortcut(background.class, whole.class) : 'none';
}

function ofBackground(findings: ShortcutFindings, whole: ProbeResult): string {
  const { probes, separable, clearShare, confounded } = findings;
  const background = probeOf(probes, 'background');
  const cell = probeOf(probes, 'cell')!;
  const beside = `the whole image reaches ${of(whole)}, the cell alone ${of(cell)}, guessing ${percent(whole.class.chance)}`;
  if (!background) return `The cells leave too little background to be judged by itself; ${beside}.`;
  if (!separable) {
    return (
      `In ${percent(1 - clearShare)} of the images no cell was found that keeps clear of the edge (cropped closely, crowded or empty), so the ` +
      `background cannot be judged by itself; what was taken for it predicts the class with ${of(background)}, where ${beside}.`
    );
  }
  const said = `The background alone, without the cell, predicts the class with a balanced accuracy of ${of(background)}`;
  if (confounded) return `${said}; ${beside}.${byGroups(background)} The data set is confounded.`;
  if (weighBackground(findings, whole) === 'some')
    return `${said}, more than it should, though far from what an image gives; ${beside}.${byGroups(background)}`;
  return `${said}, ${background.class.p < 0.05 ? 'too little above chance to matter' : 'no better than chance'}; ${beside}.`;
}

function byGroups({ class: own, groupsLeftOut }: ProbeResult): string {
  if (groupsLeftOut === null) return '';
  const kept = (groupsLeftOut - own.chance) / (own.balancedAccuracy - own.chance);
  const why =
    kept > 0.5
      ? 'leaving groups out does not mend it'
      : 'much of it is knowing the groups, which a split by group takes away';
  return ` With whole groups left out it reaches ${percent(groupsLeftOut)}: ${why}.`;
}

function ofSize(size: ProbeResult, withBackground: boolean): string {
  const blur = withBackground
    ? ' Resizing shows in the background, so size may be part of what betrays the class there.'
    : '';
  return `The size of the raw images alone predicts the class with ${of(size)}: harmless where each image was cropped to its cell, a shortcut where not.${blur}`;
}

function of({ class: { balancedAccuracy } }: ProbeResult): string {
  return percent(balancedAccuracy);
}

function ofFewCells(findings: ShortcutFindings): string {
  const { sampledCells, greyLevels, separable } = findings;
  const few = `${counted(sampledCells, 'cell')} are too few to train on, or to learn from what a background gives away.`;
  if (greyLevels === null) return `${few} Grey levels could not be compared either.`;
  const p = greyLevels.p < 0.001 ? 'p below 0.001' : `p ${greyLevels.p.toPrecision(1)}`;
  const share = `${percent(greyLevels.epsilonSquared)} of the spread of ranks lies between the classes, ${p}`;
  if (!separable || !separatesByGrey(findings))
    return `${few} The grey level of the background does not clearly separate the classes (${share}).`;
  const { apart } = greyLevels;
  const how = apart
    ? ` All of ${listed(apart.dark)} are darker than any of ${listed(apart.bright)}.`
    : ` From dark to bright: ${listed(
        greyLevels.classes.map(one => one.class),
        10,
      )}.`;
  return (
    `${few} But the grey level of the background separates the classes (${share}).${how} The classes were taken in sessions with light of ` +
    'their own: a classifier can tell them without looking at a cell. The data set is confounded.'
  );
}
