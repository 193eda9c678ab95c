// H rows, W columns.
import sharp from 'sharp';
import type { Dataset } from '../dataset/dataset.ts';
import { findCells } from '../engine/features.ts';
import { BrightcellError } from '../errors.ts';
import { svgFigure } from './figureHtml.ts';
import { type Html, html } from './html.ts';
import { type Pictures, pictureHtml, pictureList } from './pictures.ts';
import { scrolling } from './section.ts';

const examplesPerClass = 8;

/** A row of accepted cells of each class, spread over the data set; as in Fig. 1 of Meng et al. 2019. */
export async function exampleCells(dataset: Dataset, pictures: Pictures, share = 1): Promise<Html> {
  const most = Math.max(1, Math.round(share * examplesPerClass));
  const rows = [];
  for (const [label, name] of dataset.header.classes.entries()) {
    const ids = await spreadIds(dataset, `label = ${label} AND verdict IS DISTINCT FROM 'rejected'`, most);
    const cells = [];
    for (const id of ids)
      cells.push(html`<li>${pictureHtml(await pictures.of(id), `${name}, cell ${id}`)}</li>`);
    const shown = ids.length > 0 ? html`<ul class="cells small">${cells}</ul>` : 'no cells';
    rows.push(html`<tr><th scope="row">${name}</th><td>${shown}</td></tr>`);
  }
  const caption = 'Examples of each class, as stored (as Fig. 1 of Meng et al. 2019)';
  return html`<h3>Examples</h3>
${scrolling(caption, html`<table class="examples"><caption>${caption}</caption><tbody>${rows}</tbody></table>`)}`;
}

/** Rows of cells, at most so many, evenly along the order in which they were imported. */
async function spreadIds(dataset: Dataset, where: string, most: number): Promise<number[]> {
  const [row] = await dataset.query(`SELECT count(*) AS n FROM cells WHERE ${where}`);
  const step = Math.max(1, Math.floor(Number(row?.n) / most));
  const rows = await dataset.query(
    `SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM cells WHERE ${where})
     WHERE place % ${step} = ${Math.floor(step / 2)} ORDER BY id LIMIT ${most}`,
  );
  return rows.map(one => Number(one.id));
}

const mostRejected = 12;

/** Some rejected images with their reasons. */
export async function rejectedCells(dataset: Dataset, pictures: Pictures): Promise<Html> {
  const ids = await spreadIds(dataset, "verdict = 'rejected'", mostRejected);
  const rows = await dataset.query(
    `SELECT id, reason FROM cells WHERE id IN (${ids.join(', ')}) ORDER BY id`,
  );
  const cells = rows.map(row => {
    const reason = String(row.reason ?? 'no reason given');
    return { row: Number(row.id), alt: `Rejected image ${row.id}`, caption: reason };
  });
  return pictureList(pictures, cells);
}

/** One cell with the smallest box around it; as in Fig. 4 of Meng et al. 2019. Nothing where no cell is found. */
export async function boxedCell(dataset: Dataset): Promise<Html> {
  const chosen = await usualCell(dataset);
  if (!chosen) return html``;
  const { id, box } = chosen;
  const { height, width, channels, classes } = dataset.header;
  const pixels = dataset.images().read(id);
  const bytes = pixels instanceof Uint8Array ? pixels : Uint8Array.from(pixels, value => value >> 8);
  const gray = bytes.subarray(0, height * width);
  const png = await sharp(gray, { raw: { width, height, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toBuffer();
  const [row] = await dataset.query(
    `SELECT label, source, raw_height, raw_width FROM cells WHERE id = ${id}`,
  );
  const name = classes[Number(row!.label)]!;
  const [high, wide] = [box.bottom - box.top + 1, box.right - box.left + 1];
  const words = `A ${name} cell of ${dataset.count}: image of ${row!.raw_height} x ${row!.raw_width} pixels stored as ${height} x ${width}; the cell takes ${wide} x ${high} pixels, ${box.pixels} of them its own`;
  const caption = `${words} (as Fig. 4 of Meng et al. 2019).${channels > 1 ? ' First channel.' : ''}`;
  return html`<h3>One cell with its bounding box</h3>
${svgFigure(drawBox(png, { height, width }, box), { name: 'cell', alt: words, caption })}`;
}

const looked = 32;

/** Of some cells the one of middle size, of those clear of the image's edge where there are any. */
async function usualCell(dataset: Dataset): Promise<{ id: number; box: Box } | undefined> {
  const ids = await spreadIds(dataset, "label >= 0 AND verdict IS DISTINCT FROM 'rejected'", looked);
  const { height, width } = dataset.header;
  const masks = await tryFindCells(dataset.images(), ids);
  const found = ids.flatMap((id, i) => {
    const box = masks && boxOf(masks.subarray(i * height * width, (i + 1) * height * width), width);
    return box ? [{ id, box }] : [];
  });
  const clear = found.filter(
    ({ box }) => box.top > 0 && box.left > 0 && box.bottom < height - 1 && box.right < width - 1,
  );
  const of = clear.length > 0 ? clear : found;
  return of.sort((a, b) => a.box.pixels - b.box.pixels)[of.length >> 1];
}

async function tryFindCells(
  images: ReturnType<Dataset['images']>,
  ids: number[],
): Promise<Uint8Array | undefined> {
  try {
    return await findCells(images, Int32Array.from(ids));
  } catch (error) {
    if (error instanceof BrightcellError && error.code === 'option-invalid') return undefined;
    throw error;
  }
}

interface Box {
  top: number;
  bottom: number;
  left: number;
  right: number;
  pixels: number;
}

function boxOf(mask: Uint8Array, width: number): Box | undefined {
  const box = {
    top: Number.POSITIVE_INFINITY,
    bottom: -1,
    left: Number.POSITIVE_INFINITY,
    right: -1,
    pixels: 0,
  };
  for (const [i, inside] of mask.entries()) {
    if (!inside) continue;
    const [y, x] = [Math.floor(i / width), i % width];
    box.top = Math.min(box.top, y);
    box.bottom = Math.max(box.bottom, y);
    box.left = Math.min(box.left, x);
    box.right = Math.max(box.right, x);
    box.pixels++;
  }
  return box.pixels > 0 ? box : undefined;
}

/** The image three or more times as large, the box on it. */
function drawBox(png: Buffer, { height, width }: { height: number; width: number }, box: Box): string {
  const scale = Math.max(1, Math.round(320 / Math.max(height, width)));
  const at = { x: box.left * scale, y: box.top * scale };
  const size = { width: (box.right - box.left + 1) * scale, height: (box.bottom - box.top + 1) * scale };
  const [w, h] = [width * scale, height * scale];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}">`,
    `<image href="data:image/png;base64,${png.toString('base64')}" width="${w}" height="${h}" preserveAspectRatio="none" image-rendering="pixelated"/>`,
    `<rect x="${at.x}" y="${at.y}" width="${size.width}" height="${size.height}" fill="none" stroke="black" stroke-width="4"/>`,
    `<rect x="${at.x}" y="${at.y}" width="${size.width}" height="${size.height}" fill="none" stroke="#e69f00" stroke-width="2"/>`,
    '</svg>\n',
  ].join('\n');
}
