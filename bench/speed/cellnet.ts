import type { NetworkSpec } from '../../src/engine/networkSpec.ts';

/** The network that the paper's authors really trained, for K classes. Written out here so that a bench never moves. */
export function cellnetOf(classes: number): NetworkSpec {
  const block = (filters: number, kernel: number, stride: number) =>
    [
      { type: 'conv', filters, kernel, stride, padding: 'same' },
      { type: 'maxPool', size: 2 },
      { type: 'relu' },
      { type: 'batchNorm' },
    ] as const;
  return {
    name: 'cellnet',
    input: { channels: 1, height: 128, width: 128 },
    layers: [
      ...block(32, 11, 2),
      ...block(64, 6, 2),
      ...block(128, 3, 1),
      { type: 'dense', units: 2048 },
      { type: 'relu' },
      { type: 'dense', units: 64 },
      { type: 'relu' },
      { type: 'dense', units: classes },
    ],
  };
}
