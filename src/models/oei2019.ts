import type { ImageShape } from '../engine/imageSet.ts';
import type { LayerSpec, NetworkSpec } from '../engine/networkSpec.ts';

/**
 * The network of Oei et al. 2019 (doi 10.1371/journal.pone.0213626) in the sizes that the authors of the paper compared
 * with: the thirteen 3 x 3 convolutions of VGG-16 with batch normalisation before each pooling, and one hidden dense
 * layer of 512 with dropout. ReLU follows every hidden layer, as in VGG-16. docs/models.md says what was adapted.
 */
export function oei2019(input: ImageShape, classes: number): NetworkSpec {
  return {
    name: 'oei2019',
    input,
    layers: [
      ...stage(64, 2),
      ...stage(128, 2),
      ...stage(256, 3),
      ...stage(512, 3),
      ...stage(512, 3),
      { type: 'dense', units: 512 },
      { type: 'relu' },
      { type: 'dropout', rate: 0.2 },
      { type: 'dense', units: classes },
    ],
  };
}

function stage(filters: number, convolutions: number): LayerSpec[] {
  const one: LayerSpec[] = [
    { type: 'conv', filters, kernel: 3, stride: 1, padding: 'same' },
    { type: 'relu' },
  ];
  return [
    ...Array.from({ length: convolutions }, () => one).flat(),
    { type: 'batchNorm', decay: 0.99, epsilon: 0.001 },
    { type: 'maxPool', size: 2, stride: 2, padding: 'same' },
  ];
}
