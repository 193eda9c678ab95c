/** What an image file says of itself. */
export interface ImageHeader {
  height: number;
  width: number;
  channels: number;
  bits: 8 | 16;
}

/**
 * Size and kind of a plain PNG (gray or RGB of 8 or 16 bits, no transparency) or JPEG (gray or colour), read from
 * its bytes; undefined for anything else, which the decoder itself must then look at. Asking the decoder takes a
 * quarter of the time of importing a small image.
 */
export function maybeImageHeader(bytes: Buffer): ImageHeader | undefined {
  if (bytes.length < 33) return undefined;
  if (bytes.readUInt32BE(0) === 0x89504e47) return maybePngHeader(bytes);
  if (bytes.readUInt16BE(0) === 0xffd8) return maybeJpegHeader(bytes);
  return undefined;
}

function maybePngHeader(bytes: Buffer): ImageHeader | undefined {
  const [depth, colour] = [bytes[24]!, bytes[25]!];
  const channels = colour === 0 ? 1 : colour === 2 ? 3 : undefined;
  if (bytes.toString('latin1', 12, 16) !== 'IHDR' || channels === undefined) return undefined;
  if (depth !== 8 && depth !== 16) return undefined;
  // Transparency stands before the pixels, if anywhere.
  for (let at = 33; at + 12 <= bytes.length; at += 12 + bytes.readUInt32BE(at)) {
    const type = bytes.toString('latin1', at + 4, at + 8);
    if (type === 'IDAT')
      return { height: bytes.readUInt32BE(20), width: bytes.readUInt32BE(16), channels, bits: depth };
    if (type === 'tRNS' || type === 'acTL') return undefined;
  }
  return undefined;
}

function maybeJpegHeader(bytes: Buffer): ImageHeader | undefined {
  for (let at = 2; at + 10 <= bytes.length; at += 2 + bytes.readUInt16BE(at + 2)) {
    if (bytes[at] !== 0xff) return undefined;
    const marker = bytes[at + 1]!;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (!isFrame) continue;
    const [depth, channels] = [bytes[at + 4]!, bytes[at + 9]!];
    if (depth !== 8 || (channels !== 1 && channels !== 3)) return undefined;
    return { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7), channels, bits: 8 };
  }
  return undefined;
}
