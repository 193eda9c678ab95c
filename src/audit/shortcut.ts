import type { Dataset } from '../dataset/dataset.ts';
import type { Figure } from '../figures/figure.ts';
import type { Job } from '../job.ts';
import { measureBackgrounds } from './background.ts';
import { compareLevels, type GreyLevels } from './greyLevels.ts';
import type { AuditPart, PartOptions, PartReport } from './part.ts';
import type { ProbeScore } from './probeScore.ts';
import { askProbes, learnableClasses, probeWords } from './probes.ts';
import { dotFigure } from './rowFigures.ts';
import { drawSample, type Sample } from './sample.ts';
import type { ShortcutFindings } from './shortcutFindings.ts';
import { isConfounded, isSeparable } from './shortcutRule.ts';
import { shortcutVerdict } from './shortcutVerdict.ts';

/**
 * Whether anything but the cell predicts the class: the background, the border, the mean grey, the histogram and the size
 * of the image, each alone, beside the whole image and the cell alone.
 */
export const shortcut: AuditPart = {
  name: 'shortcut',
  about: 'can the classes be told without looking at the cell?',
  needsRun: false,
  look: lookForShortcuts,
};

async function lookForShortcuts(dataset: Dataset, options: PartOptions, job: Job): Promise<PartReport> {
  const sample = drawSample(await dataset.cells(), options.cells, options.seed);
  const tooFew = learnableClasses(sample, dataset.header.classes.length).length < 2;
  const looked = tooFew
    ? await compareFew(dataset, sample, options, job)
    : await probe(dataset, sample, options, job);
  const findings: ShortcutFindings = { confounded: isConfounded(looked), ...looked };
  const { verdict, warning } = shortcutVerdict(findings);
  return {
    ...{ name: shortcut.name, verdict, warning, confounded: findings.confounded },
    findings: { ...findings },
    figures: drawFigures(findings, dataset.header.classes),
    files: [],
  };
}

type Looked = Omit<ShortcutFindings, 'confounded'>;

async function compareFew(
  dataset: Dataset,
  sample: Sample,
  { seed }: PartOptions,
  job: Job,
): Promise<Looked> {
  const { classes } = dataset.header;
  const { level, regionShare, clearShare } = await measureBackgrounds(dataset.images(), sample.id, job);
  return {
    ...{ sampledCells: sample.count, tooFew: true, probes: [], classesLeftOut: [...classes], notAsked: [] },
    greyLevels: compareLevels(level, sample, classes, seed),
    ...{ regionShare, clearShare, separable: isSeparable(clearShare) },
  };
}

async function probe(dataset: Dataset, sample: Sample, { seed }: PartOptions, job: Job): Promise<Looked> {
  const { backgrounds, ...asked } = await askProbes(dataset, sample, seed, job);
  const { level, regionShare, clearShare } = backgrounds;
  return {
    ...{ sampledCells: sample.count, tooFew: false, ...asked },
    greyLevels: compareLevels(level, sample, dataset.header.classes, seed),
    ...{ regionShare, clearShare, separable: isSeparable(clearShare) },
  };
}

function drawFigures(
  findings: ShortcutFindings,
  classes: readonly string[],
): { name: string; figure: Figure }[] {
  const { probes, greyLevels } = findings;
  const figures: { name: string; figure: Figure }[] = [];
  if (probes.length > 0) figures.push({ name: 'shortcut-probes', figure: probeFigure(findings) });
  if (greyLevels) figures.push({ name: 'shortcut-grey', figure: greyFigure(greyLevels, classes) });
  return figures;
}

const [ofClass, ofGroup] = ['the class', 'the group (run, donor, day)'];

function probeFigure({ probes, sampledCells }: ShortcutFindings): Figure {
  const dot = (row: string, series: string, { balancedAccuracy, interval: [low, high] }: ProbeScore) => ({
    ...{ row, series, value: balancedAccuracy, low, high },
  });
  const dots = probes.flatMap(one => [
    dot(probeWords[one.probe], ofClass, one.class),
    ...(one.group ? [dot(probeWords[one.probe], ofGroup, one.group)] : []),
  ]);
  const groups = probes.find(one => one.group)?.group;
  const { chance, classes } = probes[0]!.class;
  return dotFigure('What predicts the class', {
    ...{ dots, rows: probes.map(one => probeWords[one.probe]), label: 'balanced accuracy (share)' },
    series: groups ? [ofClass, ofGroup] : [ofClass],
    lines: [{ at: chance }],
    notes: [
      `Random forests, 5-fold cross-validation, cells split at random; ${sampledCells.toLocaleString('en-US')} cells. Dashed: chance of ${classes} classes${groups ? ` (of ${groups.classes} groups: ${groups.chance.toFixed(2)})` : ''}. Lines: 95 % intervals.`,
    ],
  });
}

function greyFigure({ classes, cells }: GreyLevels, names: readonly string[]): Figure {
  const rowOf = (one: GreyLevels['classes'][number]) => `${one.class} (${one.cells.toLocaleString('en-US')})`;
  return dotFigure('Grey level of the background by class', {
    dots: classes.map(one => ({
      ...{ row: rowOf(one), series: one.class, value: one.median, low: one.least, high: one.most },
    })),
    ...{ rows: classes.map(rowOf), series: names, label: 'grey level (share of the range)', lines: [] },
    to: Math.min(1, Math.max(0.1, 1.1 * Math.max(...classes.map(one => one.most)))),
    notes: [
      `Median of what is surely not cell, of ${cells.toLocaleString('en-US')} images: a dot at the median image, a line from the least to the most. In brackets: images.`,
    ],
  });
}
