import type { RawImage } from '../engine/prepare.ts';
import { openImage } from './openImage.ts';
import type { Source } from './source.ts';

/** How many images are looked at. */
const looks = 64;

/** Bits of a data set's pixels: 16 where one of some images spread over the source has 16, else 8. */
export async function chooseDepth(source: Source): Promise<8 | 16> {
  const stride = Math.max(1, Math.floor((source.total ?? 0) / looks));
  let index = 0;
  for await (const { content } of source.images()) {
    if ('raw' in content) return bitsOf(content.raw); // all images of an array are alike
    if (index++ % stride !== 0) continue;
    const opened = await openImage(content.path).catch(() => undefined); // reported when it is imported
    if (opened?.bits === 16) return 16;
  }
  return 8;
}

export function bitsOf(raw: RawImage): 8 | 16 {
  return raw.pixels instanceof Uint16Array ? 16 : 8;
}

/**
 * The image with pixels of `bits`. 255 and 65535 are both white, so a pixel of 8 bits is multiplied by 257 and one
 * of 16 bits divided by it.
 */
export function withDepth(raw: RawImage, bits: 8 | 16): RawImage {
  if (bitsOf(raw) === bits) return raw;
  const pixels =
    bits === 16
      ? Uint16Array.from(raw.pixels, value => value * 257)
      : Uint8Array.from(raw.pixels, value => Math.round(value / 257));
  return { ...raw, pixels };
}
