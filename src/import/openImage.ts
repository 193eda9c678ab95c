import { readFile, stat } from 'node:fs/promises';
import sharp, { type Sharp, type SharpOptions } from 'sharp';
import type { RawImage } from '../engine/prepare.ts';
import { decodeBmp, readBmpHeader } from './bmp.ts';
import { maybeImageHeader } from './imageHeader.ts';

/** Longest side of an image that is decoded; a longer one is refused before its pixels are touched. */
export const longestSide = 20_000;

/** An image file whose header has been read. */
export interface OpenImage {
  /** Pages of a TIFF or frames of a WebP; 1 otherwise. */
  frames: number;
  /** Of the first frame, as decoded. */
  height: number;
  width: number;
  channels: number;
  bits: 8 | 16;
  /** Decodes one frame. Pixels stand as they are stored: orientation tags and colour profiles are left alone. */
  read(frame: number): Promise<RawImage>;
}

// Each image is small and many are decoded at once: threads within one image only cost. Files are read once.
sharp.concurrency(1);
sharp.cache(false);

/**
 * Reads the header of a PNG, JPEG, TIFF, WebP or BMP file. Transparency is dropped, palettes become colours.
 * Throws an Error whose message says in a few words what is wrong with the file.
 */
export async function openImage(path: string): Promise<OpenImage> {
  const opening = /\.bmp$/i.test(path) ? openBmp(path) : openWithSharp(path);
  const opened = await opening.catch(error => fail(path, error));
  refuseLong(opened.height, opened.width);
  const read = async (frame: number) => {
    const raw = await opened.read(frame).catch(error => fail(path, error));
    refuseLong(raw.height, raw.width); // pages may differ
    return raw;
  };
  return { ...opened, read };
}

/** Files up to this size are read at once; of larger ones the decoder reads what it needs. */
const wholeBytes = 4e6;

async function openWithSharp(path: string): Promise<OpenImage> {
  const small = (await stat(path)).size <= wholeBytes && /\.(png|jpe?g|jpe)$/i.test(path);
  const input = small ? await readFile(path) : path;
  const plain = typeof input === 'string' ? undefined : maybeImageHeader(input);
  if (plain !== undefined) {
    const space = plain.channels === 1 ? grays[plain.bits] : colours[plain.bits];
    return {
      ...plain,
      frames: 1,
      read: () => decode(sharp(input, settings()).toColourspace(space), plain.bits),
    };
  }
  const { width, height, channels, hasAlpha, depth, pages, space } = await sharp(
    input,
    settings(),
  ).metadata();
  if (depth !== 'uchar' && depth !== 'ushort') throw new Error(`pixels of type ${depth} are not supported`);
  const bits = depth === 'ushort' ? 16 : 8;
  const kept = channels - (hasAlpha ? 1 : 0);
  // Files of more than three channels, or of no colour space, keep their channels as they are.
  const asStored = space === 'multiband' || (kept > 3 && space !== 'cmyk');
  const read = (frame: number): Promise<RawImage> => {
    let image = sharp(input, { ...settings(), page: frame });
    if (hasAlpha) image = image.removeAlpha();
    if (!asStored) image = image.toColourspace(kept < 3 ? grays[bits] : colours[bits]);
    return decode(image, bits);
  };
  return { frames: pages ?? 1, height, width, channels: kept, bits, read };
}

/** Names of colour spaces that leave pixels as they are. */
const grays = { 8: 'b-w', 16: 'grey16' };
const colours = { 8: 'srgb', 16: 'rgb16' };

async function decode(image: Sharp, bits: 8 | 16): Promise<RawImage> {
  const type = bits === 16 ? 'ushort' : 'uchar';
  const { data, info } = await image.raw({ depth: type }).toBuffer({ resolveWithObject: true });
  const pixels = bits === 16 ? asUint16(data) : new Uint8Array(data.buffer, data.byteOffset, data.length);
  return { pixels, height: info.height, width: info.width, channels: info.channels };
}

function settings(): SharpOptions {
  return { limitInputPixels: longestSide * longestSide, failOn: 'error', ignoreIcc: true };
}

function asUint16(data: Buffer): Uint16Array {
  const aligned = data.byteOffset % 2 === 0 ? data : Buffer.from(data);
  return new Uint16Array(aligned.buffer, aligned.byteOffset, data.length / 2);
}

async function openBmp(path: string): Promise<OpenImage> {
  const bytes = await readFile(path);
  const { height, width, channels } = readBmpHeader(bytes);
  return { frames: 1, height, width, channels, bits: 8, read: async () => decodeBmp(bytes) };
}

function refuseLong(height: number, width: number): void {
  if (height > longestSide || width > longestSide)
    throw new Error(`larger than ${longestSide} pixels a side`);
}

/** Puts the cause in a few words, without path and position, so that a thousand of them can be counted. */
async function fail(path: string, error: unknown): Promise<never> {
  const found = await stat(path).catch(cause => cause as NodeJS.ErrnoException);
  if (found instanceof Error) throw new Error(found.code === 'ENOENT' ? 'file not found' : `${found.code}`);
  if (found.isFile() && found.size === 0) throw new Error('file is empty');
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EACCES') throw new Error('no permission to read the file');
  throw new Error(inFewWords(message, path), { cause: error });
}

function inFewWords(message: string, path: string): string {
  const line = message.split('\n')[0]!.replaceAll(path, '').trim();
  if (/unsupported image format/i.test(line)) return 'not an image, whatever its name says';
  if (/exceeds pixel limit/i.test(line)) return `larger than ${longestSide} pixels a side`;
  return line.replace(/\b(0x[0-9a-f]+|\d{4,})\b/gi, '#').replace(/[:.\s]+$/, '');
}
