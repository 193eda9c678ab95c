import type { RawImage } from '../engine/prepare.ts';

interface BmpHeader {
  height: number;
  width: number;
  /** 1 where every palette entry is gray, else 3. */
  channels: number;
  bits: number;
  topDown: boolean;
  /** Where rows start and how many bytes each takes. */
  offset: number;
  stride: number;
  /** Blue, green, red, unused of each index; empty for 24 and 32 bits. */
  palette: Uint8Array;
}

/**
 * Reads the header of an uncompressed BMP file of 1, 4, 8, 24 or 32 bits a pixel. Throws an Error in a few words.
 */
export function readBmpHeader(bytes: Buffer): BmpHeader {
  if (bytes.length < 54 || bytes.toString('latin1', 0, 2) !== 'BM') throw new Error('not a BMP image');
  const infoSize = bytes.readUInt32LE(14);
  if (infoSize < 40) throw new Error('BMP of a kind before Windows 3 is not supported');
  const width = bytes.readInt32LE(18);
  const signedHeight = bytes.readInt32LE(22);
  const height = Math.abs(signedHeight);
  const bits = bytes.readUInt16LE(28);
  const compression = bytes.readUInt32LE(30);
  if (width < 1 || height < 1) throw new Error('BMP without pixels');
  if (![1, 4, 8, 24, 32].includes(bits)) throw new Error(`BMP of ${bits} bits a pixel is not supported`);
  if (compression !== 0 && !(compression === 3 && bits === 32 && hasPlainMasks(bytes)))
    throw new Error(`BMP of compression ${compression} is not supported`);
  const offset = bytes.readUInt32LE(10);
  const stride = Math.ceil((width * bits) / 32) * 4;
  if (offset + stride * height > bytes.length) throw new Error('BMP is cut short');
  const entries = bits > 8 ? 0 : bytes.readUInt32LE(46) || 2 ** bits;
  const palette = bytes.subarray(14 + infoSize, Math.min(14 + infoSize + 4 * entries, offset));
  const channels = bits <= 8 && isGray(palette) ? 1 : 3;
  return { height, width, channels, bits, topDown: signedHeight < 0, offset, stride, palette };
}

/** Pixels of a BMP file: one channel where the palette is gray, else red, green, blue; alpha is dropped. */
export function decodeBmp(bytes: Buffer): RawImage {
  const header = readBmpHeader(bytes);
  const { height, width, channels, topDown, offset, stride } = header;
  const pixels = new Uint8Array(height * width * channels);
  for (let row = 0; row < height; row++) {
    const start = offset + (topDown ? row : height - 1 - row) * stride;
    const line = bytes.subarray(start, start + stride);
    if (header.bits <= 8) readIndexed(line, header, pixels, row);
    else readColours(line, header, pixels, row);
  }
  return { pixels, height, width, channels };
}

function readIndexed(line: Uint8Array, header: BmpHeader, pixels: Uint8Array, row: number): void {
  const { width, channels, bits, palette } = header;
  const perByte = 8 / bits;
  for (let column = 0; column < width; column++) {
    const shift = 8 - bits * ((column % perByte) + 1);
    const index = (line[Math.floor(column / perByte)]! >> shift) & (2 ** bits - 1);
    if (4 * index + 3 > palette.length) throw new Error('BMP has a pixel outside its palette');
    for (let channel = 0; channel < channels; channel++)
      pixels[(row * width + column) * channels + channel] = palette[4 * index + 2 - channel]!;
  }
}

function readColours(line: Uint8Array, header: BmpHeader, pixels: Uint8Array, row: number): void {
  const { width, bits } = header;
  for (let column = 0; column < width; column++)
    for (let channel = 0; channel < 3; channel++)
      pixels[(row * width + column) * 3 + channel] = line[(column * bits) / 8 + 2 - channel]!;
}

function hasPlainMasks(bytes: Buffer): boolean {
  if (bytes.length < 66) return false;
  const [red, green, blue] = [54, 58, 62].map(at => bytes.readUInt32LE(at));
  return red === 0xff0000 && green === 0xff00 && blue === 0xff;
}

function isGray(palette: Uint8Array): boolean {
  for (let i = 0; i + 2 < palette.length; i += 4)
    if (palette[i] !== palette[i + 1] || palette[i] !== palette[i + 2]) return false;
  return true;
}
