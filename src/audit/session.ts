import type { Dataset } from '../dataset/dataset.ts';
import { measureFeatures } from '../engine/features.ts';
import type { Figure } from '../figures/figure.ts';
import type { Job } from '../job.ts';
import type { AuditPart, PartOptions, PartReport } from './part.ts';
import { dotFigure, shareFigure } from './rowFigures.ts';
import { drawSample } from './sample.ts';
import type { SessionFindings } from './sessionFindings.ts';
import { readGroups } from './sessionReading.ts';
import { compareSplits, type SplitComparison } from './sessionSplits.ts';
import { tabulateGroups } from './sessionTable.ts';
import { sessionVerdict } from './sessionVerdict.ts';

/**
 * Whether the class goes with the group (run, donor, day): the table of the two, how far accuracy falls when whole
 * groups are left out, and how well the group itself can be read from the images.
 */
export const session: AuditPart = {
  name: 'session',
  about: 'does the class go with the run, donor or day, and what does a new one cost?',
  needsRun: false,
  look: lookAtSessions,
};

async function lookAtSessions(dataset: Dataset, options: PartOptions, job: Job): Promise<PartReport> {
  const cells = await dataset.cells();
  const { classes } = dataset.header;
  const table = tabulateGroups(cells, classes);
  const findings: SessionFindings = {
    ...{ table, splits: null, readings: [], sampledCells: 0 },
    whyNoSplits: 'No two groups are known.',
  };
  if (table.groups.length > 1) {
    const sample = drawSample(cells, options.cells, options.seed);
    const values = await measureFeatures(dataset.images(), sample.id, job);
    const image = { values, D: values.length / sample.count };
    findings.sampledCells = sample.count;
    const splits = await compareSplits({ sample, image, classes }, options.seed, job);
    if (typeof splits === 'string') findings.whyNoSplits = splits;
    else [findings.splits, findings.whyNoSplits] = [splits, null];
    findings.readings = await readGroups({ dataset, sample, image }, options, job);
  }
  const { verdict, warning } = sessionVerdict(findings);
  return {
    ...{ name: session.name, verdict, warning, findings: { ...findings } },
    figures: drawFigures(findings, classes),
    files: [],
  };
}

const mostRows = 30;

function drawFigures(
  { table, splits }: SessionFindings,
  classes: readonly string[],
): { name: string; figure: Figure }[] {
  if (table.groups.length === 0) return [];
  const shown = [...table.groups].sort((a, b) => b.cells - a.cells).slice(0, mostRows);
  const names = new Set(shown.map(one => one.group));
  const rows = table.groups.filter(one => names.has(one.group));
  const rest = table.groups.length - rows.length;
  const V = table.association.correctedV.toFixed(2);
  const figures = [
    {
      name: 'session-classes',
      figure: shareFigure('Classes of each group', {
        rows: rows.map(one => `${one.group} (${one.cells.toLocaleString('en-US')})`),
        series: classes,
        counts: rows.map(one => one.counts),
        notes: [
          `In brackets: cells. Cramér's V, bias corrected: ${V} (0: every group has the classes alike, 1: the group says the class).`,
          ...(rest > 0 ? [`The ${rest} smallest groups are not shown.`] : []),
        ],
      }),
    },
  ];
  if (splits) figures.push({ name: 'session-splits', figure: splitFigure(splits) });
  return figures;
}

const [random, leftOut] = ['random split', 'whole groups left out'];

function splitFigure({ random: drawn, leftOut: whole, groups, chance, folds }: SplitComparison): Figure {
  const all = 'all, balanced';
  const shown = [...groups].sort((a, b) => b.cells - a.cells).slice(0, mostRows);
  const names = [all, ...shown.map(one => one.group).sort()];
  const dots = [
    { row: all, series: random, value: drawn.value, low: drawn.interval[0], high: drawn.interval[1] },
    { row: all, series: leftOut, value: whole.value, low: whole.interval[0], high: whole.interval[1] },
    ...shown.flatMap(one => [
      { row: one.group, series: random, value: one.random, low: one.random, high: one.random },
      { row: one.group, series: leftOut, value: one.leftOut, low: one.leftOut, high: one.leftOut },
    ]),
  ];
  return dotFigure('Accuracy of a quick classifier by how the cells are split', {
    ...{ dots, rows: names, series: [random, leftOut], label: 'accuracy (share)', lines: [{ at: chance }] },
    notes: [
      `${folds}-fold cross-validation of a random forest on hand-made features. Dashed: chance. Lines: 95 % intervals, groups resampled. Of one group the plain accuracy is shown.`,
    ],
  });
}
