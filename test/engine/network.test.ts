import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { addon } from '../../src/engine/addon.ts';
import { ImageSet } from '../../src/engine/imageSet.ts';
import { Network } from '../../src/engine/network.ts';
import type { TrainStep } from '../../src/engine/networkInput.ts';
import type { NetworkSpec } from '../../src/engine/networkSpec.ts';
import { getThreads, setThreads } from '../../src/engine/threads.ts';

const spec: NetworkSpec = {
  name: 'small',
  input: { channels: 2, height: 17, width: 15 },
  layers: [
    { type: 'conv', filters: 6, kernel: [5, 4], stride: 2, padding: 'same' },
    { type: 'maxPool', size: 2 },
    { type: 'relu' },
    { type: 'batchNorm' },
    { type: 'conv', filters: 9, kernel: 3, padding: 'same' },
    { type: 'scaledTanh' },
    { type: 'averagePool', size: 2 },
    { type: 'dropout', rate: 0.2 },
    { type: 'dense', units: 20 },
    { type: 'tanh' },
    { type: 'dense', units: 3 },
  ],
};

const count = 40;
const size = 2 * 17 * 15;
const pixels = Uint8Array.from({ length: count * size }, (_, i) => (i * 2654435761) % 251);
const labels = Int32Array.from({ length: count }, (_, i) => i % 3);
// The class shows as brightness of the upper half.
for (let i = 0; i < count; i++) pixels.fill(40 + 80 * labels[i]!, i * size, i * size + 8 * 15);
const images = ImageSet.from(pixels, { channels: 2, height: 17, width: 15 });
const rows = Int32Array.from({ length: count }, (_, i) => i);

const create = (seed = 1) => new Network(spec, { seed, initialiser: { name: 'heNormal' } });
const step = (changes: Partial<TrainStep> = {}): TrainStep => ({
  images,
  rows,
  labels,
  normalisation: 'standardise',
  loss: { name: 'crossEntropy' },
  optimiser: { name: 'adam' },
  learningRate: 0.01,
  seed: 5,
  ...changes,
});
const predictInput = { images, rows, normalisation: 'standardise' } as const;

const threads = getThreads();
afterEach(() => setThreads(threads));

test('a network tells its shapes, classes and number of parameters', () => {
  const network = create();
  expect(network.outputShapes).toEqual([
    [6, 9, 8],
    [6, 4, 4],
    [6, 4, 4],
    [6, 4, 4],
    [9, 4, 4],
    [9, 4, 4],
    [9, 2, 2],
    [9, 2, 2],
    [20, 1, 1],
    [20, 1, 1],
    [3, 1, 1],
  ]);
  expect(network.classes).toBe(3);
  expect(network.parameterCount).toBe(6 * 2 * 5 * 4 + 6 + 2 * 6 + 9 * 6 * 9 + 9 + 20 * 36 + 20 + 3 * 20 + 3);
  expect(network.weights().map(({ name, shape }) => `${name} ${shape.join('x')}`)).toEqual([
    '0.conv.weights 6x2x5x4',
    '0.conv.bias 6',
    '3.batchNorm.gamma 6',
    '3.batchNorm.beta 6',
    '3.batchNorm.runningMean 6',
    '3.batchNorm.runningVariance 6',
    '4.conv.weights 9x6x3x3',
    '4.conv.bias 9',
    '8.dense.weights 20x36',
    '8.dense.bias 20',
    '10.dense.weights 3x20',
    '10.dense.bias 3',
  ]);
});

test('training lowers the loss until every image is right', async () => {
  const network = create();
  const first = await network.trainStep(step());
  let last = first;
  for (let i = 0; i < 60; i++) last = await network.trainStep(step({ seed: i }));
  expect(first.loss).toBeGreaterThan(0.7);
  expect(last.loss).toBeLessThan(0.2);
  const probabilities = await network.predict(predictInput);
  expect(probabilities).toHaveLength(count * 3);
  for (let i = 0; i < count; i++) {
    const row = [...probabilities.subarray(3 * i, 3 * i + 3)];
    expect(row.reduce((sum, p) => sum + p)).toBeCloseTo(1, 6);
    expect(row.indexOf(Math.max(...row))).toBe(labels[i]);
  }
});

