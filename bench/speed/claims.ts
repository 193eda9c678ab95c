// The one list of what is claimed: every row of `npm run bench`.

import type { NetworkName } from './networks.ts';
import type { Tool } from './sides.ts';

/** A ratio of images a second, ours over the peers', each at the best of the settings named. */
export interface RatioClaim {
  kind: 'ratio';
  id: string;
  title: string;
  network: NetworkName;
  work: 'train' | 'forward';
  /** Batches that either side may choose from. */
  batches: number[];
  /** What we may run in. */
  ours: 'float32' | 'any';
  /** Whom we compare with, and in which of their settings; absent: any. */
  peers: Tool[];
  setting?: string;
  atLeast: number;
  reach: number;
}

/** A figure of ours that has a bound of its own. */
export interface FigureClaim {
  kind: 'latency' | 'memory';
  id: string;
  title: string;
  network: NetworkName;
  /** Milliseconds [median, 99th percentile], or [MB]. */
  atMost: number[];
  reach: number;
}

/** A share of the bare engine's speed that a whole command keeps. */
export interface ShareClaim {
  kind: 'endToEnd';
  id: string;
  title: string;
  work: 'train' | 'classify';
  atLeast: number;
  reach: number;
}

export type Claim = RatioClaim | FigureClaim | ShareClaim;

const pytorch: Tool[] = ['pytorch'];
const either: Tool[] = ['pytorch', 'onnxRuntime'];
const plain = 'float32 channels_last';
const all = [64, 256, 1300];

export const claims: Claim[] = [
  same('train', 'cellnet', 1300, 7, 10),
  same('train', 'cellnet', 64, 3.5, 6),
  same('train', 'cellnet', 256, 5, 6),
  best('train', 'cellnet', pytorch, 3, 5),
  best('forward', 'cellnet', either, 2, 3),
  same('forward', 'cellnet', 1300, 6, 9),
  same('train', 'cellnet-table1', 256, 6, 9),
  best('train', 'cellnet-table1', pytorch, 3, 5),
  best('forward', 'cellnet-table1', ['onnxRuntime'], 4, 6),
  {
    ...best('forward', 'cellnet-table1', ['onnxRuntime'], 4, 6),
    id: 'cellnet-table1-forward-float32',
    title: 'forward cellnet-table1, float32 on both sides',
    ours: 'float32',
    setting: 'float32',
  },
  best('train', 'gao2017', pytorch, 2, 4),
  best('train', 'odd', pytorch, 2, 4),
  {
    kind: 'latency',
    id: 'cellnet-latency',
    title: 'one image, one thread, cellnet: median, 99th percentile, ms',
    network: 'cellnet',
    atMost: [0.4, 0.8],
    reach: 0.2,
  },
  memory('cellnet'),
  memory('cellnet-table1'),
  {
    kind: 'endToEnd',
    id: 'end-to-end-train',
    title: 'brightcell train, full augmentation',
    work: 'train',
    atLeast: 0.85,
    reach: 0.95,
  },
  {
    kind: 'endToEnd',
    id: 'end-to-end-classify',
    title: 'brightcell classify of a data set',
    work: 'classify',
    atLeast: 0.85,
    reach: 0.95,
  },
];

/** The same batch and float32 on both sides, the peer in its faster layout. */
function same(
  work: RatioClaim['work'],
  network: NetworkName,
  batch: number,
  atLeast: number,
  reach: number,
): RatioClaim {
  return {
    kind: 'ratio',
    id: `${network}-${work}-${batch}`,
    title: `${work} ${network}, float32, batch ${batch}`,
    network,
    work,
    batches: [batch],
    ours: 'float32',
    peers: pytorch,
    setting: plain,
    atLeast,
    reach,
  };
}

/** The best batch, layout and precision of either side. */
function best(
  work: RatioClaim['work'],
  network: NetworkName,
  peers: Tool[],
  atLeast: number,
  reach: number,
): RatioClaim {
  return {
    kind: 'ratio',
    id: `${network}-${work}-best`,
    title: `${work} ${network}, the best of any setting`,
    network,
    work,
    batches: all,
    ours: 'any',
    peers,
    atLeast,
    reach,
  };
}

function memory(network: NetworkName): FigureClaim {
  return {
    kind: 'memory',
    id: `${network}-memory`,
    title: `peak memory, training ${network} at batch 1300, MB`,
    network,
    atMost: [900],
    reach: 500,
  };
}
