import type { ImageShape } from '../engine/imageSet.ts';
import type { LayerSpec, NetworkSpec } from '../engine/networkSpec.ts';

/**
 * The network of Gao et al. 2017 as the authors of the paper adapted it for comparison: scaled tanh
 * (1.7159 tanh(2x/3)) after each convolution and the hidden dense layer, batch normalisation after each pooling.
 * Convolutions are padded 'same', which the release leaves open.
 */
export function gao2017(input: ImageShape, classes: number): NetworkSpec {
  return {
    name: 'gao2017',
    input,
    layers: [
      { type: 'conv', filters: 6, kernel: 7, stride: 1, padding: 'same' },
      ...squashAndPool(2),
      { type: 'conv', filters: 16, kernel: 4, stride: 2, padding: 'same' },
      ...squashAndPool(3),
      { type: 'conv', filters: 32, kernel: 3, stride: 1, padding: 'same' },
      ...squashAndPool(3),
      { type: 'dense', units: 150 },
      { type: 'scaledTanh' },
      { type: 'dense', units: classes },
    ],
  };
}

function squashAndPool(side: number): LayerSpec[] {
  return [
    { type: 'scaledTanh' },
    { type: 'maxPool', size: side, stride: side, padding: 'valid' },
    { type: 'batchNorm', decay: 0.99, epsilon: 0.001 },
  ];
}
