import { join } from 'node:path';
import { writeWholeFile } from '../wholeFile.ts';
import { shortNumber } from './axes.ts';
import { fontFamily, fontSize, letterWidth, svgText, wrapWords } from './text.ts';
import { type ColourScale, type Raster, rasterPng } from './tile.ts';

/** A picture in a sheet. */
export interface Tile {
  raster: Raster;
  /** What its colours mean, as a bar with numbers below. */
  scale?: ColourScale;
  /** A thin frame about a part of it, in its pixels. */
  frame?: { top: number; left: number; height: number; width: number };
  /** A line above it. */
  label?: string;
  /** A line below it. */
  note?: string;
}

/** Pictures side by side, in rows. */
export interface ImageSheet {
  title: string;
  /** What the pictures show, a line each. */
  notes: string[];
  /** Above each column; absent: none. */
  columns?: string[];
  /** Null leaves a place free. */
  rows: { heading?: string; tiles: (Tile | null)[] }[];
  /** Longest side of a picture as drawn; 132 by default. */
  side?: number;
}

/** A figure that has been drawn. */
export interface DrawnFigure {
  /** Of its files, without ending. */
  name: string;
  title: string;
  svg: string;
}

/** Writes a drawn figure as NAME.svg and, at twice its size, NAME.png; gives the paths. */
export async function writeDrawn(folder: string, { name, svg }: DrawnFigure): Promise<string[]> {
  const { default: sharp } = await import('sharp');
  const png = await sharp(Buffer.from(svg), { density: 144, unlimited: true })
    .flatten({ background: 'white' })
    .png()
    .toBuffer();
  const paths = [join(folder, `${name}.svg`), join(folder, `${name}.png`)];
  await writeWholeFile(paths[0]!, svg);
  await writeWholeFile(paths[1]!, png);
  return paths;
}

const margin = 16;
const gap = 12;
const lineHeight = 17;
const barHeight = 8;

