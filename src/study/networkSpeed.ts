import { ImageSet } from '../engine/imageSet.ts';
import { Network } from '../engine/network.ts';
import type { TrainStep } from '../engine/networkInput.ts';
import type { NetworkSpec } from '../engine/networkSpec.ts';
import type { Precision } from '../engine/precision.ts';
import {
  instructionSet,
  measurePeak,
  type NetworkProfile,
  type PassName,
  passNames,
} from '../engine/profile.ts';
import { getThreads } from '../engine/threads.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { measureDecoder, measureLayers, totalOf } from '../models/layerTable.ts';

export interface NetworkSpeedOptions {
  batch: number;
  precision: Precision;
  /** Also measure every block, and the processor's peak. */
  layers: boolean;
}

export interface NetworkSpeed {
  network: string;
  batch: number;
  precision: Precision;
  threads: number;
  instructionSet: string;
  /** Images a second, medians. */
  trainImagesPerSecond: number;
  classifyImagesPerSecond: number;
  /** Of one image forward: what its convolutions and dense layers cost when every product is made. */
  multiplyAdds: number;
  /** The most multiply-adds a second of this machine; bfloat16: 0 where it has none. With `layers` only. */
  peak?: { float32: number; bfloat16: number };
  blocks?: BlockSpeed[];
}

/** One block in one pass. */
export interface BlockSpeed {
  /** Its layers: "0 conv + maxPool + relu". */
  name: string;
  pass: PassName;
  /** How it is computed; '' where there is one plain way. */
  way: string;
  /** Of one image, all threads together working on it in turn: the pass's time over the batch. */
  milliseconds: number;
  /** Of one image in the direct form, in which every product is made. */
  multiplyAdds: number;
  /** multiplyAdds a second over the peak of this precision: above 1 where fewer products are made. */
  shareOfPeak: number;
}

const rounds = 5;
const secondsOfARound = 0.4;
const peakSeconds = 0.5;

/**
 * How fast this machine trains and classifies with a network, on noise, and where the time goes. Throws `cancelled`
 * and `option-invalid` for a precision that the processor lacks.
 */
export async function measureNetworkSpeed(
  spec: NetworkSpec,
  { batch, precision, layers }: NetworkSpeedOptions,
  job: Job = {},
): Promise<NetworkSpeed> {
  const network = new Network(spec, { seed: 1, initialiser: { name: 'heNormal' }, precision });
  const step = makeStep(spec, batch);
  try {
    const train = await rateOf(() => network.trainStep(step), batch, job);
    const classify = await rateOf(() => network.predict(step), batch, job);
    const speed: NetworkSpeed = {
      network: spec.name,
      batch,
      precision,
      threads: getThreads(),
      instructionSet: instructionSet(),
      trainImagesPerSecond: train,
      classifyImagesPerSecond: classify,
      multiplyAdds: totalOf(measureLayers(spec), 'multiplyAdds'),
    };
    if (!layers) return speed;
    const peak = {
      float32: await measurePeak('float32', peakSeconds),
      bfloat16: await measurePeak('bfloat16', peakSeconds),
    };
    const profiles: NetworkProfile[] = [];
    for (let round = 0; round < rounds; round++) {
      throwIfCancelled(job);
      profiles.push(await network.profile(step));
    }
    return { ...speed, peak, blocks: blocksOf(spec, profiles, batch, peak[precision]) };
  } finally {
    network.dispose();
    step.images.close();
  }
}

/** Noise, brighter with the class: what is computed hardly depends on it, but gradients stay alive. */
function makeStep({ input, layers }: NetworkSpec, batch: number): TrainStep {
  const size = input.channels * input.height * input.width;
  const last = layers.at(-1)!;
  const classes = last.type === 'dense' ? last.units : 1;
  const labels = Int32Array.from({ length: batch }, (_, i) => i % classes);
  const pixels = new Uint8Array(batch * size);
  for (let i = 0; i < pixels.length; i++) {
    const brightness = Math.floor((60 * labels[Math.floor(i / size)]!) / classes);
    pixels[i] = ((Math.imul(i + 1, 2654435761) >>> 16) % 180) + brightness;
  }
  return {
    images: ImageSet.from(pixels, input),
    rows: Int32Array.from({ length: batch }, (_, i) => i),
    labels,
    normalisation: 'mean',
    loss: { name: 'crossEntropy' },
    optimiser: { name: 'adam' },
    learningRate: 1e-5,
  };
}

/** Images a second: the median of a few rounds after one run that does not count. */
async function rateOf(run: () => Promise<unknown>, batch: number, job: Job): Promise<number> {
  await run();
  const rates: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    let images = 0;
    do {
      throwIfCancelled(job);
      await run();
      images += batch;
    } while (performance.now() - start < secondsOfARound * 1000);
    rates.push((1000 * images) / (performance.now() - start));
  }
  return median(rates);
}

function blocksOf(spec: NetworkSpec, profiles: NetworkProfile[], batch: number, peak: number): BlockSpeed[] {
  const decoder = measureDecoder(spec);
  const rows = [...measureLayers(spec), ...decoder];
  const depth = rows.length - decoder.length;
  return profiles[0]!.blocks.flatMap(({ layer, layers, passes }, index) => {
    const own = rows.slice(layer, layer + layers);
    const place = layer < depth ? layer : `decoder ${layer - depth}`;
    const name = `${place} ${own.map(row => row.type).join(' + ')}`;
    const direct = totalOf(own, 'multiplyAdds');
    // Classifying leaves the decoder out.
    return passNames
      .filter(pass => layer < depth || pass !== 'predict')
      .map(pass => {
        const seconds = median(profiles.map(profile => profile.blocks[index]!.passes[pass].seconds)) / batch;
        // Backward makes the gradients of the weights and of the source; nobody asks for that of the first.
        const multiplyAdds = direct * (pass === 'backward' && layer > 0 ? 2 : 1);
        return {
          name,
          pass,
          way: passes[pass].way,
          milliseconds: seconds * 1000,
          multiplyAdds,
          shareOfPeak: multiplyAdds / seconds / peak,
        };
      });
  });
}

function median(numbers: number[]): number {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1]!;
}
