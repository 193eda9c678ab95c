import { pixelFeatures, shapeFeatures } from '../engine/features.ts';
import type { FeatureDefinition } from './definition.ts';
import { intensityDefinitions } from './intensityDefinitions.ts';
import { shapeDefinitions } from './shapeDefinitions.ts';
import { textureDefinitions } from './textureDefinitions.ts';

/** Stored values and trained models of another version are measured anew or refused. */
export const featuresVersion = 1;

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
