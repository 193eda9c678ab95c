import { drawFigure, type Figure } from '../figures/figure.ts';
import { type Html, html } from './html.ts';

export interface FigureText {
  /** Name of the files that a reader saves, without ending. */
  name: string;
  /** What is to be seen, for those who cannot see it. */
  alt: string;
  caption: Html | string;
  /** What is drawn, as CSV. */
  csv?: string;
}

/** A figure drawn for the report, with links that save it as SVG and its data as CSV. */
export async function drawnFigure(figure: Figure, text: FigureText): Promise<Html> {
  return svgFigure(await drawFigure(figure), text);
}

/** An SVG document as a figure. It is shown as an image: nothing in it runs or loads. */
export function svgFigure(svg: string, text: FigureText): Html {
  const [width, height] = sizeOf(svg);
  // Photographs stay as they are where plots change colours with a dark page.
  const kind = /<image\b/.test(svg) ? 'plate' : 'plot';
  const uri = `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`;
  return frame(uri, { width, height, kind }, text);
}

/** A WebP image as a figure; page.js makes an SVG of it where a reader saves it. */
export function webpFigure(webp: Buffer, size: { width: number; height: number }, text: FigureText): Html {
  const uri = `data:image/webp;base64,${webp.toString('base64')}`;
  return frame(uri, { ...size, kind: 'plate' }, text);
}

interface Frame {
  width: number;
  height: number;
  kind: 'plate' | 'plot';
}

function frame(uri: string, { width, height, kind }: Frame, { name, alt, caption, csv }: FigureText): Html {
  const size = width > 0 && height > 0 && html` width="${width}" height="${height}"`;
  return html`<figure class="${kind}"><img src="${uri}" alt="${alt}"${size}><figcaption>${caption} <span class="saves"><a data-save download="${name}.svg">Save as SVG</a>${
    csv !== undefined && html` <a download="${name}.csv" href="${csvUri(csv)}">Save data as CSV</a>`
  }</span></figcaption></figure>
`;
}

/** A link that saves a table. */
export function csvUri(csv: string): string {
  return `data:text/csv;charset=utf-8;base64,${Buffer.from(csv).toString('base64')}`;
}

/** Width and height of an SVG document as its head says; 0 where it does not. */
export function sizeOf(svg: string): [number, number] {
  const head = /<svg\b[^>]*>/.exec(svg)?.[0] ?? '';
  const side = (name: string) => Number(new RegExp(`\\s${name}="([\\d.]+)(?:px)?"`).exec(head)?.[1] ?? 0);
  return [Math.round(side('width')), Math.round(side('height'))];
}
