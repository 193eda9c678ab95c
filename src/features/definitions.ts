import { pixelFeatures, shapeFeatures } from '../engine/features.ts';
import { intensityDefinitions } from './intensityDefinitions.ts';
import { shapeDefinitions } from './shapeDefinitions.ts';
import { textureDefinitions } from './textureDefinitions.ts';

/** Stored values and trained models of another version are measured anew or refused. */
export const featuresVersion = 1;

export const featureFamilies = [
  'shape',
  'contour',
  'intensity',
  'gradient',
  'granularity',
  'patterns',
  'texture',
  'zernike',
] as const;
export type FeatureFamily = (typeof featureFamilies)[number];

/** One number that is measured of a cell. */
export interface FeatureDefinition {
  name: string;
  family: FeatureFamily;
  /** 'range' is the pixel type's, 255 or 65535; 'deviation' is the cell's own. */
  unit: string;
  /** One line. */
  meaning: string;
  /**
   * What else changes it than the cell itself: 'offset' a constant added to every pixel, 'gain' a factor to every
   * pixel, 'place' where the cell lies in the image. Turning by a quarter and mirroring change nothing.
   */
  changesWith: ('offset' | 'gain' | 'place')[];
}

/** Every feature of an image of one channel, in the order of the native core. */
export const featureDefinitions: readonly FeatureDefinition[] = Object.freeze([
  ...shapeDefinitions,
  ...intensityDefinitions,
  ...textureDefinitions,
]);

/**
 * Names of the features of images with so many channels, in the order of `measureFeatures`: the shape's once, then
 * those of each channel's pixels, which begin with 'c0_', 'c1_' ... where there are several channels.
 */
export function featureNames(channels: number): string[] {
  if (channels === 1) return [...shapeFeatures, ...pixelFeatures];
  const ofChannel = (c: number) => pixelFeatures.map(name => `c${c}_${name}`);
  return [...shapeFeatures, ...Array.from({ length: channels }, (_, c) => ofChannel(c)).flat()];
}
