import type { NetworkSpec } from '../../src/engine/networkSpec.ts';
import { cellnet } from '../../src/models/cellnet.ts';
import { cellnetTable1 } from '../../src/models/cellnetTable1.ts';
import { gao2017 } from '../../src/models/gao2017.ts';

const paperInput = { channels: 1, height: 128, width: 128 };

/** A user's network of five layers, no size of which is a power of two. */
const odd: NetworkSpec = {
  name: 'odd',
  input: { channels: 1, height: 101, width: 93 },
  layers: [
    { type: 'conv', filters: 13, kernel: 7, stride: 2, padding: 'same' },
    { type: 'maxPool', size: 2 },
    { type: 'relu' },
    { type: 'conv', filters: 29, kernel: 5, stride: 1, padding: 'same' },
    { type: 'relu' },
    { type: 'batchNorm' },
    { type: 'conv', filters: 37, kernel: 3, stride: [2, 1], padding: 'valid' },
    { type: 'maxPool', size: 3, stride: 2 },
    { type: 'relu' },
    { type: 'dense', units: 101 },
    { type: 'relu' },
    { type: 'dense', units: 5 },
  ],
};

/** The compared networks by name; every side builds its own from the same list of layers. */
export const networks = {
  cellnet: cellnet(paperInput, 4),
  'cellnet-table1': cellnetTable1(paperInput, 4),
  gao2017: gao2017(paperInput, 16),
  odd,
} satisfies Record<string, NetworkSpec>;

export type NetworkName = keyof typeof networks;
