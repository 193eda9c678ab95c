import type { ImageShape } from '../engine/imageSet.ts';
import type { LayerSpec, NetworkSpec } from '../engine/networkSpec.ts';
import { BrightcellError } from '../errors.ts';

/**
 * The network of Liu et al. 2017 (doi 10.1109/ISBI.2017.7950689) in the sizes that the authors of the paper compared
 * with: an autoencoder and a classifier trained together. Four stages of convolutions halve the image to a code of 64
 * maps, which one hidden dense layer of 1024 classifies and a decoder turns back into the image. docs/models.md says
 * what was adapted. Throws `network-invalid` where the sides of the images are not multiples of 16.
 */
export function liu2017(input: ImageShape, classes: number): NetworkSpec {
  const { channels, height, width } = input;
  if (height % 16 !== 0 || width % 16 !== 0)
    throw new BrightcellError(
      'network-invalid',
      `liu2017 halves images four times and doubles them again: their sides must be multiples of 16. Received ` +
        `${height} x ${width}. Import with another --size.`,
    );
  const encoder = [
    ...stage(convolve(16, 7)),
    ...stage(convolve(32, 5)),
    ...stage([...convolve(64, 3), ...convolve(64, 3)]),
    ...stage([...convolve(64, 3), ...convolve(64, 3)]),
  ];
  return {
    name: 'liu2017',
    input,
    layers: [...encoder, { type: 'dense', units: 1024 }, { type: 'relu' }, { type: 'dense', units: classes }],
    decoder: {
      from: encoder.length - 1,
      layers: [
        ...[64, 64, 64, 128].flatMap(filters => [
          ...convolve(filters, 3),
          { type: 'upsample', size: 2 } satisfies LayerSpec,
        ]),
        { type: 'conv', filters: channels, kernel: 5, stride: 1, padding: 'same' },
      ],
    },
  };
}

function convolve(filters: number, kernel: number): LayerSpec[] {
  return [{ type: 'conv', filters, kernel, stride: 1, padding: 'same' }, { type: 'relu' }];
}

function stage(convolutions: LayerSpec[]): LayerSpec[] {
  return [
    ...convolutions,
    { type: 'maxPool', size: 2, stride: 2, padding: 'same' },
    { type: 'batchNorm', decay: 0.99, epsilon: 0.001 },
  ];
}
