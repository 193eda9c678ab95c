// N images, C channels, H rows, W columns, K classes.
import { ImageSet } from '../engine/imageSet.ts';
import type { Network } from '../engine/network.ts';
import type { InputRows } from '../engine/networkInput.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { blurPlane } from './fill.ts';

export const baselines = ['mean', 'blur'] as const;
/** What an image is compared with: its own mean everywhere, or itself blurred; each channel by itself. */
export type Baseline = (typeof baselines)[number];

export interface IntegratedGradients {
  /** [H, W]: how much of the change of the logit each pixel brings, all channels together. */
  map: Float32Array;
  /** Of the class's logit, from the baseline to the image: what the map should add up to. */
  change: number;
  /** How far the map's sum is from it, as a share of it; null where the change is 0. */
  completenessError: number | null;
}

/** Images on the way from a baseline to an image that are held at once. */
const chunk = 32;

/**
 * Integrated gradients (Sundararajan et al. 2017) of rows of an image set: along the straight way from the baseline
 * to the image, as the network sees both (normalised), the mean of the gradient of the class's logit at the middles
 * of `steps` equal parts, times the difference. Throws `cancelled`.
 */
export async function measureIntegratedGradients(
  network: Network,
  { images, rows, normalisation }: InputRows,
  targets: Int32Array,
  { steps, baseline }: { steps: number; baseline: Baseline },
  job: Job = {},
): Promise<IntegratedGradients[]> {
  const results: IntegratedGradients[] = [];
  for (const [i, row] of rows.entries()) {
    throwIfCancelled(job);
    job.onProgress?.({ stage: 'integrating gradients', done: i, total: rows.length, unit: 'cells' });
    const image = await images.load(Int32Array.of(row), normalisation);
    const from = baselineOf(image, images.shape, baseline);
    results.push(await integrate(network, image, from, targets[i]!, steps));
  }
  return results;
}

async function integrate(
  network: Network,
  image: Float32Array,
  from: Float32Array,
  target: number,
  steps: number,
): Promise<IntegratedGradients> {
  const shape = network.spec.input;
  const size = shape.height * shape.width;
  const sums = new Float64Array(image.length);
  const [start] = await lookAt(network, from, target);
  const [end] = await lookAt(network, image, target);
  for (let first = 0; first < steps; first += chunk) {
    const count = Math.min(chunk, steps - first);
    const way = new Float32Array(count * image.length);
    for (let s = 0; s < count; s++) {
      const part = (first + s + 0.5) / steps;
      for (let i = 0; i < image.length; i++)
        way[s * image.length + i] = from[i]! + part * (image[i]! - from[i]!);
    }
    const [, gradients] = await lookAt(network, way, target);
    for (let i = 0; i < gradients.length; i++) sums[i % image.length]! += gradients[i]! / steps;
  }
  const map = new Float32Array(size);
  let total = 0;
  for (const [i, sum] of sums.entries()) {
    const own = sum * (image[i]! - from[i]!);
    map[i % size]! += own;
    total += own;
  }
  const change = end - start;
  return {
    map,
    change,
    completenessError: change === 0 ? null : Math.abs(total - change) / Math.abs(change),
  };
}

/** The class's logit for the first image, and the gradients for all. */
async function lookAt(
  network: Network,
  pixels: Float32Array,
  target: number,
): Promise<[number, Float32Array]> {
  const images = ImageSet.from(pixels, network.spec.input);
  const rows = Int32Array.from({ length: images.count }, (_, i) => i);
  const targets = new Int32Array(images.count).fill(target);
  const { gradients, logits } = await network.gradients({ images, rows, normalisation: 'none' }, { targets });
  return [logits[target]!, gradients];
}

function baselineOf(image: Float32Array, shape: ImageSet['shape'], baseline: Baseline): Float32Array {
  const { height, width, channels } = shape;
  const size = height * width;
  const from = new Float32Array(image.length);
  for (let c = 0; c < channels; c++) {
    const plane = Float64Array.from(image.subarray(c * size, (c + 1) * size));
    if (baseline === 'blur') from.set(blurPlane(plane, height, width, Math.max(height, width) / 8), c * size);
    else from.fill(plane.reduce((sum, value) => sum + value) / size, c * size, (c + 1) * size);
  }
  return from;
}