test('every loss and every optimiser trains', async () => {
  const losses = [
    { name: 'crossEntropy', labelSmoothing: 0.1 },
    { name: 'doubleSoftmax' },
    { name: 'meanSquaredError' },
    { name: 'focal', gamma: 2 },
  ] as const;
  const optimisers = [
    { name: 'adam' },
    { name: 'adamw', weightDecay: 0.05 },
    { name: 'sgd', momentum: 0.9, nesterov: true },
    { name: 'sgd' },
  ] as const;
  for (const loss of losses) {
    for (const optimiser of optimisers) {
      const network = create();
      const learningRate = optimiser.name === 'sgd' ? 0.05 : 0.01;
      const changes = { loss, optimiser, learningRate };
      const first = await network.trainStep(step(changes));
      let last = first;
      for (let i = 0; i < 25; i++) last = await network.trainStep(step(changes));
      expect(last.loss, `${loss.name} ${optimiser.name}`).toBeLessThan(first.loss);
      network.dispose();
    }
  }
});

test('the same seed gives the same weights bit for bit on one, two and three threads', async () => {
  const train = async (threadCount: number) => {
    setThreads(threadCount);
    const network = create();
    const augmentation = { flipHorizontal: true, rotateDegrees: 20, noise: 0.05 };
    for (let i = 0; i < 4; i++)
      await network.trainStep(step({ seed: i, augmentation, optimiser: { name: 'adamw' } }));
    return network.state();
  };
  const one = await train(1);
  expect(await train(2)).toEqual(one);
  expect(await train(3)).toEqual(one);
});

test('another seed gives other weights', () => {
  expect(create(1).weights()).toEqual(create(1).weights());
  expect(create(1).weights()).not.toEqual(create(2).weights());
});

test('each instruction set that this processor has trains to the same loss within rounding', () => {
  const script = `
    const { addon } = await import('./dist/engine/addon.js');
    const { ImageSet } = await import('./dist/engine/imageSet.js');
    const { Network } = await import('./dist/engine/network.js');
    const spec = ${JSON.stringify(spec)};
    const images = ImageSet.from(Uint8Array.from({ length: 20 * ${size} }, (_, i) => (i * 7919) % 251), spec.input);
    const network = new Network(spec, { seed: 1, initialiser: { name: 'heNormal' } });
    const rows = Int32Array.from({ length: 20 }, (_, i) => i);
    let loss;
    for (let seed = 0; seed < 3; seed++)
      ({ loss } = await network.trainStep({
        images, rows, labels: rows.map(i => i % 3), normalisation: 'range', loss: { name: 'crossEntropy' },
        optimiser: { name: 'sgd' }, learningRate: 0.01, seed,
      }));
    console.log(JSON.stringify({ set: addon.instructionSet(), sets: addon.instructionSets(), loss }));`;
  const run = (set: string): { set: string; sets: string[]; loss: number } =>
    JSON.parse(
      execFileSync(process.execPath, ['--input-type=module', '-e', script], {
        encoding: 'utf8',
        cwd: fileURLToPath(new URL('../..', import.meta.url)),
        env: { ...process.env, BRIGHTCELL_ISA: set },
      }),
    );
  const [slowest, ...others] = addon.instructionSets();
  const expected = run(slowest!);
  expect(expected.set).toBe(slowest);
  for (const set of others) {
    const result = run(set);
    expect(result.set).toBe(set);
    expect(result.loss).toBeCloseTo(expected.loss, 4);
  }
});

for (const optimiser of [{ name: 'adamw' }, { name: 'sgd', momentum: 0.9 }] as const)
  test(`a network restored from its state goes on exactly as the first would have (${optimiser.name})`, async () => {
    const network = create();
    for (let i = 0; i < 3; i++) await network.trainStep(step({ seed: i, optimiser }));
    const restored = create(99);
    restored.load(network.state());
    expect(restored.state()).toEqual(network.state());
    for (let i = 3; i < 6; i++) {
      const expected = await network.trainStep(step({ seed: i, optimiser }));
      expect(await restored.trainStep(step({ seed: i, optimiser }))).toEqual(expected);
    }
    expect(restored.state()).toEqual(network.state());
  });

test('loading weights alone starts the optimiser anew', async () => {
  const network = create();
  await network.trainStep(step());
  expect(network.state().length).toBeGreaterThan(network.weights().length);
  network.load(network.weights());
  expect(network.state()).toEqual(network.weights());
});

test('weights that do not fit are refused and change nothing', () => {
  const network = create();
  const before = network.weights();
  const change = (edit: (tensors: typeof before) => typeof before) => () =>
    network.load(edit(structuredClone(before)));
  const corrupt = expect.objectContaining({ code: 'model-corrupt' });
  expect(change(tensors => tensors.slice(1))).toThrow(corrupt);
  expect(change(tensors => [...tensors, tensors[0]!])).toThrow(corrupt);
  expect(change(tensors => [...tensors, { name: 'x', shape: [1], data: new Float32Array(1) }])).toThrow(
    corrupt,
  );
  expect(
    change(tensors => {
      tensors[0]!.shape.reverse();
      return tensors;
    }),
  ).toThrow(corrupt);
  expect(
    change(tensors => {
      tensors[1]!.data[2] = Number.NaN;
      return tensors;
    }),
  ).toThrow(corrupt);
  expect(network.weights()).toEqual(before);
});

