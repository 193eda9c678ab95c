import { describe, expect, test } from 'vitest';
import { ImageSet } from '../../src/engine/imageSet.ts';
import { Network } from '../../src/engine/network.ts';
import type { LayerSpec } from '../../src/engine/networkSpec.ts';
import { measureGradCam } from '../../src/explain/gradCam.ts';
import { measureIntegratedGradients } from '../../src/explain/integratedGradients.ts';
import { findConvolution, findLayer, nameLayers } from '../../src/explain/layers.ts';
import { rankCorrelation, structuralSimilarity } from '../../src/explain/mapLikeness.ts';
import { forgetLayers } from '../../src/explain/randomised.ts';
import { mapPlacement, receptiveField } from '../../src/explain/receptiveField.ts';
import { cellnet } from '../../src/models/cellnet.ts';
import { oei2019 } from '../../src/models/oei2019.ts';
import { mixSeed } from '../../src/train/seed.ts';

const shape = { channels: 2, height: 12, width: 10 };
const size = 12 * 10;
const images = ImageSet.from(
  Uint8Array.from({ length: 3 * 2 * size }, (_, i) => 40 + (mixSeed(i, 3) % 160)),
  shape,
);
const rows = Int32Array.of(0, 1, 2);
const make = (layers: LayerSpec[], input = shape) =>
  new Network({ name: 'small', input, layers }, { seed: 3, initialiser: { name: 'heNormal' } });
const deep: LayerSpec[] = [
  { type: 'conv', filters: 4, kernel: 3, padding: 'same' },
  { type: 'relu' },
  { type: 'conv', filters: 5, kernel: 3, stride: 2, padding: 'same' },
  { type: 'relu' },
  { type: 'dense', units: 3 },
];

describe('Grad-CAM', () => {
  test('is the maps weighted by their mean gradients, cut at 0, in a layer of the size of the image', async () => {
    const network = make(deep);
    const input = { images, rows, normalisation: 'standardise' as const };
    const targets = Int32Array.of(0, 2, 1);
    const maps = await measureGradCam(network, input, targets, 0);
    const { activations, gradients } = await network.gradients(input, { targets, layer: 0 });
    for (const [i, map] of maps.entries())
      for (let p = 0; p < size; p++) {
        let sum = 0;
        for (let c = 0; c < 4; c++) {
          const at = (i * 4 + c) * size;
          const weight = gradients.subarray(at, at + size).reduce((all, one) => all + one, 0) / size;
          sum += weight * activations[at + p]!;
        }
        expect(map[p]).toBeCloseTo(Math.max(0, sum), 5);
      }
  });

  test('of a smaller layer has its numbers where the middles of its fields are, and straight lines between', async () => {
    const network = make([
      { type: 'conv', filters: 1, kernel: 2, stride: 2 },
      { type: 'dense', units: 2 },
    ]);
    const input = { images, rows: Int32Array.of(0), normalisation: 'mean' as const };
    const { first, step } = mapPlacement(network.spec, 0);
    expect([first, step]).toEqual([
      [0.5, 0.5],
      [2, 2],
    ]);
    const [map] = await measureGradCam(network, input, Int32Array.of(1), 0);
    const { activations, gradients } = await network.gradients(input, {
      targets: Int32Array.of(1),
      layer: 0,
    });
    const weight = gradients.reduce((all, one) => all + one, 0) / gradients.length;
    const at = (y: number, x: number) => Math.max(0, weight * activations[y * 5 + x]!);
    // Pixel 1 is a quarter of the way from the first middle to the second.
    const above = 0.75 * at(0, 0) + 0.25 * at(0, 1);
    const below = 0.75 * at(1, 0) + 0.25 * at(1, 1);
    expect(map![1 * 10 + 1]).toBeCloseTo(0.75 * above + 0.25 * below, 5);
    expect(map![0]).toBeCloseTo(at(0, 0), 5);
    expect(map!.at(-1)).toBeCloseTo(at(5, 4), 5);
  });
});

describe('integrated gradients', () => {
  test('of a linear network are its weights times the distance from the baseline, and add up exactly', async () => {
    const network = make([{ type: 'dense', units: 3 }]);
    const input = { images, rows: Int32Array.of(1), normalisation: 'range' as const };
    const [result] = await measureIntegratedGradients(network, input, Int32Array.of(2), {
      steps: 3,
      baseline: 'mean',
    });
    const weights = network.weights()[0]!.data.subarray(2 * 2 * size);
    const seen = await images.load(Int32Array.of(1), 'range');
    const means = [0, 1].map(c => seen.subarray(c * size, (c + 1) * size).reduce((a, b) => a + b, 0) / size);
    for (let p = 0; p < size; p++) {
      const expected = [0, 1].reduce(
        (sum, c) => sum + weights[c * size + p]! * (seen[c * size + p]! - means[c]!),
        0,
      );
      expect(result!.map[p]).toBeCloseTo(expected, 4);
    }
    expect(result!.completenessError).toBeLessThan(1e-3);
  });

  test.each(['mean', 'blur'] as const)(
    'from the %s add up to the change of the logit the better the more steps there are',
    async baseline => {
      const network = make(deep);
      const input = { images, rows, normalisation: 'standardise' as const };
      const targets = Int32Array.of(0, 1, 2);
      const errors = async (steps: number) => {
        const all = await measureIntegratedGradients(network, input, targets, { steps, baseline });
        return Math.max(
          ...all.map(({ map, change, completenessError }) => {
            const sum = map.reduce((a, b) => a + b, 0);
            expect(Math.abs(sum - change) / Math.abs(change)).toBeCloseTo(completenessError!, 3);
            return completenessError!;
          }),
        );
      };
      const [few, many] = [await errors(4), await errors(200)];
      expect(many).toBeLessThan(0.02);
      expect(many).toBeLessThan(few);
    },
  );
});

