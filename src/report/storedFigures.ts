import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import sharp from 'sharp';
import { csvUri, sizeOf, svgFigure, webpFigure } from './figureHtml.ts';
import { type Html, html } from './html.ts';
import { countOf, pathEnd } from './words.ts';

/** What figures and tables from folders may still take in the report. */
export interface Budget {
  bytes: number;
  /** Of the usual bytes that a figure may take, from 0 to 1. */
  share: number;
  /** Figures and tables for which there was no room. */
  left: number;
}

const mostSvg = 700_000;
const mostCsv = 200_000;

/**
 * The figures that a command left in `FOLDER/figures`, SVG where it is not too large, else WebP, and its tables as links
 * that save them. What does not fit the budget any more is counted, and named with its folder.
 */
export async function storedFigures(folder: string, budget: Budget): Promise<Html> {
  const names = await readdir(join(folder, 'figures')).catch(() => [] as string[]);
  const stems = [...new Set(names.filter(isFigure).map(name => basename(name, extname(name))))].sort();
  const shown = [];
  const tall = [];
  let left = 0;
  for (const stem of stems) {
    const stored = await maybeFigure(join(folder, 'figures'), stem, names, budget);
    if (!stored) {
      left++;
      budget.left++;
    }
    if (stored && stored.height > tallest * stored.width) tall.push(folded(stored));
    else if (stored) shown.push(stored.figure);
  }
  const more =
    left > 0 &&
    html`<p class="note">${countOf(left, 'more figure')}: see <code>${pathEnd(folder, 2)}/figures</code>.</p>`;
  return html`<div class="figures">${shown}</div>${tall}${more}${await tables(folder, budget)}`;
}

/** What is taller than so many times its width is opened by the reader. */
const tallest = 2.5;

interface StoredFigure {
  title: string;
  figure: Html;
  width: number;
  height: number;
}

function folded({ title, figure }: StoredFigure): Html {
  return html`<details><summary>${title}</summary>${figure}</details>
`;
}

function isFigure(name: string): boolean {
  return /\.(svg|png)$/.test(name) && !name.startsWith('.');
}

async function maybeFigure(
  folder: string,
  stem: string,
  names: string[],
  budget: Budget,
): Promise<StoredFigure | undefined> {
  const svg = names.includes(`${stem}.svg`) ? await readFile(join(folder, `${stem}.svg`), 'utf8') : '';
  // Figures of several commands may have the same name.
  const name = `${basename(dirname(folder))}-${stem}`;
  const title = titleOf(svg, name);
  const text = { name, alt: title, caption: title };
  if (svg !== '' && svg.length <= budget.share * mostSvg && take(budget, svg.length)) {
    const [width, height] = sizeOf(svg);
    return { title, figure: svgFigure(svg, text), width, height };
  }
  if (!names.includes(`${stem}.png`)) return undefined;
  const image = await smallImage(join(folder, `${stem}.png`), budget.share);
  if (!image || !take(budget, image.data.length)) return undefined;
  const { width, height } = image;
  return { title, figure: webpFigure(image.data, image, text), width, height };
}

/** A PNG file as WebP, at most 1,600 pixels wide, half of that for a quarter of the bytes; undefined for what is none. */
async function smallImage(path: string, share: number) {
  try {
    const width = Math.round(1600 * Math.sqrt(share));
    const resized = sharp(path).resize({ width, withoutEnlargement: true }).webp({ quality: 80 });
    const { data, info } = await resized.toBuffer({ resolveWithObject: true });
    return { data, width: info.width, height: info.height };
  } catch {
    return undefined;
  }
}

/** Takes what base64 makes of so many bytes; false where too few are left. */
function take(budget: Budget, bytes: number): boolean {
  const needed = Math.ceil((4 * bytes) / 3);
  if (needed > budget.bytes) return false;
  budget.bytes -= needed;
  return true;
}

/** The title of a figure: its large words, or else its name and its first words. */
function titleOf(svg: string, name: string): string {
  const texts = [...svg.matchAll(/<text\b([^>]*)>([^<]+)<\/text>/g)];
  const large = texts.filter(([, attributes]) => attributes!.includes('font-size="15"'));
  const named = `${name[0]!.toUpperCase()}${name.slice(1).replaceAll('-', ' ')}`;
  const words =
    large.length > 0 ? large.map(wordsOf).join(' ') : [named, ...texts.slice(0, 1).map(wordsOf)].join(': ');
  return words.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}

function wordsOf([, , own]: RegExpMatchArray): string {
  return own!;
}

async function tables(folder: string, budget: Budget): Promise<Html> {
  const names = await readdir(folder).catch(() => [] as string[]);
  const links = [];
  let left = 0;
  for (const name of names.filter(one => one.endsWith('.csv') && !one.startsWith('.')).sort()) {
    const path = join(folder, name);
    if ((await stat(path)).size > mostCsv) continue;
    const text = await readFile(path, 'utf8');
    if (take(budget, text.length))
      links.push(html` <a download="${name}" href="${csvUri(text)}">${name}</a>`);
    else left++;
  }
  budget.left += left;
  return html`${links.length > 0 && html`<p class="note">Data as CSV:${links}</p>`}${
    left > 0 &&
    html`<p class="note">${countOf(left, 'more table')}: see <code>${pathEnd(folder, 2)}</code>.</p>`
  }`;
}
