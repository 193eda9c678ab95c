import type { ImageShape } from '../engine/imageSet.ts';
import type { NetworkSpec } from '../engine/networkSpec.ts';
import { BrightcellError } from '../errors.ts';
import { cellnet } from './cellnet.ts';
import { cellnetTable1 } from './cellnetTable1.ts';
import { gao2017 } from './gao2017.ts';
import { measureDecoder, measureLayers } from './layerTable.ts';
import { liu2017 } from './liu2017.ts';
import { oei2019 } from './oei2019.ts';
import { completeNetwork, readNetwork } from './readNetwork.ts';

const networks: Record<string, (input: ImageShape, classes: number) => NetworkSpec> = {
  cellnet,
  'cellnet-table1': cellnetTable1,
  gao2017,
  liu2017,
  oei2019,
};

/** Networks known by name. */
export const networkNames = Object.keys(networks);

/**
 * The network of that name, or of that JSON file, for images of `input` and K classes. Throws `network-invalid`,
 * naming the layer, when it cannot take them.
 */
export async function buildNetwork(model: string, input: ImageShape, classes: number): Promise<NetworkSpec> {
  const { channels, height, width } = input;
  const shape = { channels, height, width };
  const build = Object.hasOwn(networks, model) ? networks[model] : undefined;
  if (!build && !/[./\\]/.test(model)) {
    throw new BrightcellError(
      'option-invalid',
      `model must be one of ${networkNames.join(', ')}, or the path of a JSON file. Received ${model}.`,
    );
  }
  const spec = build?.(shape, classes) ?? completeNetwork(await readNetwork(model), shape, classes, model);
  measureLayers(spec);
  measureDecoder(spec);
  return spec;
}
