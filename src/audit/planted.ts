// S cells.
import { ImageSet, type Pixels } from '../engine/imageSet.ts';
import type { Augmentation } from '../engine/normalisation.ts';

/** How a copy may have been changed before it came into a data set. */
export const copyKinds = {
  turned: { rotateDegrees: 180 },
  mirrored: { flipHorizontal: true, flipVertical: true },
  shifted: { translate: 0.08 },
  noisy: { noise: 0.2 },
  all: { ...{ flipHorizontal: true, flipVertical: true, rotateDegrees: 180, translate: 0.06 }, noise: 0.1 },
} as const satisfies Record<string, Partial<Augmentation>>;

export type CopyKind = keyof typeof copyKinds;

const unchanged: Augmentation = {
  ...{ flipHorizontal: false, flipVertical: false, translate: 0, rotateDegrees: 0, scale: 0 },
  ...{ blurSigma: 0, noise: 0, brightness: 0, contrast: 0 },
};

/**
 * A changed copy of each row, as pixels of the same type: turned by any angle, mirrored along either side or both, shifted
 * by up to 8 % of the side, with noise of up to 0.2 of the image's own deviation, or all of it. The caller closes the set.
 */
export async function plantCopies(
  images: ImageSet,
  rows: Int32Array,
  kind: CopyKind,
  seed: number,
): Promise<ImageSet> {
  const values = await images.load(rows, 'none', { ...unchanged, ...copyKinds[kind] }, seed);
  const copies = ImageSet.from(asPixels(values, images), images.shape);
  copies.takeLight(images, rows);
  return copies;
}

function asPixels(values: Float32Array, { type }: ImageSet): Pixels {
  if (type === 'float32') return values;
  const [pixels, most] =
    type === 'uint8' ? [new Uint8Array(values.length), 255] : [new Uint16Array(values.length), 65_535];
  for (let i = 0; i < values.length; i++) pixels[i] = Math.max(0, Math.min(most, Math.round(values[i]!)));
  return pixels;
}