describe('a network that forgets', () => {
  test('keeps the layers before, and has random weights from one on', () => {
    const network = make([...deep.slice(0, 2), { type: 'batchNorm' }, ...deep.slice(2)]);
    const trained = Object.fromEntries(network.weights().map(({ name, data }) => [name, [...data]]));
    const stages = [];
    for (const { from, network: copy } of forgetLayers(network, 9)) {
      const changed = copy
        .weights()
        .filter(
          ({ name, data }) => /weights$/.test(name) && data.some((value, i) => value !== trained[name]![i]),
        );
      stages.push([from, changed.map(({ name }) => name)]);
    }
    expect(stages).toEqual([
      ['dense1', ['5.dense.weights']],
      ['conv2', ['3.conv.weights', '5.dense.weights']],
      ['conv1', ['0.conv.weights', '3.conv.weights', '5.dense.weights']],
    ]);
    expect(Object.fromEntries(network.weights().map(({ name, data }) => [name, [...data]]))).toEqual(trained);
  });
});

describe('maps', () => {
  test('are compared by their ranks, ties at the mean rank', () => {
    // scipy.stats.spearmanr([1, 2, 2, 3, 5], [2, 1, 4, 4, 9])
    expect(rankCorrelation([1, 2, 2, 3, 5], [2, 1, 4, 4, 9])).toBeCloseTo(0.7631578947368421, 12);
    expect(rankCorrelation([1, 2, 3], [9, 4, 1])).toBe(-1);
    expect(rankCorrelation([1, 2, 3], [5, 5, 5])).toBe(0);
  });

  test('are alike in structure when they are the same, and not when one is the other upside down', () => {
    const a = Float32Array.from({ length: size }, (_, i) => mixSeed(i) % 100);
    expect(structuralSimilarity(a, a, 12, 10)).toBeCloseTo(1, 9);
    expect(
      structuralSimilarity(
        a,
        a.map(value => 3 * value + 8),
        12,
        10,
      ),
    ).toBeCloseTo(1, 6);
    expect(
      structuralSimilarity(
        a,
        a.map(value => -value),
        12,
        10,
      ),
    ).toBeLessThan(-0.5);
    expect(structuralSimilarity(new Float32Array(4), new Float32Array(4), 2, 2)).toBeCloseTo(1, 9);
  });

  test('have the similarity that its formula gives, window by window', () => {
    const [a, b] = [1, 2].map(seed =>
      Float32Array.from({ length: size }, (_, i) => (mixSeed(i, seed) % 1000) / 999),
    );
    const scale = (map: Float32Array) => {
      const [low, high] = [Math.min(...map), Math.max(...map)];
      return [...map].map(value => (value - low) / (high - low));
    };
    const [x, y] = [scale(a!), scale(b!)];
    let [sum, windows] = [0, 0];
    for (let top = 0; top + 7 <= 12; top++)
      for (let left = 0; left + 7 <= 10; left++) {
        const places = Array.from({ length: 49 }, (_, i) => (top + Math.floor(i / 7)) * 10 + left + (i % 7));
        const mean = (of: (p: number) => number) => places.reduce((all, p) => all + of(p), 0) / 49;
        const [mx, my] = [mean(p => x[p]!), mean(p => y[p]!)];
        const about = (f: (p: number) => number, g: (p: number) => number) =>
          (mean(p => f(p) * g(p)) * 49) / 48;
        const [dx, dy] = [(p: number) => x[p]! - mx, (p: number) => y[p]! - my];
        sum +=
          ((2 * mx * my + 1e-4) * (2 * about(dx, dy) + 9e-4)) /
          ((mx * mx + my * my + 1e-4) * (about(dx, dx) + about(dy, dy) + 9e-4));
        windows++;
      }
    expect(structuralSimilarity(a!, b!, 12, 10)).toBeCloseTo(sum / windows, 9);
  });
});

