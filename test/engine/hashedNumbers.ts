// Numbers that the tests and bench/peers/ten_steps.py both compute, from an integer hash.
import type { ImageShape } from '../../src/engine/imageSet.ts';
import type { Network } from '../../src/engine/network.ts';

/** mix(index) in [0, 2^32): the finaliser of MurmurHash3. */
export function hash32(index: number): number {
  let z = Math.imul(index, 0x9e3779b1);
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) >>> 0;
}

/** `count` numbers in [-1, 1) for the tensor of this number. */
export function uniform(tensor: number, count: number): Float64Array {
  const start = (tensor + 1) * 2 ** 24;
  const numbers = new Float64Array(count);
  for (let i = 0; i < count; i++) numbers[i] = hash32(start + i) / 2 ** 31 - 1;
  return numbers;
}

export function hashedLabels(count: number, classes: number): Int32Array {
  return Int32Array.from({ length: count }, (_, n) => hash32(31 + n) % classes);
}

/** A hashed pattern a class with hashed noise an image, brighter with the class. */
export function hashedImages(input: ImageShape, labels: Int32Array): Uint8Array {
  const { channels, height, width } = input;
  const size = channels * height * width;
  const pixels = new Uint8Array(size * labels.length);
  for (const [n, label] of labels.entries()) {
    for (let i = 0; i < size; i++) {
      const pattern = hash32(1_000_003 * (label + 1) + i) >>> 26;
      const noise = hash32(7_000_001 + n * size + i) >>> 25;
      pixels[n * size + i] = pattern + noise + 20 + 5 * label;
    }
  }
  return pixels;
}

/** The weights that both sides begin with: uniform as Glorot says, and small biases. */
export function setFirstWeights(network: Network): void {
  const tensors = network.weights().map((tensor, i) => {
    const [filters = 1, ...rest] = tensor.shape;
    const fanIn = rest.reduce((product, side) => product * side, 1);
    const area = tensor.shape.slice(2).reduce((product, side) => product * side, 1);
    const limit = Math.sqrt(6 / (fanIn + filters * area));
    const values: Record<string, (u: number) => number> = {
      weights: u => limit * u,
      bias: u => 0.01 * u,
      gamma: u => 1 + 0.1 * u,
      beta: u => 0.1 * u,
      runningMean: () => 0,
      runningVariance: () => 1,
    };
    const value = values[tensor.name.split('.').at(-1)!]!;
    return { ...tensor, data: Float32Array.from(uniform(i, tensor.data.length), u => value(u)) };
  });
  network.load(tensors);
}
