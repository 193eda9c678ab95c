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
