// N images, C channels, H rows, W columns, K classes.
import type { Network } from '../engine/network.ts';
import type { InputRows } from '../engine/networkInput.ts';
import { mapPlacement } from './receptiveField.ts';

/** Images whose gradients are held at once: what bounds memory. */
const chunk = 16;

/**
 * Grad-CAM maps (Selvaraju et al. 2017) of rows of an image set, each [H, W] of the network's input and not below 0:
 * the maps of a layer added up, each weighted by the mean gradient of the class's logit with respect to it, negative
 * sums cut to 0; then interpolated in straight lines between the middles of the receptive fields.
 */
export async function measureGradCam(
  network: Network,
  input: InputRows,
  targets: Int32Array,
  layer: number,
): Promise<Float32Array[]> {
  const [channels, rows, columns] = network.outputShapes[layer]!;
  const size = rows * columns;
  const maps: Float32Array[] = [];
  for (let first = 0; first < input.rows.length; first += chunk) {
    const part = { ...input, rows: input.rows.subarray(first, first + chunk) };
    const own = targets.subarray(first, first + chunk);
    const { activations, gradients } = await network.gradients(part, { targets: own, layer });
    for (let i = 0; i < own.length; i++) {
      const at = i * channels * size;
      const coarse = addMaps(activations.subarray(at), gradients.subarray(at), channels, size);
      maps.push(enlarge(coarse, [rows, columns], network, layer));
    }
  }
  return maps;
}

function addMaps(
  activations: Float32Array,
  gradients: Float32Array,
  channels: number,
  size: number,
): Float32Array {
  const sum = new Float32Array(size);
  for (let c = 0; c < channels; c++) {
    let weight = 0;
    for (let p = 0; p < size; p++) weight += gradients[c * size + p]! / size;
    for (let p = 0; p < size; p++) sum[p]! += weight * activations[c * size + p]!;
  }
  return sum.map(value => Math.max(0, value));
}

function enlarge(
  coarse: Float32Array,
  [rows, columns]: [number, number],
  network: Network,
  layer: number,
): Float32Array {
  const { height, width } = network.spec.input;
  const { first, step } = mapPlacement(network.spec, layer);
  const down = places(height, rows, first[0], step[0]);
  const across = places(width, columns, first[1], step[1]);
  const map = new Float32Array(height * width);
  const at = (row: number, column: number) => coarse[row * columns + column]!;
  for (const [y, v] of down.entries())
    for (const [x, h] of across.entries()) {
      const above = at(v.low, h.low) * (1 - h.part) + at(v.low, h.high) * h.part;
      const below = at(v.high, h.low) * (1 - h.part) + at(v.high, h.high) * h.part;
      map[y * width + x] = above * (1 - v.part) + below * v.part;
    }
  return map;
}

/** For each pixel the two positions that it lies between, and how far from the first. */
function places(pixels: number, count: number, first: number, step: number) {
  return Array.from({ length: pixels }, (_, pixel) => {
    const place = step > 0 ? Math.min(count - 1, Math.max(0, (pixel - first) / step)) : 0;
    const low = Math.min(Math.floor(place), count - 1);
    return { low, high: Math.min(low + 1, count - 1), part: place - low };
  });
}
