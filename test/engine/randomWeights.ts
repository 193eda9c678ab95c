import type { ImageShape } from '../../src/engine/imageSet.ts';
import type { Network } from '../../src/engine/network.ts';
import { hash32, uniform } from './hashedNumbers.ts';

/**
 * Gives every tensor numbers that matter: weights of the size that keeps values in range, biases, batch norm scales
 * from 0.5 to 1.5 and running statistics far from 0 and 1.
 */
export function randomiseWeights(network: Network, seed: number): void {
  const random = network.weights().map((tensor, i) => {
    const numbers = uniform(i + 64 * (seed % 3), tensor.data.length);
    const fanIn = tensor.shape.slice(1).reduce((product, side) => product * side, 1);
    const value = (u: number) => {
      if (tensor.name.endsWith('.weights')) return u * Math.sqrt(6 / fanIn);
      if (tensor.name.endsWith('.gamma')) return 1 + 0.5 * u;
      if (tensor.name.endsWith('.runningVariance')) return 0.3 + (u + 1) ** 2;
      return 0.5 * u;
    };
    return { ...tensor, data: Float32Array.from(numbers, value) };
  });
  network.load(random);
}

/** N images [C, H, W] of hashed pixels over the whole range, with a different mean in each. */
export function randomImages(shape: ImageShape, count: number, seed: number, type: 'uint8' | 'uint16') {
  const size = shape.channels * shape.height * shape.width;
  const largest = type === 'uint8' ? 255 : 65535;
  const pixels = type === 'uint8' ? new Uint8Array(size * count) : new Uint16Array(size * count);
  for (let i = 0; i < pixels.length; i++) {
    const brightness = 0.4 + (0.6 * (Math.floor(i / size) + 1)) / count;
    pixels[i] = Math.floor((hash32(i + seed * 65_537) / 2 ** 32) * brightness * largest) + 1;
  }
  return pixels;
}
