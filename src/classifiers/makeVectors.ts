import type { ImageShape } from '../engine/imageSet.ts';

const longest = 20_000;

/** The shape of an image that holds D numbers: 1 x 1 x D, or in rows where a row may not be so long. */
export function vectorShape(D: number): ImageShape {
  let width = Math.min(D, longest);
  while (D % width !== 0) width--;
  return { channels: 1, height: D / width, width };
}
