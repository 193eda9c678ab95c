import type { Dataset } from '../dataset/dataset.ts';
import { toCsv } from '../evaluate/csv.ts';
import { type DrawnFigure, drawSheet } from '../figures/imageSheet.ts';
import { imageRaster } from '../figures/tile.ts';
import type { Job } from '../job.ts';
import { type Confident, findSuspects, type Suspect } from './confident.ts';
import { type LabelFindings, labelVerdict } from './labelVerdict.ts';
import { createForestJudge, createMethodJudge, judgeOutOfFold } from './outOfFold.ts';
import type { AuditPart, PartOptions, PartReport } from './part.ts';
import { type Places, readPlaces } from './places.ts';
import { drawSample, type Sample } from './sample.ts';

/** Which labels are probably wrong: confident learning on cross-validated probabilities, ranked. */
export const labels: AuditPart = {
  name: 'labels',
  about: 'which labels are probably wrong?',
  needsRun: false,
  look: lookAtLabels,
};

const repeats = 2;
/** A class of fewer cells cannot be learnt from four of five folds; fewer cells than these say nothing. */
const fewOfClass = 5;
const mostListed = 10_000;

async function lookAtLabels(dataset: Dataset, options: PartOptions, job: Job): Promise<PartReport> {
  const { classes } = dataset.header;
  const table = await dataset.cells();
  const sample = drawSample(table, options.cells, options.seed);
  const counts = classes.map((_, k) => sample.label.filter(label => label === k).length);
  const base = {
    cells: table.count,
    sampledCells: sample.count,
    method: options.method ?? 'features+forest',
  };
  if (counts.filter(count => count >= fewOfClass).length < 2) return cannotAsk({ ...base, perClass: counts });
  const { judge, close } = await (options.method === undefined
    ? createForestJudge(dataset, sample, sample.label, job)
    : createMethodJudge(dataset, sample, sample.label, options.method));
  try {
    const asked = { labels: sample.label, K: classes.length, judge };
    const own = { seed: options.seed, repeats: options.method === undefined ? repeats : 1 };
    const probabilities = await judgeOutOfFold(asked, own, job);
    const confident = findSuspects(probabilities, sample.label, classes.length);
    const right = sample.count - confident.ranked.length;
    const findings: LabelFindings = {
      ...{ ...base, perClass: counts, accuracy: right / sample.count },
      ...{ suspects: confident.suspects.length, expected: confident.expected },
      ...{ joint: confident.joint, thresholds: confident.thresholds, classes: [...classes] },
      commonest: commonestMixUp(confident.suspects),
    };
    return await report(dataset, sample, confident, findings);
  } finally {
    close();
  }
}

function cannotAsk(findings: Record<string, unknown>): PartReport {
  const verdict = `Labels are judged by what the other cells of at least two classes say; fewer than two classes have ${fewOfClass} cells.`;
  return { name: labels.name, verdict, warning: false, findings, figures: [], files: [] };
}

/** The pair of given and likely class that most suspects have; null without any. */
function commonestMixUp(suspects: readonly Suspect[]): LabelFindings['commonest'] {
  const counts = new Map<string, { given: number; likely: number; cells: number }>();
  for (const { given, likely } of suspects) {
    const key = `${given} ${likely}`;
    const one = counts.get(key) ?? { given, likely, cells: 0 };
    one.cells++;
    counts.set(key, one);
  }
  return [...counts.values()].sort((a, b) => b.cells - a.cells)[0] ?? null;
}

async function report(
  dataset: Dataset,
  sample: Sample,
  { ranked, suspects }: Confident,
  findings: LabelFindings,
): Promise<PartReport> {
  const places = await readPlaces(dataset, await dataset.cells());
  const at = new Map(Array.from((await dataset.cells()).id, (id, i) => [id, i]));
  const placeOf = (cell: number) => at.get(sample.id[cell]!)!;
  const { verdict, warning } = labelVerdict(findings);
  return {
    ...{ name: labels.name, verdict, warning, findings: { ...findings }, figures: [] },
    ...(suspects.length > 0 && { drawn: [await drawSuspects(dataset, sample, suspects)] }),
    files:
      ranked.length === 0
        ? []
        : [{ name: 'labels.csv', content: rankedCsv(dataset, sample, ranked, places, placeOf) }],
  };
}

function rankedCsv(
  { header: { classes } }: Dataset,
  sample: Sample,
  ranked: readonly Suspect[],
  { source, frame }: Places,
  placeOf: (cell: number) => number,
): string {
  const names = ['rank', 'id', 'source', 'frame', 'group', 'given', 'likely'];
  const rows = ranked.slice(0, mostListed).map((one, rank) => {
    const place = placeOf(one.cell);
    return [
      ...[rank + 1, sample.id[one.cell]!, source[place]!, frame[place]!, sample.group[one.cell] ?? null],
      ...[classes[one.given]!, classes[one.likely]!, Number(one.givenProbability.toFixed(4))],
      ...[Number(one.likelyProbability.toFixed(4)), one.suspect ? 'yes' : 'no'],
    ];
  });
  return toCsv([[...names, 'given_probability', 'likely_probability', 'suspect'], ...rows]);
}

const shownCells = 24;

async function drawSuspects(
  dataset: Dataset,
  sample: Sample,
  suspects: readonly Suspect[],
): Promise<DrawnFigure> {
  const { header } = dataset;
  const { classes } = header;
  const images = dataset.images();
  const perRow = 6;
  const tiles = suspects.slice(0, shownCells).map(({ cell, given, likely, likelyProbability }) => ({
    raster: imageRaster(images.read(sample.id[cell]!), [header.channels, header.height, header.width]),
    label: `said: ${classes[given]}`,
    note: `${classes[likely]}? ${(100 * likelyProbability).toFixed(0)} %`,
  }));
  const title = 'Cells whose label is probably wrong';
  const svg = await drawSheet({
    title,
    rows: Array.from({ length: Math.ceil(tiles.length / perRow) }, (_, row) => ({
      tiles: tiles.slice(row * perRow, (row + 1) * perRow),
    })),
    notes: [
      'Above each image its label, below it the class that classifiers name which have not seen the cell, and its probability.',
      `The ${tiles.length} most suspicious of ${suspects.length.toLocaleString('en-US')}.`,
    ],
  });
  return { name: 'labels-suspects', title, svg };
}
