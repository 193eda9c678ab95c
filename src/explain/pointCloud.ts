// Points of an embedding as a plot: symbols while they are few, one picture when they are many.
import type { Panel, Plot, Series } from '../figures/figure.ts';
import { mixSeed, shuffle } from '../train/seed.ts';

export interface PointCloud {
  title: string;
  /** N x 2. */
  coordinates: Float32Array;
  /** Index of the series of each point. */
  series: Int32Array;
  /** Of the plot, in pixels: a square. */
  side: number;
}

/** Most points that are drawn as symbols of their own in one plot: an SVG of more is slow to open. */
export const mostSymbols = 2500;

/**
 * A square plot without axes: coordinates of t-SNE and UMAP mean nothing but which points are near. Points are drawn in
 * a shuffled order, so that no class hides another.
 */
export async function drawCloud(cloud: PointCloud, series: Series[]): Promise<Panel> {
  const { title, side } = cloud;
  const { low, high } = squareAround(cloud.coordinates);
  const N = cloud.series.length;
  const order = shuffle(
    Int32Array.from({ length: N }, (_, i) => i),
    mixSeed(1, N),
  );
  const picture = N > mostSymbols ? await rasterise(cloud, series, order, low, high) : undefined;
  return {
    title,
    width: side + 8,
    height: side,
    options: plot => ({
      ...{ marginLeft: 4, marginRight: 4, marginTop: 4, marginBottom: 4 },
      x: { domain: [low[0], high[0]], axis: null },
      y: { domain: [low[1], high[1]], axis: null },
      marks: [
        plot.frame({ stroke: '#bbb' }),
        ...(picture === undefined
          ? [dots(plot, cloud, series, order)]
          : [image(plot, picture, side), ...names(plot, cloud, series)]),
      ],
    }),
  };
}

function squareAround(coordinates: Float32Array): { low: [number, number]; high: [number, number] } {
  const low: [number, number] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const high: [number, number] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const [i, value] of coordinates.entries()) {
    low[i % 2] = Math.min(low[i % 2]!, value);
    high[i % 2] = Math.max(high[i % 2]!, value);
  }
  const half = 0.52 * Math.max(high[0] - low[0], high[1] - low[1], 1e-6);
  const centre = [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2] as const;
  return { low: [centre[0] - half, centre[1] - half], high: [centre[0] + half, centre[1] + half] };
}

function dots(
  plot: Plot,
  { coordinates, series: own, side }: PointCloud,
  series: Series[],
  order: Int32Array,
) {
  const points = Array.from(order, i => ({
    x: coordinates[2 * i]!,
    y: coordinates[2 * i + 1]!,
    name: series[own[i]!]!.name,
  }));
  const r = side < 300 ? 1.8 : 2.6;
  return plot.dot(points, { x: 'x', y: 'y', fill: 'name', symbol: 'name', fillOpacity: 0.75, r });
}

function image(plot: Plot, src: string, side: number) {
  const size = side - 8;
  return plot.image([src], {
    src,
    width: size,
    height: size,
    frameAnchor: 'middle',
    preserveAspectRatio: 'none',
  });
}

/** More series than there are colours: without symbols, a name in the middle of each says which it is. */
const mostColours = 8;

function names(plot: Plot, { coordinates, series: own }: PointCloud, series: Series[]) {
  if (series.length <= mostColours) return [];
  const middles = series.flatMap(({ name }, s) => {
    const members = [...own.keys()].filter(i => own[i] === s);
    const middle = (part: number) =>
      members.map(i => coordinates[2 * i + part]!).sort((a, b) => a - b)[members.length >> 1]!;
    return members.length === 0 ? [] : [{ name, x: middle(0), y: middle(1) }];
  });
  return [
    plot.text(middles, { x: 'x', y: 'y', text: 'name', stroke: 'white', strokeWidth: 4, fill: 'black' }),
  ];
}

/** Three picture elements a pixel of the plot: sharp on paper. */
const scale = 3;

/** Discs with soft edges, laid over each other; a PNG as a data URL. */
async function rasterise(
  { coordinates, series: own, side }: PointCloud,
  series: Series[],
  order: Int32Array,
  low: readonly number[],
  high: readonly number[],
): Promise<string> {
  const size = Math.round((side - 8) * scale);
  const pixels = new Uint8Array(size * size * 4);
  const colours = series.map(one => [1, 3, 5].map(at => Number.parseInt(one.colour.slice(at, at + 2), 16)));
  const many = order.length > 20_000;
  const radius = scale * (many ? 0.6 : 1.2);
  const opacity = many ? 0.5 : 0.75;
  for (const i of order) {
    const x = ((coordinates[2 * i]! - low[0]!) / (high[0]! - low[0]!)) * size;
    const y = (1 - (coordinates[2 * i + 1]! - low[1]!) / (high[1]! - low[1]!)) * size;
    drawDisc(pixels, size, { x, y, radius, opacity }, colours[own[i]!]!);
  }
  const { default: sharp } = await import('sharp');
  const png = await sharp(pixels, { raw: { width: size, height: size, channels: 4 } })
    .png({ palette: true })
    .toBuffer();
  return `data:image/png;base64,${png.toString('base64')}`;
}

function drawDisc(
  pixels: Uint8Array,
  size: number,
  { x, y, radius, opacity }: { x: number; y: number; radius: number; opacity: number },
  colour: number[],
): void {
  for (let row = Math.floor(y - radius); row <= y + radius; row++)
    for (let column = Math.floor(x - radius); column <= x + radius; column++) {
      if (row < 0 || column < 0 || row >= size || column >= size) continue;
      const distance = Math.hypot(column + 0.5 - x, row + 0.5 - y);
      const alpha = opacity * Math.min(1, Math.max(0, radius + 0.5 - distance));
      if (alpha > 0) blend(pixels, 4 * (row * size + column), colour, alpha);
    }
}

/** Lays a colour over what is there; both may be transparent. */
function blend(pixels: Uint8Array, at: number, colour: number[], alpha: number): void {
  const below = (pixels[at + 3]! / 255) * (1 - alpha);
  const total = alpha + below;
  for (let c = 0; c < 3; c++)
    pixels[at + c] = Math.round((colour[c]! * alpha + pixels[at + c]! * below) / total);
  pixels[at + 3] = Math.round(255 * total);
}