test('the outputs of layers have their shapes, and relu, pools and logits fit together', async () => {
  const network = create();
  await network.trainStep(step());
  const outputs = await Promise.all(spec.layers.map((_, layer) => network.activations(predictInput, layer)));
  outputs.forEach((output, layer) => {
    expect(output).toHaveLength(count * network.outputShapes[layer]!.reduce((a, b) => a * b));
  });
  expect(outputs[2]).toEqual(outputs[1]!.map(x => Math.max(x, 0)));
  expect(outputs[7]).toEqual(outputs[6]);
  const logits = outputs.at(-1)!;
  const probabilities = await network.predict(predictInput);
  for (let i = 0; i < count; i++) {
    const exponentials = [...logits.subarray(3 * i, 3 * i + 3)].map(Math.exp);
    const sum = exponentials.reduce((a, b) => a + b);
    exponentials.forEach((e, k) => {
      expect(probabilities[3 * i + k]).toBeCloseTo(e / sum, 5);
    });
  }
});

test('calls on one network are carried out one after another', async () => {
  const together = create();
  const apart = create();
  const results = await Promise.all([0, 1, 2].map(seed => together.trainStep(step({ seed }))));
  for (const seed of [0, 1, 2]) expect(await apart.trainStep(step({ seed }))).toEqual(results[seed]);
  expect(together.state()).toEqual(apart.state());
});

test('weights cannot be read while a step is under way', async () => {
  const network = create();
  const running = network.trainStep(step());
  expect(() => network.state()).toThrow(expect.objectContaining({ code: 'network-busy' }));
  await running;
  expect(network.state().length).toBeGreaterThan(0);
});

test('a disposed network refuses every call', async () => {
  const network = create();
  const running = network.trainStep(step());
  const queued = network.predict(predictInput);
  await new Promise(resolve => setImmediate(resolve));
  network.dispose();
  expect((await running).loss).toBeGreaterThan(0);
  const disposed = expect.objectContaining({ code: 'network-disposed' });
  await expect(queued).rejects.toEqual(disposed);
  await expect(network.trainStep(step())).rejects.toEqual(disposed);
  expect(() => network.weights()).toThrow(disposed);
  network.dispose();
});

test('a diverged step is an error and leaves the network as it was', async () => {
  const network = create();
  await network.trainStep(step());
  const tensors = network.weights();
  tensors[0]!.data.fill(3e38);
  network.load(tensors);
  await expect(network.trainStep(step())).rejects.toEqual(
    expect.objectContaining({ code: 'training-diverged', message: expect.stringContaining('learning rate') }),
  );
  expect(network.weights()).toEqual(tensors);
});

test('clipping shortens the gradient to the norm', async () => {
  const optimiser = { name: 'sgd' } as const;
  const before = create().weights();
  const moved = async (clipNorm?: number) => {
    const network = create();
    const { gradientNorm } = await network.trainStep(step({ optimiser, learningRate: 1, clipNorm }));
    let sum = 0;
    network.weights().forEach(({ name, data }, i) => {
      if (!name.includes('running'))
        for (const [j, x] of data.entries()) sum += (x - before[i]!.data[j]!) ** 2;
    });
    return { gradientNorm, distance: Math.sqrt(sum) };
  };
  const free = await moved();
  expect(free.distance).toBeCloseTo(free.gradientNorm, 3);
  const clipped = await moved(0.1);
  expect(clipped.gradientNorm).toBe(free.gradientNorm);
  expect(clipped.distance).toBeCloseTo(0.1, 4);
});

