import { BrightcellError } from '../errors.ts';

/**
 * How pixel values are made comparable before the network sees them; part of every model.
 * `mean` makes the average intensity equal as the paper does: `x / mean - 1`. `session` takes out the light of a session, so
 * that its images stay comparable with each other: the level around the cells and the contrast to it, medians over the
 * session. See native/core/input.h and src/engine/light.ts.
 */
export const normalisations = ['none', 'range', 'mean', 'standardise', 'session'] as const;
export type Normalisation = (typeof normalisations)[number];

/** Ranges of random changes made to a training image; a missing field is no change. See native/core/input.h. */
export interface Augmentation {
  flipHorizontal?: boolean;
  flipVertical?: boolean;
  /** Fraction of the side, both ways; 0 to 1. */
  translate?: number;
  /** Degrees, both ways; 0 to 180. */
  rotateDegrees?: number;
  /** 0.1: from 1/1.1 to 1.1; 0 to 4. */
  scale?: number;
  /** Largest standard deviation in pixels; 0 to 16. */
  blurSigma?: number;
  /** Largest standard deviation as a fraction of the image's own standard deviation; 0 to 10. */
  noise?: number;
  /** 0.2: factor from 0.8 to 1.2; 0 to 0.99. */
  brightness?: number;
  /** 0.2: factor about the image's mean from 0.8 to 1.2; 0 to 0.99. */
  contrast?: number;
  /** Probability that the background is replaced by that of another image of the batch, the cell kept; 0 to 1. */
  replaceBackground?: number;
}

/** Largest value of each number of an Augmentation; the smallest is 0. */
const augmentationLimits = {
  translate: 1,
  rotateDegrees: 180,
  scale: 4,
  blurSigma: 16,
  noise: 10,
  brightness: 0.99,
  contrast: 0.99,
  replaceBackground: 1,
} as const;
const flips = ['flipHorizontal', 'flipVertical'];

/** Throws `option-invalid` unless `normalisation` is a known one. */
export function checkNormalisation(normalisation: Normalisation): void {
  if (normalisations.includes(normalisation)) return;
  throw new BrightcellError(
    'option-invalid',
    `normalisation must be one of ${normalisations.join(', ')}. Received ${String(normalisation)}.`,
  );
}

/** Throws `option-invalid` for an unknown field, a value out of its range, or one that such pixels cannot have. */
export function checkAugmentation(augmentation: Augmentation, pixelType?: string): void {
  for (const [name, value] of Object.entries(augmentation)) {
    if (value === undefined) continue;
    const refusal = refuse(name, value);
    if (refusal) throw new BrightcellError('option-invalid', `augmentation.${name} ${refusal}`);
  }
  if (pixelType === 'float32' && augmentation.replaceBackground) {
    throw new BrightcellError(
      'option-invalid',
      'augmentation.replaceBackground finds cells in uint8 or uint16 images. Received float32 images: leave it out.',
    );
  }
}

function refuse(name: string, value: unknown): string | undefined {
  if (flips.includes(name)) {
    return typeof value === 'boolean' ? undefined : `must be true or false. Received ${String(value)}.`;
  }
  const limit = augmentationLimits[name as keyof typeof augmentationLimits];
  if (limit === undefined) {
    return `is not known. Known are ${[...flips, ...Object.keys(augmentationLimits)].join(', ')}.`;
  }
  const fits = typeof value === 'number' && value >= 0 && value <= limit;
  return fits ? undefined : `must be a number from 0 to ${limit}. Received ${String(value)}.`;
}
