import { BrightcellError } from '../errors.ts';

/** A named array of numbers: a parameter, a running statistic or an optimiser moment. */
export interface NamedTensor {
  /**
   * `<layer index>.<layer type>.<what>`: "0.conv.weights", "2.batchNorm.runningMean", "0.conv.weights.adam.m",
   * "0.conv.weights.sgd.velocity"; and "optimiser.adam.step" or "optimiser.sgd.step".
   */
  name: string;
  shape: number[];
  data: Float32Array;
}

/** Which optimiser's moments a list of tensors holds. */
export type Moments = 'none' | 'adam' | 'sgd';

export function momentsOf(tensors: NamedTensor[]): Moments {
  if (tensors.some(tensor => tensor.name === 'optimiser.adam.step')) return 'adam';
  return tensors.some(tensor => tensor.name === 'optimiser.sgd.step') ? 'sgd' : 'none';
}

/** Checks that `tensors` are exactly `weights` with the moments that go with them; throws `model-corrupt`. */
export function checkTensors(tensors: NamedTensor[], weights: NamedTensor[], moments: Moments): void {
  const given = new Map(tensors.map(tensor => [tensor.name, tensor]));
  if (given.size !== tensors.length)
    corrupt('Every tensor must have a name of its own. A name stands twice.');
  const wanted = new Map(weights.map(({ name, shape }) => [name, shape]));
  for (const [name, shape] of momentShapes(weights, moments)) wanted.set(name, shape);
  for (const [name, shape] of wanted) checkTensor(name, shape, given.get(name));
  for (const name of given.keys())
    if (!wanted.has(name)) corrupt(`The network has no tensor ${name}. The weights are of another network.`);
}

function momentShapes(weights: NamedTensor[], moments: Moments): [string, number[]][] {
  if (moments === 'none') return [];
  const trained = weights.filter(({ name }) => !/\.running(Mean|Variance)$/.test(name));
  const endings = moments === 'adam' ? ['adam.m', 'adam.v'] : ['sgd.velocity'];
  return [
    [`optimiser.${moments}.step`, [1]],
    ...trained.flatMap(({ name, shape }) =>
      endings.map((ending): [string, number[]] => [`${name}.${ending}`, shape]),
    ),
  ];
}

function checkTensor(name: string, shape: number[], tensor: NamedTensor | undefined): void {
  if (!tensor) corrupt(`The network needs a tensor ${name} of shape [${shape.join(', ')}]. It is missing.`);
  const size = shape.reduce((product, side) => product * side, 1);
  if (tensor.shape.join() !== shape.join() || tensor.data.length !== size)
    corrupt(`Tensor ${name} must have shape [${shape.join(', ')}]. Received [${tensor.shape.join(', ')}].`);
  const wrong = findNotFinite(tensor.data);
  if (wrong >= 0)
    corrupt(`Tensor ${name} must hold finite numbers. Received ${tensor.data[wrong]} at position ${wrong}.`);
}

/** A plain loop: a model has millions of numbers, and a call for each took as long as drawing them. */
function findNotFinite(data: Float32Array): number {
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) return i;
  return -1;
}

function corrupt(message: string): never {
  throw new BrightcellError('model-corrupt', message);
}
