import type { FeatureDefinition, FeatureFamily } from './definition.ts';

type Change = FeatureDefinition['changesWith'];
type Row = [name: string, unit: string, meaning: string, changesWith?: Change];
const gain: Change = ['gain'];

const intensityRows: Row[] = [
  ['background', 'of the range', 'median of the pixels in no object', ['offset', 'gain']],
  ['backgroundDeviation', 'of the range', 'standard deviation of those pixels', gain],
  ['mean', 'of the range', 'mean of the cell less the background', gain],
  ['deviation', 'of the range', 'standard deviation of the cell', gain],
  ['skewness', 'ratio', "third moment of the cell's pixels: above 0 with a few bright ones"],
  ['kurtosis', 'ratio', 'fourth moment less 3: 0 for a normal distribution'],
  ['quantile05', 'of the range', 'quantile 0.05 of the cell less the background', gain],
  ['quantile25', 'of the range', 'quantile 0.25 of the cell less the background', gain],
  ['median', 'of the range', 'median of the cell less the background', gain],
  ['quantile75', 'of the range', 'quantile 0.75 of the cell less the background', gain],
  ['quantile95', 'of the range', 'quantile 0.95 of the cell less the background', gain],
  ['entropy', 'bits', 'entropy of the stretched cell in 32 levels'],
  ['total', 'of the range × px²', 'mean less the background, times the area', gain],
  ['rimMean', 'deviations', "mean of the cell's outermost pixels less the cell's mean"],
  ['haloMean', 'of the range', 'mean of the three pixels around the cell less the background', gain],
  ...ringRows('Mean', "mean less the cell's mean"),
  ...ringRows('Deviation', 'standard deviation'),
  [
    'massDisplacement',
    'of the radius',
    'distance between the centres of area and of mass, a pixel weighing what it differs from the background',
  ],
  ['gyration', 'ratio', 'root mean square distance of that mass from the centre, over that of the area'],
];

/** Rings of equal width between the centre and the ellipse of the same second moments. */
function ringRows(part: string, meaning: string): Row[] {
  const places = ['the innermost', 'the second', 'the third', 'the outermost'];
  return places.map((place, i) => [
    `ring${i + 1}${part}`,
    'deviations',
    `${meaning} in ${place} of four elliptical rings`,
  ]);
}

const gradientRows: Row[] = [
  ['gradientMean', 'of the range / px', "mean of the length of Sobel's gradient in the cell", gain],
  ['gradientDeviation', 'of the range / px', 'standard deviation of that length', gain],
  ['gradientSkewness', 'ratio', 'third moment of that length'],
  ['gradientSharpness', 'deviations / px', 'mean of that length over the deviation of the cell'],
  ['gradientRim', 'deviations / px', "mean of that length on the cell's outermost pixels"],
  ['gradientRadial', 'fraction', 'part of the gradient that points to or from the centre'],
  ['gradientAlong', 'fraction', 'gradient within 22.5° of the major axis, weighted by length'],
  ['gradientOblique1', 'fraction', 'gradient at 22.5° to 45° to the major axis'],
  ['gradientOblique2', 'fraction', 'gradient at 45° to 67.5° to the major axis'],
  ['gradientAcross', 'fraction', 'gradient at 67.5° to 90° to the major axis'],
  ['laplacianMean', 'deviations / px²', 'mean size of the Laplacian'],
  ['laplacianDeviation', 'deviations / px²', 'standard deviation of the Laplacian'],
  ['laplacianSkewness', 'ratio', 'third moment of the Laplacian: below 0 with bright spots'],
];

const grainRows: Row[] = [3, 5, 7, 9].flatMap((size): Row[] => [
  [
    `brightGrains${size}`,
    'fraction',
    `stretched brightness in bright parts narrower than ${size} px${size > 3 ? `, not than ${size - 2}` : ''}`,
  ],
  [
    `darkGrains${size}`,
    'fraction',
    `stretched darkness in dark parts narrower than ${size} px${size > 3 ? `, not than ${size - 2}` : ''}`,
  ],
]);

/** Of one channel's pixels in the cell, in the order of the native core. */
export const intensityDefinitions: FeatureDefinition[] = [
  ...intensityRows.map(row => define('intensity', row)),
  ...gradientRows.map(row => define('gradient', row)),
  ...['bright', 'dark'].flatMap(kind =>
    grainRows.filter(([name]) => name.startsWith(kind)).map(row => define('granularity', row)),
  ),
];

function define(family: FeatureFamily, [name, unit, meaning, changesWith = []]: Row): FeatureDefinition {
  return { name, family, unit, meaning, changesWith };
}
