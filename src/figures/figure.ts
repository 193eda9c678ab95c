import { join } from 'node:path';
import type * as PlotModule from '@observablehq/plot';
import { writeWholeFile } from '../wholeFile.ts';
import { fontFamily, fontSize, letterWidth, svgText, wrapWords } from './text.ts';

export type Plot = typeof PlotModule;
type PlotOptions = PlotModule.PlotOptions;

/** What a figure tells apart, each by colour and by symbol. */
export interface Series {
  name: string;
  colour: string;
  symbol: PlotModule.SymbolType;
}

/** One plot of a figure. */
export interface Panel {
  title: string;
  width: number;
  height: number;
  /** The plot; size, fonts and the scales of colour and symbol are added. */
  options: (plot: Plot) => PlotOptions;
}

export interface Figure {
  title: string;
  /** What the marks mean, a line each: bands, intervals, numbers of cells. */
  notes: string[];
  series: Series[];
  /** Side by side, as many as fit `columns`, further ones below. */
  panels: Panel[];
  columns: number;
}

const margin = 16;
const lineHeight = 19;

/** Okabe and Ito's colours, which people with any kind of colour blindness tell apart, but for the yellow. */
const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000', '#8c8c8c'];
const symbols = ['circle', 'square', 'triangle', 'diamond', 'star', 'cross', 'wye'] as const;

/** A colour and a symbol for each name; after 56 names they begin again. */
export function makeSeries(names: readonly string[]): Series[] {
  return names.map((name, i) => ({
    name,
    colour: colours[i % colours.length]!,
    symbol: symbols[i % symbols.length]!,
  }));
}

/** Writes a figure as NAME.svg and, at twice its size, NAME.png; gives the paths. */
export async function writeFigure(folder: string, name: string, figure: Figure): Promise<string[]> {
  const svg = await drawFigure(figure);
  const { default: sharp } = await import('sharp');
  const png = await sharp(Buffer.from(svg), { density: 144 })
    .flatten({ background: 'white' })
    .png()
    .toBuffer();
  const paths = [join(folder, `${name}.svg`), join(folder, `${name}.png`)];
  await writeWholeFile(paths[0]!, svg);
  await writeWholeFile(paths[1]!, png);
  return paths;
}

/** A figure as a whole SVG document: title, legend, panels, notes. */
export async function drawFigure(figure: Figure): Promise<string> {
  const plot = await import('@observablehq/plot');
  const { parseHTML } = await import('linkedom');
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const { panels, columns, series } = figure;
  const rows = Array.from({ length: Math.ceil(panels.length / columns) }, (_, row) =>
    panels.slice(row * columns, (row + 1) * columns),
  );
  const panelsWidth = Math.max(...rows.map(row => row.reduce((sum, one) => sum + one.width, 0)));
  const width = Math.ceil(Math.max(panelsWidth, figure.title.length * letterWidth * 1.2) + 2 * margin);
  const parts: string[] = [];
  let top = margin + fontSize;
  parts.push(svgText(figure.title, margin, top, 'font-weight="bold" font-size="15"'));
  top += 10;
  const legend = layOutLegend(series, width - 2 * margin);
  parts.push(place(legendPlot(plot, document, legend, width), 0, top));
  top += legend.height + 6;
  for (const row of rows) {
    let left = margin;
    const titled = row.some(one => one.title !== '') ? lineHeight : 0;
    for (const panel of row) {
      if (titled) parts.push(svgText(panel.title, left + 4, top + fontSize, 'font-weight="bold"'));
      parts.push(place(drawPanel(plot, document, panel, series), left, top + titled));
      left += panel.width;
    }
    top += titled + Math.max(...row.map(one => one.height)) + 8;
  }
  for (const note of figure.notes.flatMap(one =>
    wrapWords(one, (width - 2 * margin) / (letterWidth * 0.87)),
  )) {
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

// biome-ignore lint/suspicious/noExplicitAny: the document of linkedom, which stands for the browser's.
type AnyDocument = any;

function drawPanel(plot: Plot, document: AnyDocument, panel: Panel, series: Series[]): string {
  const own = panel.options(plot);
  const domain = series.map(one => one.name);
  const drawn = plot.plot({
    ...own,
    document,
    width: panel.width - 8,
    height: panel.height,
    className: 'plot',
    style: { fontFamily, fontSize: `${fontSize}px` },
    color: { domain, range: series.map(one => one.colour), ...own.color },
    symbol: { domain, range: series.map(one => one.symbol), ...own.symbol },
  } as PlotOptions);
  return withoutStyle(drawn.outerHTML);
}

interface Legend {
  items: { name: string; x: number; y: number }[];
  height: number;
  series: Series[];
}

/** Symbols with their names in rows that fit the width. */
function layOutLegend(series: Series[], room: number): Legend {
  let x = margin;
  let row = 0;
  const items = series.map(({ name }) => {
    const own = 38 + name.length * 0.53 * fontSize;
    if (x > margin && x + own > room) [x, row] = [margin, row + 1];
    const item = { name, x: x + 6, y: row * lineHeight + lineHeight / 2 };
    x += own;
    return item;
  });
  return { items, height: (row + 1) * lineHeight, series };
}

function legendPlot(
  plot: Plot,
  document: AnyDocument,
  { items, height, series }: Legend,
  width: number,
): string {
  const domain = series.map(one => one.name);
  const at = { x: 'x', y: 'y' };
  const drawn = plot.plot({
    document,
    ...{ width, height, margin: 0, axis: null, className: 'plot' },
    style: { fontFamily, fontSize: `${fontSize}px` },
    x: { domain: [0, width], range: [0, width] },
    y: { domain: [0, height], range: [0, height] },
    color: { domain, range: series.map(one => one.colour) },
    symbol: { domain, range: series.map(one => one.symbol) },
    marks: [
      plot.dot(items, { ...at, fill: 'name', symbol: 'name', r: 4.5 }),
      plot.text(items, { ...at, text: 'name', textAnchor: 'start', dx: 10 }),
    ],
  } as PlotOptions);
  return withoutStyle(drawn.outerHTML);
}

/** Plot's own style sheet is for web pages; with two plots in one document it would stand there twice. */
function withoutStyle(svg: string): string {
  return svg.replace(/<style>[\s\S]*?<\/style>/, '');
}

function place(svg: string, x: number, y: number): string {
  return svg.replace('<svg ', `<svg x="${x}" y="${y}" `);
}
