import type { FeatureDefinition, FeatureFamily } from './definition.ts';

/** Haralick's features in his order. */
const haralick: [part: string, unit: string, meaning: string][] = [
  ['Energy', 'fraction', 'angular second moment: 1 where all pixels are alike'],
  ['Contrast', 'levels²', 'mean squared difference of a pair'],
  ['Correlation', 'ratio', 'correlation of the two pixels of a pair; 1 where all are alike'],
  ['Variance', 'levels²', 'variance of a pixel'],
  ['Similarity', 'fraction', 'inverse difference moment: mean of 1 / (1 + squared difference)'],
  ['SumMean', 'levels', "mean of a pair's sum"],
  ['SumVariance', 'levels²', "variance of a pair's sum"],
  ['SumEntropy', 'bits', "entropy of a pair's sum"],
  ['Entropy', 'bits', 'entropy of pairs'],
  ['DifferenceVariance', 'levels²', "variance of a pair's difference"],
  ['DifferenceEntropy', 'bits', "entropy of a pair's difference"],
  [
    'Information1',
    'ratio',
    'what the pixels of a pair tell of each other, over the entropy of one; negative',
  ],
  ['Information2', 'ratio', 'root of 1 - e^(-2 shared information): 0 where they tell nothing'],
];

const turning = 'mean over four directions';
const textures = [
  ...haralick.map(([part, unit, meaning]) =>
    define('texture', `texture1${part}`, unit, `${meaning}; 1 px apart, ${turning}`),
  ),
  ...haralick.map(([part, unit]) =>
    define(
      'texture',
      `texture1${part}Range`,
      unit,
      `largest less smallest of texture1${part} over four directions`,
    ),
  ),
  ...haralick.map(([part, unit, meaning]) =>
    define('texture', `texture3${part}`, unit, `${meaning}; 3 px apart, ${turning}`),
  ),
];

const patterns = [1, 2].flatMap(radius =>
  Array.from({ length: 10 }, (_, bin) =>
    define(
      'patterns',
      `pattern${radius}Bin${bin}`,
      'fraction',
      bin === 9
        ? `pixels whose local binary pattern of radius ${radius} changes more than twice around`
        : `pixels with ${bin} of 8 neighbours at radius ${radius} at least as bright, in one stretch`,
    ),
  ),
);

const zernikes = Array.from({ length: 8 }, (_, i) => i + 1).flatMap(n =>
  Array.from({ length: n + 1 }, (_, m) => m)
    .filter(m => (n - m) % 2 === 0)
    .map(m =>
      define(
        'zernike',
        `zernike${n}m${m}`,
        'ratio',
        `size of the Zernike moment of order ${n} and repetition ${m}`,
      ),
    ),
);

/** Of one channel's stretched pixels in the cell, in the order of the native core. */
export const textureDefinitions: FeatureDefinition[] = [...patterns, ...textures, ...zernikes];

function define(family: FeatureFamily, name: string, unit: string, meaning: string): FeatureDefinition {
  return { name, family, unit, meaning, changesWith: [] };
}
