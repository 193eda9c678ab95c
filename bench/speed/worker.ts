// Our side of bench/train.ts: reads "train" or "forward" a line, does it once and answers { seconds }; "end" answers
// { peakBytes }. Arguments: batch, threads.
import { createInterface } from 'node:readline';
import { ImageSet } from '../../src/engine/imageSet.ts';
import { Network, setThreads, type TrainStep } from '../../src/engine/network.ts';
import { cellnetOf } from './cellnet.ts';

const [batch, threads] = process.argv.slice(2).map(Number) as [number, number];
setThreads(threads);
const spec = cellnetOf(4);
const network = new Network(spec, { seed: 1, initialiser: { name: 'heNormal' } });
const size = spec.input.height * spec.input.width;
// Noise, brighter with the class: what is computed does not depend on it, but gradients stay alive.
const labels = Int32Array.from({ length: batch }, (_, i) => i % 4);
const pixels = new Uint8Array(batch * size);
for (let i = 0; i < pixels.length; i++)
  pixels[i] = ((Math.imul(i + 1, 2654435761) >>> 16) % 180) + 20 * labels[Math.floor(i / size)]!;
const input = {
  images: ImageSet.from(pixels, spec.input),
  rows: Int32Array.from({ length: batch }, (_, i) => i),
  normalisation: 'mean' as const,
};
const step: TrainStep = {
  ...input,
  labels,
  loss: { name: 'crossEntropy' },
  optimiser: { name: 'adam' },
  learningRate: 1e-4,
};
const work: Record<string, () => Promise<unknown>> = {
  train: () => network.trainStep(step),
  forward: () => network.predict(input),
};

const say = (answer: object) => process.stdout.write(`${JSON.stringify(answer)}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'end') {
    say({ peakBytes: process.resourceUsage().maxRSS * 1024 });
    break;
  }
  const start = performance.now();
  await work[line]!();
  say({ seconds: (performance.now() - start) / 1000 });
}
