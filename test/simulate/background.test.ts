// The promise that makes a simulated data set a fair test: without `confounded`, neither the border of an image
// nor its raw size tells the type of the cell.
import { expect, test } from 'vitest';
import { cellTypes, type RenderedCells, renderCells, truths } from '../../src/engine/simulate.ts';

const cells = 2400;

test('the background and the raw size do not tell the type', async () => {
  const rendered = await render(false);
  const { right, tried } = guessFromBackground(rendered);
  const deviation = Math.sqrt((0.25 * 0.75) / tried);
  expect(tried).toBeGreaterThan(1000);
  expect(Math.abs(right / tried - 0.25)).toBeLessThan(4 * deviation);
});

test('with confounding the background and the raw size tell the type', async () => {
  const { right, tried } = guessFromBackground(await render(true));
  expect(right / tried).toBeGreaterThan(0.8);
});

test('every session holds every type alike', async () => {
  const { type, session } = await render(false);
  expect(chiSquare(type, session, 12)).toBeLessThan(63.9); // 99.9 % of 33 degrees of freedom
});

test('with confounding every session holds one type', async () => {
  const { type, session } = await render(true);
  const pairs = new Set(Array.from(type, (value, i) => `${session[i]} ${value}`));
  expect(pairs.size).toBe(12);
});

function render(confounded: boolean): Promise<RenderedCells> {
  const weights = [1, 1, 1, 1];
  return renderCells({ seed: 3, confounded, faults: 0.12, sessions: 12, weights, first: 0, count: cells });
}

/** Guesses the types of the second half by the five nearest of the first, in standardised features. */
function guessFromBackground(rendered: RenderedCells): { right: number; tried: number } {
  const { type, truth } = rendered;
  const features = backgroundFeatures(rendered);
  const good = Array.from(truth.keys()).filter(i => truths[truth[i]!] === 'good');
  const known = good.slice(0, good.length >> 1);
  const tried = good.slice(good.length >> 1);
  let right = 0;
  for (const i of tried) {
    const distances = Float64Array.from(known, j => distanceOf(features[i]!, features[j]!));
    const limit = distances.toSorted()[4]!;
    const near = known.filter((_, k) => distances[k]! <= limit);
    const votes = cellTypes.map((_, label) => near.filter(j => type[j] === label).length);
    if (votes.indexOf(Math.max(...votes)) === type[i]) right++;
  }
  return { right, tried: tried.length };
}

/** Raw height and width, and mean, spread and slopes of the outermost pixels, each standardised. */
function backgroundFeatures({ pixels, rawHeight, rawWidth }: RenderedCells): number[][] {
  let offset = 0;
  const features = Array.from(rawHeight, (height, i) => {
    const width = rawWidth[i]!;
    const image = pixels.subarray(offset, (offset += height * width));
    const side = (length: number, at: (k: number) => number) =>
      Array.from({ length }, (_, k) => image[at(k)]!);
    const sides = [
      side(width, k => k),
      side(width, k => (height - 1) * width + k),
      side(height, k => k * width),
      side(height, k => k * width + width - 1),
    ];
    const means = sides.map(mean);
    const all = sides.flat();
    const middle = mean(all);
    const spread = Math.sqrt(mean(all.map(value => (value - middle) ** 2)));
    return [height, width, width / height, middle, spread, means[0]! - means[1]!, means[2]! - means[3]!];
  });
  for (let k = 0; k < features[0]!.length; k++) standardise(features, k);
  return features;
}

function standardise(rows: number[][], k: number): void {
  const middle = mean(rows.map(row => row[k]!));
  const deviation = Math.sqrt(mean(rows.map(row => (row[k]! - middle) ** 2)));
  for (const row of rows) row[k] = (row[k]! - middle) / deviation;
}

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function distanceOf(a: number[], b: number[]): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += (a[k]! - b[k]!) ** 2;
  return sum;
}

/** Pearson's statistic of the table type x session against independence. */
function chiSquare(type: Int32Array, session: Int32Array, sessions: number): number {
  const count = (test: (i: number) => boolean) => type.filter((_, i) => test(i)).length;
  let sum = 0;
  for (let k = 0; k < cellTypes.length; k++)
    for (let s = 0; s < sessions; s++) {
      const expected = (count(i => type[i] === k) * count(i => session[i] === s)) / type.length;
      sum += (count(i => type[i] === k && session[i] === s) - expected) ** 2 / expected;
    }
  return sum;
}