describe('a receptive field', () => {
  test.each([
    ['cellnet', cellnet({ channels: 1, height: 64, width: 48 }, 3), [0, 1, 3, 4, 8, 10]],
    ['oei2019', oei2019({ channels: 1, height: 40, width: 40 }, 3), [0, 2, 3]],
    [
      'padded unevenly',
      {
        name: 'odd',
        input: { channels: 1, height: 15, width: 17 },
        layers: [
          { type: 'conv', filters: 2, kernel: [4, 2], stride: [2, 3], padding: [1, 2, 0, 1] },
          { type: 'upsample', size: [2, 1] },
          { type: 'averagePool', size: 3, stride: 2, padding: 'same' },
          { type: 'dense', units: 2 },
        ] as LayerSpec[],
      },
      [0, 1, 2, 3],
    ],
  ] as const)('is exactly where a change of the input can be felt: %s', async (_, spec, layers) => {
    const network = new Network(spec as Parameters<typeof nameLayers>[0], {
      seed: 2,
      initialiser: { name: 'heNormal' },
    });
    const { height, width } = spec.input;
    for (const layer of layers) {
      const [channels, rowsOf, columnsOf] = network.outputShapes[layer]!;
      for (const [row, column] of [
        [0, 0],
        [rowsOf - 1, columnsOf - 1],
        [rowsOf >> 1, columnsOf >> 1],
      ] as const) {
        const field = receptiveField(network.spec, layer, row, column);
        const outside = await feels(network, layer, row, column, (y, x) => !within(field, y, x));
        expect(outside, `${layer} ${row} ${column} outside`).toBe(false);
        for (const [y, x] of [
          [field.rows[0], field.columns[0]],
          [field.rows[1], field.columns[1]],
        ] as const) {
          expect(y >= 0 && x >= 0 && y < height && x < width).toBe(true);
        }
        // Each side of the field is felt: it is not too large.
        const side = (test: (y: number, x: number) => boolean) =>
          feels(network, layer, row, column, (y, x) => within(field, y, x) && test(y, x));
        if (channels > 0)
          for (const test of [
            (y: number) => y === field.rows[0],
            (y: number) => y === field.rows[1],
            (_y: number, x: number) => x === field.columns[0],
            (_y: number, x: number) => x === field.columns[1],
          ])
            expect(await side(test), `${layer} ${row} ${column} side`).toBe(true);
      }
    }
  });
});

function within({ rows, columns }: ReturnType<typeof receptiveField>, y: number, x: number): boolean {
  return y >= rows[0] && y <= rows[1] && x >= columns[0] && x <= columns[1];
}

/** Whether a position of a layer changes when pixels change, by two images that differ there alone. */
async function feels(
  network: Network,
  layer: number,
  row: number,
  column: number,
  where: (y: number, x: number) => boolean,
): Promise<boolean> {
  const { height, width } = network.spec.input;
  const [channels, rowsOf, columnsOf] = network.outputShapes[layer]!;
  const trials = 6;
  const pixels = Float32Array.from({ length: (trials + 1) * height * width }, (_, i) => {
    const [trial, at] = [Math.floor(i / (height * width)), i % (height * width)];
    const base = (mixSeed(at, 5) % 1000) / 500 - 1;
    const changed = trial > 0 && where(Math.floor(at / width), at % width);
    return changed ? ((mixSeed(at, trial) % 1000) / 500 - 1) * 8 : base;
  });
  const set = ImageSet.from(pixels, network.spec.input);
  const all = Int32Array.from({ length: trials + 1 }, (_, i) => i);
  const values = await network.activations({ images: set, rows: all, normalisation: 'none' }, layer);
  const of = (trial: number, c: number) =>
    values[((trial * channels + c) * rowsOf + row) * columnsOf + column]!;
  return Array.from({ length: trials }, (_, t) => t + 1).some(
    trial =>
      Array.from({ length: channels }, (_, c) => c).some(c => Math.abs(of(trial, c) - of(0, c)) > 1e-3), // Fourier and Winograd round over whole tiles
  );
}

describe('layers have names', () => {
  const spec = cellnet({ channels: 1, height: 64, width: 64 }, 3);
  test('by their kind and number', () => {
    expect(nameLayers(spec).map(({ name }) => name)).toEqual([
      ...[1, 2, 3].flatMap(i => [`conv${i}`, `maxPool${i}`, `relu${i}`, `batchNorm${i}`]),
      ...['dense1', 'relu4', 'dense2', 'relu5', 'dense3'],
    ]);
    expect(findLayer(spec, 'conv2')).toMatchObject({ index: 4, shape: [64, 8, 8] });
    expect(findLayer(spec, '12').name).toBe('dense1');
    expect(findConvolution(spec).name).toBe('conv3');
  });

  test('one that does not exist is answered by a list of those that do', () => {
    expect(() => findLayer(spec, 'conv9')).toThrow(/no layer "conv9".*conv1 \(0: 32 x 32 x 32\), maxPool1/);
    expect(() => findConvolution(spec, 'relu1')).toThrow(/no convolution "relu1".*conv1.*conv2.*conv3/);
    const plain = { name: 'plain', input: spec.input, layers: [{ type: 'dense' as const, units: 2 }] };
    expect(() => findConvolution(plain)).toThrow(/must have a convolution/);
  });
});