/** A sheet as a whole SVG document; the pictures are inside. */
export async function drawSheet(sheet: ImageSheet): Promise<string> {
  const { rows, columns = [], side = 132 } = sheet;
  const places = Math.max(1, columns.length, ...rows.map(row => row.tiles.length));
  const cell = cellWidth(sheet, side);
  const width = Math.ceil(Math.max(places * (cell + gap) - gap + 2 * margin, 460));
  const room = (width - 2 * margin) / letterWidth;
  const parts: string[] = [];
  let top = margin;
  for (const line of wrapWords(sheet.title, room / 1.15)) {
    top += lineHeight + 2;
    parts.push(svgText(line, margin, top - 4, 'font-weight="bold" font-size="15"'));
  }
  if (columns.length > 0) {
    top += lineHeight;
    for (const [i, name] of columns.entries())
      parts.push(svgText(shorten(name, cell), margin + i * (cell + gap), top, 'font-weight="bold"'));
    top += 4;
  }
  for (const row of rows) {
    if (row.heading !== undefined) {
      for (const line of wrapWords(row.heading, room)) {
        top += lineHeight;
        parts.push(svgText(line, margin, top));
      }
      top += 5;
    }
    const heights = await Promise.all(
      row.tiles.map(
        (tile, i) => tile && drawTile(tile, margin + i * (cell + gap), top, cell, side, row.tiles),
      ),
    );
    parts.push(...heights.flatMap(drawn => drawn?.parts ?? []));
    top += Math.max(0, ...heights.map(drawn => drawn?.height ?? 0)) + gap;
  }
  for (const note of sheet.notes.flatMap(one => wrapWords(one, room * 1.12))) {
    top += 16;
    parts.push(svgText(note, margin, top, 'font-size="12" fill="#444"'));
  }
  const height = Math.ceil(top + margin);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${fontFamily}" font-size="${fontSize}">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

/** As wide as the widest picture is drawn. */
function cellWidth({ rows }: ImageSheet, side: number): number {
  const widths = rows.flatMap(({ tiles }) =>
    tiles.flatMap(tile => (tile ? [sizeOf(tile.raster, side).width] : [])),
  );
  return Math.max(36, ...widths);
}

/** The longer side becomes `side`. */
function sizeOf({ height, width }: Raster, side: number): { height: number; width: number } {
  const scale = side / Math.max(height, width);
  return { height: height * scale, width: width * scale };
}

async function drawTile(
  { raster, scale, frame, label, note }: Tile,
  left: number,
  top: number,
  cell: number,
  side: number,
  beside: readonly (Tile | null)[],
): Promise<{ parts: string[]; height: number }> {
  const size = sizeOf(raster, side);
  const parts: string[] = [];
  let at = top;
  if (beside.some(tile => tile?.label !== undefined)) {
    at += 13;
    if (label) parts.push(svgText(shorten(label, cell, 11), left, at, 'font-size="11"'));
    at += 4;
  }
  parts.push(await picture(raster, left, at, size.width, size.height));
  if (frame) parts.push(drawFrame(frame, left, at, size.width / raster.width));
  at += size.height;
  if (scale) {
    parts.push(await bar(scale, left, at + 4, size.width));
    at += barHeight + 18;
  }
  if (note) {
    at += 13;
    parts.push(svgText(shorten(note, cell, 11), left, at, 'font-size="11" fill="#444"'));
  }
  return { parts, height: at - top };
}

/** A viewer smooths small pictures that it enlarges; so they are enlarged here, where their pixels matter. */
async function picture(raster: Raster, x: number, y: number, width: number, height: number): Promise<string> {
  const times = Math.max(1, Math.ceil((1.5 * width) / raster.width));
  const data = (await rasterPng(raster, times > 2 ? times : 1)).toString('base64');
  const place = `x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}"`;
  return `<image ${place} preserveAspectRatio="none" href="data:image/png;base64,${data}"/>`;
}

function drawFrame(frame: NonNullable<Tile['frame']>, x: number, y: number, scale: number): string {
  const [left, top] = [x + frame.left * scale, y + frame.top * scale];
  const size = `width="${round(frame.width * scale)}" height="${round(frame.height * scale)}"`;
  return `<rect x="${round(left)}" y="${round(top)}" ${size} fill="none" stroke="#e69f00" stroke-width="1.5"/>`;
}

async function bar(
  { colours, low, high }: ColourScale,
  x: number,
  y: number,
  width: number,
): Promise<string> {
  const steps = 64;
  const rgb = Uint8Array.from({ length: steps }, (_, i) => i).reduce<number[]>(
    (all, i) => all.concat(colours.at(i / (steps - 1))),
    [],
  );
  const raster = { height: 1, width: steps, rgb: Uint8Array.from(rgb) };
  const data = (await rasterPng(raster)).toString('base64');
  const numbers = 'font-size="11" fill="#444"';
  return [
    `<image x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${barHeight}" preserveAspectRatio="none" href="data:image/png;base64,${data}"/>`,
    svgText(numberText(low), x, y + barHeight + 11, numbers),
    svgText(numberText(high), x + width, y + barHeight + 11, `${numbers} text-anchor="end"`),
  ].join('\n');
}

/** Two digits or, below a hundredth, three; with a true minus. */
function numberText(value: number): string {
  const rounded = Math.abs(value) < 1e-12 ? '0' : shortNumber(Math.abs(value));
  return value < 0 && rounded !== '0' ? `\u2212${rounded}` : rounded;
}

function shorten(words: string, room: number, size = fontSize): string {
  const letters = Math.max(3, Math.floor(room / (0.56 * size)));
  if (words.length <= letters) return words;
  const kept = letters - 1;
  return `${words.slice(0, Math.ceil(kept / 2))}\u2026${words.slice(words.length - Math.floor(kept / 2))}`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
