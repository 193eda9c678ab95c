// Our side: the built library (dist/) as a user's program runs it. Images are bytes; normalising them is part of the
// work here and none of the peers'.
import { ImageSet } from '../../dist/engine/imageSet.js';
import { Network } from '../../dist/engine/network.js';
import { setThreads } from '../../dist/engine/threads.js';
import { answerRequests, makeImages } from './answer.mjs';

let spec;
let networks = new Map();
let inputs = new Map();

await answerRequests({
  use(given) {
    for (const network of networks.values()) network.dispose();
    [spec, networks, inputs] = [given, new Map(), new Map()];
    return {};
  },
  async runner({ do: kind, setting, batch, threads }) {
    setThreads(threads);
    const network = networkOf(setting);
    const { labels, ...input } = inputOf(batch);
    if (kind === 'each') return classifyOne(network, input);
    if (kind === 'forward') return () => network.predict(input);
    const step = {
      ...input,
      labels,
      loss: { name: 'crossEntropy' },
      optimiser: { name: 'adam' },
      learningRate: 1e-4,
    };
    return () => network.trainStep(step);
  },
});

/** One image, as a program that sorts cells one by one calls it. */
function classifyOne(network, { normalisation }) {
  const { pixels: image } = makeImages(spec, 1);
  const probabilities = new Float32Array(network.classes);
  return () => network.classify(image, normalisation, probabilities);
}

function networkOf(precision) {
  if (!networks.has(precision)) {
    const network = new Network(spec, { seed: 1, initialiser: { name: 'heNormal' }, precision });
    networks.set(precision, network);
  }
  return networks.get(precision);
}

function inputOf(batch) {
  if (!inputs.has(batch)) {
    const { pixels, labels } = makeImages(spec, batch);
    const rows = Int32Array.from({ length: batch }, (_, i) => i);
    inputs.set(batch, { images: ImageSet.from(pixels, spec.input), rows, normalisation: 'mean', labels });
  }
  return inputs.get(batch);
}
