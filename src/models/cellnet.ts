import type { ImageShape } from '../engine/imageSet.ts';
import type { LayerSpec, NetworkSpec } from '../engine/networkSpec.ts';

/**
 * The network that Meng et al. 2019 really trained (their Fig. 3 and released graph), for K classes: three
 * convolutions, each followed by max pooling, ReLU and batch normalisation in this order, then dense layers of
 * 2048, 64 and K. 43.8 million multiply-adds an image of 1 x 128 x 128.
 */
export function cellnet(input: ImageShape, classes: number): NetworkSpec {
  return {
    name: 'cellnet',
    input,
    layers: [
      { type: 'conv', filters: 32, kernel: 11, stride: 2, padding: 'same' },
      ...poolAndNormalise(),
      { type: 'conv', filters: 64, kernel: 6, stride: 2, padding: 'same' },
      ...poolAndNormalise(),
      { type: 'conv', filters: 128, kernel: 3, stride: 1, padding: 'same' },
      ...poolAndNormalise(),
      { type: 'dense', units: 2048 },
      { type: 'relu' },
      { type: 'dense', units: 64 },
      { type: 'relu' },
      { type: 'dense', units: classes },
    ],
  };
}

/** What follows each convolution of both networks of the paper. */
export function poolAndNormalise(): LayerSpec[] {
  return [
    { type: 'maxPool', size: 2, stride: 2, padding: 'valid' },
    { type: 'relu' },
    { type: 'batchNorm', decay: 0.99, epsilon: 0.001 },
  ];
}
