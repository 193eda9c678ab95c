import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32, deflateSync } from 'node:zlib';
import * as fastBmp from 'fast-bmp';
import sharp, { type Sharp } from 'sharp';
import { expect, test } from 'vitest';
import { maybeImageHeader } from '../../src/import/imageHeader.ts';
import { listImages } from '../../src/import/listImages.ts';
import { openImage } from '../../src/import/openImage.ts';
import { withFolder } from '../dataset/cells.ts';
import { encodeTiff, grayPixels, grayPng } from './files.ts';

const height = 9;
const width = 13;
const gray = grayPixels(height, width, 3);
const gray16 = Uint16Array.from(gray, (value, i) => (value * 257 + i * 3) % 65536);
const rgb = Uint8Array.from({ length: height * width * 3 }, (_, i) => (i * 11) % 256);

const fromGray = () => sharp(gray, { raw: { width, height, channels: 1 } }).toColourspace('b-w');
const fromGray16 = () => sharp(gray16, { raw: { width, height, channels: 1 } }).toColourspace('grey16');
const fromRgb = () => sharp(rgb, { raw: { width, height, channels: 3 } });

async function decode(folder: string, name: string, content: Uint8Array | Sharp) {
  const path = join(folder, name);
  await writeFile(path, content instanceof Uint8Array ? content : await content.toBuffer());
  const opened = await openImage(path);
  const frames = [];
  for (let frame = 0; frame < opened.frames; frame++) frames.push(await opened.read(frame));
  return { opened, frames, ...frames[0]! };
}

test('lossless files give their pixels back, gray as one channel and colour as three', () =>
  withFolder(async folder => {
    const lossless: [string, Sharp, Uint8Array | Uint16Array, number][] = [
      ['gray.png', fromGray().png(), gray, 1],
      ['gray.tif', fromGray().tiff({ compression: 'lzw' }), gray, 1],
      ['gray.tiff', fromGray().tiff({ compression: 'deflate' }), gray, 1],
      ['gray16.png', fromGray16().png(), gray16, 1],
      ['gray16.tif', fromGray16().tiff({ compression: 'none' }), gray16, 1],
      ['rgb.png', fromRgb().png(), rgb, 3],
      ['rgb.TIF', fromRgb().tiff({ compression: 'lzw' }), rgb, 3],
      ['rgb.webp', fromRgb().webp({ lossless: true }), rgb, 3],
    ];
    for (const [name, image, pixels, channels] of lossless) {
      const decoded = await decode(folder, name, image);
      const { height: rows, width: columns } = decoded;
      expect([name, rows, columns, decoded.channels]).toEqual([name, height, width, channels]);
      expect(decoded.pixels).toEqual(pixels);
      expect(decoded.opened.bits).toBe(pixels instanceof Uint16Array ? 16 : 8);
    }
  }));

test('a gray JPEG is one channel, near to what was compressed', () =>
  withFolder(async folder => {
    const smooth = Uint8Array.from({ length: height * width }, (_, i) => i);
    const image = sharp(smooth, { raw: { width, height, channels: 1 } })
      .toColourspace('b-w')
      .jpeg({ quality: 100 });
    const { pixels, channels } = await decode(folder, 'gray.jpg', image);
    expect(channels).toBe(1);
    expect(Math.max(...pixels.map((value, i) => Math.abs(value - smooth[i]!)))).toBeLessThan(4);
  }));

test('a 16-bit TIFF of many pages keeps its full range, a page a frame, sizes as they are', () =>
  withFolder(async folder => {
    const pages = [
      { pixels: Uint16Array.from([0, 65535, 1, 40000, 256, 255]), height: 2, width: 3 },
      { pixels: Uint16Array.from([7, 8, 9, 10]), height: 4, width: 1 },
      { pixels: Uint16Array.from([65534]), height: 1, width: 1 },
    ];
    const { frames } = await decode(folder, 'stack.tif', encodeTiff(pages));
    expect(frames).toEqual(pages.map(page => ({ ...page, channels: 1 })));
  }));

