// What is left of a map once the network has forgotten what it learnt, after Adebayo et al. 2018.
import { Network } from '../engine/network.ts';
import { nameLayers } from './layers.ts';

/** A network whose layers from one on hold random weights. */
export interface RandomisedNetwork {
  /** Name of the first layer whose weights are random; those before it are as trained. */
  from: string;
  network: Network;
}

/**
 * Copies of a network, in the order in which it forgets: first the last layer with weights is random, then the last
 * two, and so on to all. Random is what an untrained network starts with (He's normal weights); a batch norm belongs to
 * the layer with weights before it. The caller frees each as it comes; one stands at a time.
 */
export function* forgetLayers(network: Network, seed: number): Generator<RandomisedNetwork> {
  const { spec } = network;
  const fresh = new Network(spec, { seed, initialiser: { name: 'heNormal' } });
  const trained = network.weights();
  const random = new Map(fresh.weights().map(({ name, data }) => [name, data]));
  fresh.dispose();
  const weighted = nameLayers(spec).filter(({ type }) => type === 'conv' || type === 'dense');
  for (const { name, index } of weighted.reverse()) {
    const copy = new Network(spec, { seed, initialiser: { name: 'heNormal' } });
    try {
      copy.load(
        trained.map(tensor => ({
          ...tensor,
          data: layerOf(tensor.name) >= index ? random.get(tensor.name)! : tensor.data,
        })),
      );
      yield { from: name, network: copy };
    } finally {
      copy.dispose();
    }
  }
}

/** "3.conv.weights" is of layer 3; a decoder's tensors are of none. */
function layerOf(name: string): number {
  const index = Number.parseInt(name, 10);
  return Number.isNaN(index) ? -1 : index;
}
