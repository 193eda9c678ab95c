import type { Dataset } from '../dataset/dataset.ts';
import { splitNames } from '../dataset/format.ts';
import { toCsv } from '../evaluate/csv.ts';
import { countsFigure, type StageCounts } from '../figures/countsFigure.ts';
import { boxedCell, exampleCells, rejectedCells } from './exampleCells.ts';
import { drawnFigure } from './figureHtml.ts';
import { type Html, html } from './html.ts';
import { lowered } from './perRun.ts';
import { Pictures } from './pictures.ts';
import { cautions, facts, missing, type Section, table } from './section.ts';
import type { Subject } from './subject.ts';
import { command, count, countOf, listed, pathEnd, percent } from './words.ts';

/** What was learnt from: cells of each class at every stage, examples (`share` of as many as usual), one cell with its box, what was rejected. */
export async function datasetSection(subjects: readonly Subject[], share = 1): Promise<Section> {
  const distinct = subjects.filter(
    (one, i) => subjects.findIndex(({ data }) => data.path === one.data.path) === i,
  );
  const parts = [];
  for (const subject of distinct) {
    const body = await describe(subject, share);
    parts.push(distinct.length > 1 ? html`<h3>${pathEnd(subject.data.path)}</h3>${lowered(body)}` : body);
  }
  return { id: 'data', title: 'The data set', body: html`${parts}` };
}

async function describe(subject: Subject, share: number): Promise<Html> {
  const { dataset, fault, changed } = subject.data;
  if (!dataset)
    return missing(
      `The data set cannot be read: ${fault} Everything that needs its images is left out.`,
      `${command('report', subject.path)} --dataset FOLDER`,
    );
  const pictures = new Pictures(dataset.images());
  return html`${factsOf(dataset, await countSides(dataset))}
${cautions(changed ? [`The data set has changed since the training: what is shown of it is as it is now.`] : [])}
${await classCounts(dataset, subject)}
${await exampleCells(dataset, pictures, share)}
${await boxedCell(dataset)}
${await rejected(dataset, pictures)}`;
}

async function countSides(dataset: Dataset): Promise<string> {
  const rows = await dataset.query(
    'SELECT split, count(*) AS cells, count(DISTINCT "group") AS groups FROM cells WHERE split IS NOT NULL GROUP BY split',
  );
  const settings = await dataset.settings('split');
  const sides = splitNames.flatMap(name => {
    const row = rows.find(one => one.split === name);
    if (!row) return [];
    const groups = Number(row.groups) > 0 ? ` of ${countOf(Number(row.groups), 'group')}` : '';
    return [`${name} ${count(Number(row.cells))}${groups}`];
  });
  const by = typeof settings?.by === 'string' ? `, by ${settings.by}` : '';
  return sides.length === 0 ? 'not split' : `${sides.join('; ')}${by}`;
}

function factsOf(dataset: Dataset, sides: string): Html {
  const { channels, height, width, pixelType, preparation, provenance, classes } = dataset.header;
  const kept = channels === 1 ? 'gray' : countOf(channels, 'channel');
  return facts('The data set', [
    ['Folder', html`<code>${pathEnd(dataset.path)}</code>`],
    ['Cells', count(dataset.count)],
    ['Classes', listed(classes)],
    ['Stored images', `${height} x ${width} pixels, ${kept}, ${pixelType} (${preparation.fit} to fit)`],
    ['Split', sides],
    ['From', `${pathEnd(provenance.source)}, ${provenance.createdAt.slice(0, 10)}`],
  ]);
}

async function classCounts(dataset: Dataset, subject: Subject): Promise<Html> {
  const { classes } = dataset.header;
  const stage = async (name: string, where: string): Promise<StageCounts> => {
    const rows = await dataset.query(
      `SELECT label, count(*) AS cells FROM cells WHERE label >= 0 AND ${where} GROUP BY label`,
    );
    const counts = classes.map((_, k) => Number(rows.find(row => Number(row.label) === k)?.cells ?? 0));
    return { stage: name, counts };
  };
  const accepted = "verdict IS DISTINCT FROM 'rejected'";
  const training = await stage('in the training part', `${accepted} AND split = 'train'`);
  const stages = [
    await stage('imported', 'true'),
    await stage('after screening', accepted),
    training,
    ...balanced(training.counts, subject),
  ];
  const notes =
    subject.config.balance === 'sampling'
      ? ['Balanced by drawing: rare classes are drawn more often, each cell as often as its classmates.']
      : [];
  const figure = countsFigure(
    'Cells of each class before and after screening and balancing',
    classes,
    stages,
    notes,
  );
  const csv = toCsv([
    ['class', ...stages.map(one => one.stage)],
    ...classes.map((name, k) => [name, ...stages.map(one => one.counts[k]!)]),
  ]);
  const alt = `Bars: ${classes.map((name, k) => `${name} ${stages.map(one => `${one.stage} ${one.counts[k]}`).join(', ')}`).join('; ')}.`;
  return drawnFigure(figure, {
    name: 'classes',
    alt,
    csv,
    caption: 'Cells of each class at every stage (as Fig. 2 of Meng et al. 2019).',
  });
}

/** What a network draws of each class in an epoch: the same of all that are there. */
function balanced(counts: readonly number[], { config }: Subject): StageCounts[] {
  if (config.balance !== 'sampling') return [];
  const cells = counts.reduce((sum, one) => sum + one, 0);
  const present = counts.filter(one => one > 0).length;
  if (cells === 0) return [];
  return [
    { stage: 'drawn in an epoch', counts: counts.map(one => (one > 0 ? Math.round(cells / present) : 0)) },
  ];
}

async function rejected(dataset: Dataset, pictures: Pictures): Promise<Html> {
  const [row] = await dataset.query(
    "SELECT count(*) FILTER (verdict = 'rejected') AS rejected, count(*) FILTER (verdict IS NOT NULL) AS judged FROM cells",
  );
  const [out, judged] = [Number(row?.rejected), Number(row?.judged)];
  const title = html`<h3>What was rejected, and why</h3>`;
  if (judged === 0)
    return html`${title}${missing('The images were not screened.', command('screen', dataset.path))}`;
  if (out === 0) return html`${title}<p>Screening rejected none of ${countOf(judged, 'image')}.</p>`;
  return html`${title}
<p>${countOf(out, 'image')} of ${count(dataset.count)} (${percent(out / dataset.count)}) were rejected.</p>
${await reasons(dataset)}
${await rejectedCells(dataset, pictures)}`;
}

async function reasons(dataset: Dataset): Promise<Html> {
  const { classes } = dataset.header;
  const rows = await dataset.query(
    `SELECT split_part(coalesce(reason, 'no reason given'), ':', 1) AS kind, label, count(*) AS cells
     FROM cells WHERE verdict = 'rejected' GROUP BY kind, label`,
  );
  const kinds = [...new Set(rows.map(row => String(row.kind)))];
  const of = (kind: string, label?: number) =>
    rows
      .filter(row => row.kind === kind && (label === undefined || Number(row.label) === label))
      .reduce((sum, row) => sum + Number(row.cells), 0);
  kinds.sort((a, b) => of(b) - of(a));
  const byClass = classes.length <= 8;
  return table(
    'Rejected images by what was found',
    [
      { title: 'Found' },
      { title: 'Images', numeric: true },
      ...(byClass ? classes.map(name => ({ title: name, numeric: true })) : []),
    ],
    kinds
      .slice(0, 20)
      .map(kind => [kind, count(of(kind)), ...(byClass ? classes.map((_, k) => count(of(kind, k))) : [])]),
  );
}