test('transparency is dropped and palettes become colours', () =>
  withFolder(async folder => {
    const rgba = Uint8Array.from({ length: 4 * 16 }, (_, i) => (i % 4 === 3 ? (i * 3) % 256 : (i * 5) % 256));
    const image = sharp(rgba, { raw: { width: 4, height: 4, channels: 4 } });
    const opened = await decode(folder, 'rgba.png', image.png());
    expect(opened.channels).toBe(3);
    expect(opened.pixels).toEqual(rgba.filter((_, i) => i % 4 !== 3));
    const palette = await decode(
      folder,
      'palette.png',
      fromGray().png({ palette: true, colours: 256, dither: 0 }),
    );
    expect([1, 3]).toContain(palette.channels);
    const firsts = palette.pixels.filter((_, i) => i % palette.channels === 0);
    expect(Math.max(...firsts.map((value, i) => Math.abs(value - gray[i]!)))).toBeLessThan(8);
  }));

test('an orientation tag turns nothing: pixels stand as they are stored', () =>
  withFolder(async folder => {
    const decoded = await decode(folder, 'turned.png', fromRgb().withMetadata({ orientation: 6 }).png());
    expect([decoded.height, decoded.width]).toEqual([height, width]);
    expect(decoded.pixels).toEqual(rgb);
  }));

test('what a plain header says agrees with the decoder, for files that people have', async context => {
  const data = fileURLToPath(new URL('../../../shared/data', import.meta.url));
  if (!existsSync(data) && process.env.CI) throw new Error(`${data} must hold the real images`);
  if (!existsSync(data)) return context.skip('the real images are not there');
  const { images } = await listImages(data);
  let plain = 0;
  for (let i = 0; i < images.length; i += 97) {
    const bytes = await readFile(join(data, images[i]!));
    const header = maybeImageHeader(bytes);
    if (header === undefined) continue;
    const { height, width, channels, depth, hasAlpha, pages } = await sharp(bytes).metadata();
    expect(header).toEqual({ height, width, channels, bits: depth === 'ushort' ? 16 : 8 });
    expect([hasAlpha, pages ?? 1]).toEqual([false, 1]);
    plain++;
  }
  expect(plain).toBeGreaterThan(30);
});

test('a BMP agrees with a second decoder, for colour and for gray', () =>
  withFolder(async folder => {
    const encoded = [
      { data: rgb, channels: 3 },
      { data: gray, channels: 1 },
    ];
    for (const { data, channels } of encoded) {
      const file = fastBmp.encode({ width, height, data, channels, bitsPerPixel: 8 * channels });
      const judged = fastBmp.decode(file);
      const decoded = await decode(folder, `image${channels}.bmp`, file);
      expect(decoded).toMatchObject({ height, width, channels: judged.channels });
      expect(decoded.pixels).toEqual(new Uint8Array(judged.data as Uint8Array));
    }
  }));

/** A BMP file put together by hand: rows of 3 pixels. */
function bmp(bits: number, signedHeight: number, palette: number[], rows: number[][]): Buffer {
  const head = Buffer.alloc(54);
  head.write('BM', 0, 'latin1');
  head.writeUInt32LE(54 + palette.length, 10);
  head.writeUInt32LE(40, 14);
  head.writeInt32LE(3, 18);
  head.writeInt32LE(signedHeight, 22);
  head.writeUInt16LE(1, 26);
  head.writeUInt16LE(bits, 28);
  head.writeUInt32LE(palette.length / 4, 46);
  return Buffer.concat([head, Buffer.from(palette), Buffer.from(rows.flat())]);
}

