import type { ImageShape } from '../engine/imageSet.ts';
import type { NetworkSpec } from '../engine/networkSpec.ts';
import { poolAndNormalise } from './cellnet.ts';

/**
 * Table I of Meng et al. 2019 read as it is printed: stride 1 throughout and one hidden dense layer of 64. Batch
 * normalisation follows each pooling as the paper's text says. 443 million multiply-adds an image of 1 x 128 x 128.
 */
export function cellnetTable1(input: ImageShape, classes: number): NetworkSpec {
  return {
    name: 'cellnet-table1',
    input,
    layers: [
      { type: 'conv', filters: 32, kernel: 11, stride: 1, padding: 'same' },
      ...poolAndNormalise(),
      { type: 'conv', filters: 64, kernel: 6, stride: 1, padding: 'same' },
      ...poolAndNormalise(),
      { type: 'conv', filters: 128, kernel: 3, stride: 1, padding: 'same' },
      ...poolAndNormalise(),
      { type: 'dense', units: 64 },
      { type: 'relu' },
      { type: 'dense', units: classes },
    ],
  };
}
