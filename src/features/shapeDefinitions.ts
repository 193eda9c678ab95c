import type { FeatureDefinition } from './definition.ts';

const rows: [name: string, unit: string, meaning: string][] = [
  ['area', 'px²', 'pixels of the cell'],
  [
    'perimeter',
    'px',
    'length of the line through the outermost pixels, by the weights of Benkrid and Crookes',
  ],
  ['equivalentDiameter', 'px', 'diameter of the disc of the same area'],
  ['majorAxis', 'px', 'long axis of the ellipse with the same second moments, a pixel being a square'],
  ['minorAxis', 'px', 'short axis of that ellipse'],
  ['eccentricity', 'ratio', 'of that ellipse: 0 a circle, 1 a line'],
  ['solidity', 'fraction', 'area over that of the convex hull'],
  ['extent', 'fraction', 'area over that of the upright box around the cell'],
  ['circularity', 'ratio', '4 π area / perimeter²: near 1 for a disc, less for any other shape'],
  ['convexity', 'ratio', 'perimeter of the convex hull over the perimeter'],
  ['ellipseFit', 'ratio', 'area over that of the ellipse with the same second moments: 1 for an ellipse'],
  ['feretLongest', 'px', 'largest distance between two points of the outline'],
  ['feretShortest', 'px', 'smallest distance between two parallel lines that hold the cell'],
  ['borderContact', 'fraction', "part of the outline that the image's border makes"],
  [
    'offCentre',
    'of the side',
    "distance of the cell's centre from the image's, in shares of width and height",
  ],
  ['objectCount', 'count', "objects of at least a fifth of the cell's area, the cell included"],
  ['otherArea', 'ratio', "area of all other objects over the cell's"],
];

const contourRows: typeof rows = [
  ['radiusVariation', 'ratio', "deviation of the contour's distance from the centre, over its mean"],
  ['radiusRatio', 'ratio', 'smallest over largest distance of the contour from the centre'],
  ...[2, 3, 4, 5, 6, 7, 8].map((lobes): [string, string, string] => [
    `lobes${lobes}`,
    'of the circle',
    `Fourier coefficients of the contour of order ${lobes}, against the circle's${lobeExample(lobes)}`,
  ]),
  [
    'roughness',
    'of the circle',
    'all Fourier coefficients of higher order together (root of the sum of squares)',
  ],
];

function lobeExample(lobes: number): string {
  return { 2: ': an ellipse has these', 3: ': a rounded triangle', 4: ': a rounded square' }[lobes] ?? '';
}

/** Of the cell's mask, in the order of the native core. */
export const shapeDefinitions: FeatureDefinition[] = [
  ...rows.map(([name, unit, meaning]) => define('shape', name, unit, meaning)),
  ...contourRows.map(([name, unit, meaning]) => define('contour', name, unit, meaning)),
];

function define(family: 'shape' | 'contour', name: string, unit: string, meaning: string): FeatureDefinition {
  return { name, family, unit, meaning, changesWith: name === 'offCentre' ? ['place'] : [] };
}