test('a BMP stands the right way up, whichever row is first, and is read through its palette', () =>
  withFolder(async folder => {
    const inverted = [255, 255, 255, 0, 100, 100, 100, 0, 0, 0, 0, 0];
    const rows = [
      [0, 1, 2, 0],
      [2, 2, 1, 0],
    ];
    const down = await decode(folder, 'down.bmp', bmp(8, -2, inverted, rows));
    expect(down).toMatchObject({ height: 2, width: 3, channels: 1 });
    expect([...down.pixels]).toEqual([255, 100, 0, 0, 0, 100]);
    const up = await decode(folder, 'up.bmp', bmp(8, 2, inverted, rows));
    expect([...up.pixels]).toEqual([0, 0, 100, 255, 100, 0]);
    const colours = [1, 2, 3, 0, 4, 5, 6, 0];
    const coloured = await decode(folder, 'colour.bmp', bmp(4, -1, colours, [[0x01, 0x10, 0, 0]]));
    expect([...coloured.pixels]).toEqual([3, 2, 1, 6, 5, 4, 6, 5, 4]);
    const blackWhite = [0, 0, 0, 0, 255, 255, 255, 0];
    const bits = await decode(folder, 'bits.bmp', bmp(1, -1, blackWhite, [[0b10100000, 0, 0, 0]]));
    expect([...bits.pixels]).toEqual([255, 0, 255]);
  }));

/** A PNG that says it is of this size and holds next to nothing. */
function pngBomb(side: number): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(data.length, 0);
    frame.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
  };
  const size = Buffer.alloc(13);
  size.writeUInt32BE(side, 0);
  size.writeUInt32BE(side, 4);
  size[8] = 8;
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const data = chunk('IDAT', deflateSync(Buffer.alloc(1000)));
  return Buffer.concat([signature, chunk('IHDR', size), data, chunk('IEND', Buffer.alloc(0))]);
}

test('what cannot be read says why in a few words', () =>
  withFolder(async folder => {
    const whole = await grayPng(60, 60, 1);
    const jpeg = await fromRgb().jpeg().toBuffer();
    const huge = bmp(8, 2, [0, 0, 0, 0], [[0]]);
    huge.writeInt32LE(2 ** 30, 18);
    const bad: [string, Uint8Array, RegExp][] = [
      ['empty.png', Buffer.alloc(0), /^file is empty$/],
      ['text.png', Buffer.from('not an image at all'), /^not an image, whatever its name says$/],
      ['short.png', whole.subarray(0, whole.length / 2), /./],
      ['short.jpg', jpeg.subarray(0, jpeg.length - 20), /./],
      ['bomb.png', pngBomb(60_000), /^larger than 20000 pixels a side$/],
      ['long.png', pngBomb(20_001), /^larger than 20000 pixels a side$/],
      ['text.bmp', Buffer.from('BM and no more'), /^not a BMP image$/],
      ['short.bmp', bmp(8, 2, [0, 0, 0, 0], [[0]]), /^BMP is cut short$/],
      ['huge.bmp', huge, /^BMP is cut short$/],
      ['packed.bmp', bmp(16, 1, [], [[0, 0, 0, 0, 0, 0, 0, 0]]), /^BMP of 16 bits a pixel is not supported$/],
    ];
    for (const [name, content, message] of bad)
      await expect(decode(folder, name, content), name).rejects.toThrow(message);
    await expect(openImage(join(folder, 'absent.png'))).rejects.toThrow(/^file not found$/);
    await expect(openImage(folder)).rejects.toThrow();
  }));

test('an image of one pixel and one of 20,000 by 40 are read', () =>
  withFolder(async folder => {
    const one = await decode(folder, 'one.png', await grayPng(1, 1, 5));
    expect(one).toMatchObject({ height: 1, width: 1, pixels: grayPixels(1, 1, 5) });
    const long = await decode(folder, 'long.png', await grayPng(40, 20_000, 5));
    expect(Buffer.compare(long.pixels as Uint8Array, grayPixels(40, 20_000, 5))).toBe(0);
  }));
