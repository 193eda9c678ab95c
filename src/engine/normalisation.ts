/**
 * How pixel values are made comparable before the network sees them; part of every model.
 * `mean` makes the average intensity equal as the paper does: `x / mean - 1`.
 */
export const normalisations = ['none', 'range', 'mean', 'standardise'] as const;
export type Normalisation = (typeof normalisations)[number];

/** Ranges of random changes made to a training image; a missing field is no change. See native/core/input.h. */
export interface Augmentation {
  flipHorizontal?: boolean;
  flipVertical?: boolean;
  /** Fraction of the side, both ways. */
  translate?: number;
  /** Degrees, both ways. */
  rotateDegrees?: number;
  /** 0.1: from 1/1.1 to 1.1. */
  scale?: number;
  /** Largest standard deviation in pixels. */
  blurSigma?: number;
  /** Largest standard deviation as a fraction of the pixel range. */
  noise?: number;
  /** 0.2: factor from 0.8 to 1.2. */
  brightness?: number;
  /** 0.2: factor about the image's mean from 0.8 to 1.2. */
  contrast?: number;
}
