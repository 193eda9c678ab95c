import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';

/** Gray pixels that follow from a number, so that no two images are the same. */
export function grayPixels(height: number, width: number, number: number): Uint8Array {
  return Uint8Array.from(
    { length: height * width },
    (_, i) => (i * 7 + number * 13 + ((i * number) % 31)) % 256,
  );
}

export async function grayPng(height: number, width: number, number: number): Promise<Buffer> {
  const raw = { width, height, channels: 1 as const };
  return sharp(grayPixels(height, width, number), { raw })
    .toColourspace('b-w')
    .png()
    .toBuffer();
}

/** Writes files, folders made as needed. */
export async function writeTree(folder: string, files: Record<string, string | Uint8Array>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
}

/** Gray PNG files of ragged sizes under the names given. */
export async function writeImages(folder: string, names: string[]): Promise<void> {
  const files: Record<string, Buffer> = {};
  for (const [i, name] of names.entries()) files[name] = await grayPng(10 + (i % 5), 12 + (i % 7), i);
  await writeTree(folder, files);
}

/** An uncompressed little-endian TIFF file of gray pages, 8 or 16 bits. */
export function encodeTiff(
  pages: { pixels: Uint8Array | Uint16Array; height: number; width: number }[],
): Buffer {
  const chunks: Buffer[] = [Buffer.from([0x49, 0x49, 42, 0, 0, 0, 0, 0])];
  let length = 8;
  let link = 4;
  const links: [at: number, to: number][] = [];
  for (const { pixels, height, width } of pages) {
    const bytes = Buffer.from(pixels.buffer, pixels.byteOffset, pixels.byteLength);
    const strip = length;
    chunks.push(bytes, Buffer.alloc(bytes.length % 2));
    length += bytes.length + (bytes.length % 2);
    const tags: [tag: number, value: number][] = [
      [256, width],
      [257, height],
      [258, 8 * pixels.BYTES_PER_ELEMENT],
      [259, 1],
      [262, 1],
      [273, strip],
      [277, 1],
      [278, height],
      [279, bytes.length],
    ];
    const directory = Buffer.alloc(2 + 12 * tags.length + 4);
    directory.writeUInt16LE(tags.length, 0);
    tags.forEach(([tag, value], i) => {
      directory.writeUInt16LE(tag, 2 + 12 * i);
      directory.writeUInt16LE(4, 4 + 12 * i);
      directory.writeUInt32LE(1, 6 + 12 * i);
      directory.writeUInt32LE(value, 10 + 12 * i);
    });
    links.push([link, length]);
    link = length + directory.length - 4;
    chunks.push(directory);
    length += directory.length;
  }
  const file = Buffer.concat(chunks);
  for (const [at, to] of links) file.writeUInt32LE(to, at);
  return file;
}