test('a step with a wrong row, label or setting is refused by name', async () => {
  const network = create();
  const refused: [Partial<TrainStep>, RegExp][] = [
    [{ rows: Int32Array.of(0, count), labels: Int32Array.of(0, 0) }, /row.*Received 40/],
    [{ rows: Int32Array.of(-1), labels: Int32Array.of(0) }, /row.*Received -1/],
    [{ rows: new Int32Array(0), labels: new Int32Array(0) }, /at least one image/],
    [{ labels: new Int32Array(3) }, /one label a row/],
    [{ labels: labels.map(() => 3) }, /Labels must be from 0 to 2. Received 3/],
    [{ labels: labels.map(() => -1) }, /Received -1/],
    [{ learningRate: Number.NaN }, /learningRate/],
    [{ learningRate: -1 }, /learningRate/],
    [{ clipNorm: 0 }, /clipNorm/],
    [{ seed: -3 }, /seed/],
    [{ normalisation: 'other' as never }, /normalisation/],
    [{ optimiser: { name: 'adam', beta1: 1 } }, /beta1/],
    [{ optimiser: { name: 'adam', weightDecay: 1 } as never }, /weightDecay/],
    [{ optimiser: { name: 'sgd', nesterov: true } }, /momentum/],
    [{ optimiser: { name: 'rmsprop' } as never }, /adam, adamw, sgd/],
    [{ loss: { name: 'focal', gamma: Number.NaN } }, /gamma/],
    [{ loss: { name: 'crossEntropy', labelSmoothing: 2 } }, /labelSmoothing/],
    [{ loss: { name: 'hinge' } as never }, /crossEntropy, doubleSoftmax/],
    [{ images: ImageSet.from(new Uint8Array(4), { channels: 1, height: 2, width: 2 }) }, /input shape/],
    [{ rows: [0] as never }, /Int32Array/],
  ];
  for (const [changes, message] of refused)
    await expect(network.trainStep(step(changes))).rejects.toEqual(
      expect.objectContaining({ code: 'option-invalid', message: expect.stringMatching(message) }),
    );
  expect(network.state()).toEqual(create().state());
});

test('an image gets the same probabilities bit for bit in any batch', async () => {
  const network = create();
  await network.trainStep(step());
  const all = await network.predict(predictInput);
  for (const part of [Int32Array.of(7), Int32Array.of(30, 2), rows.slice().reverse()]) {
    const some = await network.predict({ ...predictInput, rows: part });
    part.forEach((row, i) => {
      expect(some.subarray(3 * i, 3 * i + 3)).toEqual(all.subarray(3 * row, 3 * row + 3));
    });
  }
});

test('changing the number of threads while a step runs is harmless', async () => {
  const network = create();
  const running = network.trainStep(step());
  setThreads(5);
  const expected = await create().trainStep(step());
  expect(await running).toEqual(expected);
});

test('predicting no rows gives no probabilities', async () => {
  expect(await create().predict({ ...predictInput, rows: new Int32Array(0) })).toHaveLength(0);
});

test('an embedding is what the last layer reads: its weights make the probabilities of it', async () => {
  const network = create();
  await network.trainStep(step());
  const embedded = await network.embed(predictInput);
  expect(network.embeddingSize).toBe(20);
  expect(embedded).toHaveLength(count * 20);
  const weights = network.weights().at(-2)!;
  const bias = network.weights().at(-1)!;
  const probabilities = await network.predict(predictInput);
  for (let i = 0; i < count; i++) {
    const logits = [...bias.data].map((start, k) =>
      weights.data
        .subarray(20 * k, 20 * k + 20)
        .reduce((sum, w, j) => sum + w * embedded[20 * i + j]!, start),
    );
    const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
    logits.forEach((logit, k) => {
      expect(Math.exp(logit) / total).toBeCloseTo(probabilities[3 * i + k]!, 5);
    });
  }
});

test('an embedding has the same bits in any batch, on any number of threads', async () => {
  const network = create();
  const all = await network.embed(predictInput);
  setThreads(threads === 1 ? 3 : 1);
  expect(await network.embed(predictInput)).toEqual(all);
  const one = await network.embed({ ...predictInput, rows: Int32Array.of(7) });
  expect(one).toEqual(all.slice(7 * 20, 8 * 20));
  expect(network.embedOne(images.read(7), predictInput.normalisation)).toEqual(one);
});

test('probabilities and embeddings of one pass are the bits of one pass for each', async () => {
  const line = new Network(
    { name: 'line', input: spec.input, layers: [{ type: 'dense', units: 3 }] },
    { seed: 1, initialiser: { name: 'heNormal' } },
  );
  const trained = create();
  await trained.trainStep(step());
  for (const network of [trained, line]) {
    expect(await network.predictAndEmbed(predictInput)).toEqual({
      probabilities: await network.predict(predictInput),
      embeddings: await network.embed(predictInput),
    });
  }
});

test('the embedding of a network with one layer of weights is its normalised input', async () => {
  const network = new Network(
    { name: 'line', input: spec.input, layers: [{ type: 'dense', units: 3 }] },
    { seed: 1, initialiser: { name: 'heNormal' } },
  );
  const embedded = await network.embed({ images, rows: Int32Array.of(3), normalisation: 'none' });
  expect(network.embeddingSize).toBe(size);
  expect(embedded).toEqual(Float32Array.from(pixels.subarray(3 * size, 4 * size)));
});
