import { type MapShape, resolveNetwork } from '../engine/networkShape.ts';
import type { LayerSpec, NetworkSpec } from '../engine/networkSpec.ts';
import { BrightcellError } from '../errors.ts';

/** A layer by its name: the kind and its number among those of that kind, from 1 ("conv2"). */
export interface NamedLayer {
  name: string;
  /** In the network's list of layers. */
  index: number;
  type: LayerSpec['type'];
  /** [C, H, W] of what it gives. */
  shape: MapShape;
}

/** The layers of a network, without its decoder, with their names. */
export function nameLayers(spec: NetworkSpec): NamedLayer[] {
  const { outputShapes } = resolveNetwork(spec);
  const counts = new Map<string, number>();
  return spec.layers.map(({ type }, index) => {
    const number = (counts.get(type) ?? 0) + 1;
    counts.set(type, number);
    return { name: `${type}${number}`, index, type, shape: outputShapes[index]! };
  });
}

/** A layer by its name or its index ("conv2", "4"); throws `option-invalid`, listing those that there are. */
export function findLayer(spec: NetworkSpec, wanted: string): NamedLayer {
  return findIn(nameLayers(spec), wanted, 'layer');
}

/** The same for convolutions alone; without a name the last one. Throws `option-invalid`, also where there is none. */
export function findConvolution(spec: NetworkSpec, wanted?: string): NamedLayer {
  const convolutions = nameLayers(spec).filter(({ type }) => type === 'conv');
  if (convolutions.length === 0)
    throw new BrightcellError(
      'option-invalid',
      `The network must have a convolution. ${spec.name} has none.`,
    );
  return wanted === undefined ? convolutions.at(-1)! : findIn(convolutions, wanted, 'convolution');
}

function findIn(layers: NamedLayer[], wanted: string, what: string): NamedLayer {
  const found = layers.find(({ name, index }) => name === wanted || String(index) === wanted);
  if (found) return found;
  const known = layers.map(({ name, index, shape }) => `${name} (${index}: ${shape.join(' x ')})`);
  throw new BrightcellError(
    'option-invalid',
    `There is no ${what} "${wanted}" in this network. There are: ${known.join(', ')}.`,
  );
}
