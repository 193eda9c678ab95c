// C channels, H rows, W columns.
import sharp from 'sharp';
import type { ImageSet, Pixels } from '../engine/imageSet.ts';
import { type Html, html } from './html.ts';

/** Cells' images as they are shown: small, as data URIs, each made once, within what all may take together. */
export class Pictures {
  readonly #images: ImageSet;
  readonly #known = new Map<number, Picture>();

  constructor(images: ImageSet) {
    this.#images = images;
  }

  /** The image of a row. */
  async of(row: number): Promise<Picture> {
    const known = this.#known.get(row);
    if (known) return known;
    const picture = await encode(this.#images.read(row), this.#images.shape);
    this.#known.set(row, picture);
    return picture;
  }
}

export interface Picture {
  uri: string;
  width: number;
  height: number;
}

/** An image element. */
export function pictureHtml({ uri, width, height }: Picture, alt: string): Html {
  return html`<img src="${uri}" alt="${alt}" width="${width}" height="${height}">`;
}

export interface Captioned {
  row: number;
  alt: string;
  caption: Html | string;
}

/** A row of images, each with what stands below it. */
export async function pictureList(pictures: Pictures, cells: readonly Captioned[]): Promise<Html> {
  const items = [];
  for (const { row, alt, caption } of cells)
    items.push(html`<li>${pictureHtml(await pictures.of(row), alt)}${caption}</li>`);
  return html`<ul class="cells">${items}</ul>`;
}

const longestSide = 128;

/** WebP of an image: one channel gray, three as colours, any other number side by side. */
async function encode(pixels: Pixels, { channels, height, width }: ImageSet['shape']): Promise<Picture> {
  const bytes = toBytes(pixels);
  const colour = channels === 3;
  const across = colour ? width : channels * width;
  const laid = colour ? interleave(bytes, height * width) : sideBySide(bytes, channels, height, width);
  const drawn = sharp(laid, { raw: { width: across, height, channels: colour ? 3 : 1 } }).resize({
    width: longestSide * (colour ? 1 : channels),
    height: longestSide,
    fit: 'inside',
    withoutEnlargement: true,
  });
  const { data, info } = await drawn.webp({ quality: 85, effort: 2 }).toBuffer({ resolveWithObject: true });
  return {
    uri: `data:image/webp;base64,${data.toString('base64')}`,
    width: info.width,
    height: info.height,
  };
}

/** 8-bit values as they are; of 16 bits the image's own range, which cameras of 10 or 12 bits fill in part only. */
function toBytes(pixels: Pixels): Uint8Array {
  if (pixels instanceof Uint8Array) return pixels;
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of pixels) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const scale = high > low ? 255 / (high - low) : 0;
  return Uint8Array.from(pixels, value => Math.round((value - low) * scale));
}

function interleave(planes: Uint8Array, size: number): Uint8Array {
  return Uint8Array.from({ length: 3 * size }, (_, i) => planes[(i % 3) * size + Math.floor(i / 3)]!);
}

function sideBySide(planes: Uint8Array, channels: number, height: number, width: number): Uint8Array {
  if (channels === 1) return planes;
  const laid = new Uint8Array(planes.length);
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < height; y++) {
      const from = (c * height + y) * width;
      laid.set(planes.subarray(from, from + width), (y * channels + c) * width);
    }
  return laid;
}
