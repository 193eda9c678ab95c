// ONNX Runtime's side: our network exported, in float32 or quantised to 8 bits, on images that are ready as float32.
import { env, InferenceSession, Tensor } from 'onnxruntime-node';
import { ImageSet } from '../../dist/engine/imageSet.js';
import { Network } from '../../dist/engine/network.js';
import { exportOnnx } from '../../dist/models/onnx.js';
import { answerRequests, makeImages } from './answer.mjs';
import { exportQuantised } from './quantisedOnnx.mjs';

const calibrationImages = 32;
let spec;
let sessions = new Map();
let feeds = new Map();

await answerRequests({
  async use(given) {
    for (const session of sessions.values()) await session.release();
    [spec, sessions, feeds] = [given, new Map(), new Map()];
    return { version: env.versions.common };
  },
  async runner({ setting, batch, threads }) {
    const session = await sessionOf(setting, threads);
    const feed = feedOf(batch);
    return () => session.run(feed);
  },
});

async function sessionOf(setting, threads) {
  const key = `${setting} ${threads}`;
  if (!sessions.has(key)) {
    const model = await exportModel(setting);
    const session = await InferenceSession.create(model, {
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
    });
    sessions.set(key, session);
  }
  return sessions.get(key);
}

async function exportModel(setting) {
  const network = new Network(spec, { seed: 1, initialiser: { name: 'heNormal' } });
  try {
    if (setting === 'float32') return exportOnnx(spec, network.weights());
    return await exportQuantised(spec, network, calibration());
  } finally {
    network.dispose();
  }
}

function calibration() {
  const { pixels } = makeImages(spec, calibrationImages);
  const rows = Int32Array.from({ length: calibrationImages }, (_, i) => i);
  return { images: ImageSet.from(pixels, spec.input), rows, normalisation: 'mean' };
}

function feedOf(batch) {
  if (!feeds.has(batch)) {
    const { pixels } = makeImages(spec, batch);
    const { channels, height, width } = spec.input;
    const values = Float32Array.from(pixels, pixel => pixel / 128 - 1);
    feeds.set(batch, { images: new Tensor('float32', values, [batch, channels, height, width]) });
  }
  return feeds.get(batch);
}
