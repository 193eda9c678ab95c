// N cells, K classes.
import type { ReportPart } from './evaluation.ts';
import { type Html, html } from './html.ts';
import { perRun } from './perRun.ts';
import { type Pictures, pictureHtml } from './pictures.ts';
import { withoutEvaluation } from './scoresSection.ts';
import { missing, type Section, scrolling } from './section.ts';
import type { Subject } from './subject.ts';
import { capital, count, countOf, percent, shortSource } from './words.ts';

/** Images that all matrices together may hold. */
const mostImages = 900;
/** Images behind one cell. */
const mostBehind = 24;

/**
 * The confusion matrix of each run's most telling part; a cell of it is a button that shows the images behind it, `share` of
 * as many as usual.
 */
export async function confusionSection(
  subjects: readonly Subject[],
  picturesOf: (subject: Subject) => Pictures | undefined,
  share = 1,
): Promise<Section> {
  const judged = subjects.filter(one => one.evaluation).length;
  const small = subjects.every(one => (one.evaluation?.parts[0]?.classes.length ?? 0) <= 5);
  const body = await perRun(
    subjects,
    async subject => {
      const part = subject.evaluation?.parts[0];
      if (!part) return withoutEvaluation(subject);
      const prefix = `cells-${subjects.indexOf(subject)}`;
      return confusion(part, {
        prefix,
        pictures: picturesOf(subject),
        fault: subject.data.imagesFault,
        images: (share * mostImages) / judged,
      });
    },
    { side: small },
  );
  const words = html`<p>Rows are the true class, columns the class that was named. Shade is the share of the row. A number opens the images behind it.</p>`;
  return { id: 'confusion', title: 'Confusion matrix', body: html`${words}${body}` };
}

const tooMany = 'there are too many for one file; make a report of fewer runs';

interface Behind {
  prefix: string;
  pictures: Pictures | undefined;
  /** Why there are no pictures. */
  fault: string | undefined;
  images: number;
}

async function confusion(part: ReportPart, given: Behind): Promise<Html> {
  const { classes, scores } = part;
  const K = classes.length;
  const filled = scores.confusion.flat().filter(one => one > 0).length;
  const most = Math.max(1, Math.min(mostBehind, Math.floor(given.images / filled)));
  const behind = 8 * given.images < filled ? { ...given, pictures: undefined, fault: tooMany } : given;
  const rows = [];
  const templates = [];
  for (const [k, row] of scores.confusion.entries()) {
    const support = row.reduce((sum, one) => sum + one, 0);
    const cells = row.map((cells, j) => matrixCell({ cells, support, k, j }, classes, behind));
    rows.push(html`<tr><th scope="row">${classes[k]!}</th>${cells}</tr>`);
    for (const [j, cells] of row.entries())
      if (cells > 0 && behind.pictures) templates.push(await gallery(part, { k, j, most }, behind));
  }
  const caption = `${capital(part.part)} part, ${countOf(part.labels.length, 'cell')}`;
  const heads = classes.map(name => html`<th scope="col"><span>${name}</span></th>`);
  return html`${scrolling(
    `Confusion matrix, ${caption}`,
    html`<table class="confusion${K > 6 ? ' many' : ''}"><caption>${caption}</caption><thead><tr><td></td>${heads}</tr></thead><tbody>${rows}</tbody></table>`,
  )}
${!behind.pictures && missing(`The images behind the numbers cannot be shown: ${behind.fault}.`)}
${templates}`;
}

interface MatrixCell {
  cells: number;
  support: number;
  k: number;
  j: number;
}

function matrixCell(
  { cells, support, k, j }: MatrixCell,
  classes: readonly string[],
  { prefix, pictures }: Behind,
): Html {
  if (cells === 0) return html`<td class="none">0</td>`;
  const share = cells / support;
  const shade = Math.min(6, Math.ceil(6 * share));
  const inside = html`${count(cells)}<small>${classes.length > 6 ? `${Math.round(100 * share)}\u00a0%` : percent(share)}</small>`;
  if (!pictures) return html`<td class="s${shade}">${inside}</td>`;
  return html`<td class="s${shade}"><button type="button" data-cells="${prefix}-${k}-${j}" aria-haspopup="dialog" aria-label="${describe(cells, classes[k]!, classes[j]!, k === j)}">${inside}</button></td>`;
}

function describe(cells: number, truth: string, named: string, right: boolean): string {
  const what = right
    ? `${countOf(cells, `${truth} cell`)} named rightly`
    : `${countOf(cells, `${truth} cell`)} taken for ${named}`;
  return `${what}: show images`;
}

async function gallery(
  part: ReportPart,
  { k, j, most }: { k: number; j: number; most: number },
  { prefix, pictures }: Behind,
): Promise<Html> {
  const { classes, labels, predicted } = part;
  const members = [...labels.keys()].filter(i => labels[i] === k && predicted[i] === j);
  const surest = members.sort((a, b) => sure(part, b) - sure(part, a));
  const shown = k === j ? spread(surest, most) : surest.slice(0, most);
  const items = [];
  for (const i of shown) items.push(await galleryItem(part, i, pictures!));
  const [truth, named] = [classes[k]!, classes[j]!];
  const title = k === j ? `${truth}, named rightly` : `${truth}, taken for ${named}`;
  const how = k === j ? 'from the surest to the least sure' : 'the surest first';
  const said =
    shown.length < members.length
      ? `${shown.length} of ${count(members.length)} are in this report, ${how}.`
      : `All ${members.length}, ${how}.`;
  return html`<template id="${prefix}-${k}-${j}"><h3>${title}</h3><p>${said}</p><ul class="cells">${items}</ul></template>
`;
}

async function galleryItem(part: ReportPart, i: number, pictures: Pictures): Promise<Html> {
  const { classes, id, source } = part;
  const named = classes[part.predicted[i]!]!;
  const truth = classes[part.labels[i]!]!;
  const image = pictureHtml(await pictures.of(id[i]!), `Cell ${id[i]}, ${truth}`);
  return html`<li>${image}${named} ${sure(part, i).toFixed(2)}<br><span title="${source[i]!}">cell ${id[i]!}, ${shortSource(source[i]!)}</span></li>`;
}

/** The probability of the class that was named. */
function sure({ probabilities, predicted, classes }: ReportPart, i: number): number {
  return probabilities[i * classes.length + predicted[i]!]!;
}

/** So many of a list, evenly along it, the first and the last among them. */
function spread<T>(list: readonly T[], most: number): T[] {
  if (list.length <= most) return [...list];
  if (most === 1) return [list[0]!];
  return Array.from({ length: most }, (_, i) => list[Math.round((i * (list.length - 1)) / (most - 1))]!);
}
