import { describe, expect, test } from 'vitest';
import { createRandom } from '../../src/dataset/random.ts';
import { findIntervals } from '../../src/evaluate/figureIntervals.ts';
import { scorePredictions } from '../../src/evaluate/score.ts';
import { classFigures, WeightedFigures, wholeFigures } from '../../src/evaluate/weightedFigures.ts';

const classes = ['a', 'b', 'c'];

/** Cells of three unbalanced classes; how well a group's cells are told apart varies from group to group. */
function draw(
  random: () => number,
  { groups, cells, spread }: { groups: number; cells: number; spread: number },
) {
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const labels = new Int32Array(groups * cells);
  const probabilities = new Float32Array(labels.length * 3);
  const names: string[] = [];
  for (let g = 0; g < groups; g++) {
    const shift = 1.6 + spread * normal();
    for (let i = g * cells; i < (g + 1) * cells; i++) {
      const drawn = random();
      labels[i] = drawn < 0.5 ? 0 : drawn < 0.8 ? 1 : 2;
      const raised = classes.map((_, k) => Math.exp(1.3 * (normal() + (k === labels[i] ? shift : 0))));
      const sum = raised.reduce((a, b) => a + b);
      probabilities.set(
        raised.map(one => one / sum),
        3 * i,
      );
      names.push(`donor ${g}`);
    }
  }
  return { classes, labels, probabilities, groups: names };
}

describe('figures of weighted cells', () => {
  test('are those of the scores where every weight is 1, ties included', () => {
    const cells = draw(createRandom(1), { groups: 1, cells: 400, spread: 0 });
    const probabilities = cells.probabilities.map(p => Math.round(p * 8) / 8);
    for (let i = 0; i < 400; i++) {
      const rest = 1 - probabilities[3 * i]! - probabilities[3 * i + 1]!;
      if (rest >= 0) probabilities[3 * i + 2] = rest;
      else probabilities.set([1, 0, 0], 3 * i);
    }
    const tied = { ...cells, probabilities };
    const scores = scorePredictions(tied);
    const values = new WeightedFigures(tied).measure(new Float64Array(400).fill(1));
    const { macro, weighted } = scores;
    const whole = {
      ...scores,
      macroPrecision: macro.precision,
      macroF1: macro.f1,
      weightedF1: weighted.f1,
      macroRocAuc: macro.rocAuc,
      macroAveragePrecision: macro.averagePrecision,
    };
    wholeFigures.forEach((name, i) => void expect(values[i], name).toBeCloseTo(whole[name]!, 12));
    scores.perClass.forEach((one, k) => {
      classFigures.forEach((name, i) => {
        const at = wholeFigures.length + k * classFigures.length + i;
        expect(values[at], name).toBeCloseTo(one[name]!, 12);
      });
    });
  });

  test('of whole weights are those of cells that stand so often', () => {
    const cells = draw(createRandom(2), { groups: 1, cells: 60, spread: 0 });
    const weights = Float64Array.from({ length: 60 }, (_, i) => (i * 7) % 4);
    const places = [...weights].flatMap((weight, i) => new Array<number>(weight).fill(i));
    const repeated = {
      classes,
      labels: Int32Array.from(places, i => cells.labels[i]!),
      probabilities: Float32Array.from(
        places.flatMap(i => [...cells.probabilities.subarray(3 * i, 3 * i + 3)]),
      ),
    };
    const expected = new WeightedFigures(repeated).measure(new Float64Array(places.length).fill(1));
    new WeightedFigures(cells)
      .measure(weights)
      .forEach((value, i) => void expect(value).toBeCloseTo(expected[i]!, 10));
  });
});

/** Share of draws whose interval holds the figure of very many cells. */
async function measureCoverage(
  draws: number,
  size: { groups: number; cells: number; spread: number },
  byGroup: boolean,
) {
  const random = createRandom(3);
  const many = draw(random, {
    groups: size.spread > 0 ? 4000 : 1,
    cells: size.spread > 0 ? 10 : 40_000,
    spread: size.spread,
  });
  const truth = new WeightedFigures(many).measure(new Float64Array(many.labels.length).fill(1));
  const held = new Map<string, number>();
  for (let i = 0; i < draws; i++) {
    const cells = draw(random, size);
    const intervals = (await findIntervals(cells, byGroup ? cells.groups : null))!;
    wholeFigures.forEach((name, f) => {
      const [low, high] = intervals[name]!;
      if (low <= truth[f]! && truth[f]! <= high) held.set(name, (held.get(name) ?? 0) + 1 / draws);
    });
  }
  return held;
}

const figures = wholeFigures;

test('intervals by cell hold the true figure in 93 to 97 of 100 draws', async () => {
  const held = await measureCoverage(120, { groups: 1, cells: 300, spread: 0 }, false);
  const mean = figures.reduce((sum, name) => sum + held.get(name)!, 0) / figures.length;
  expect(mean).toBeGreaterThan(0.93);
  expect(mean).toBeLessThan(0.97);
  for (const name of figures) expect(held.get(name), name).toBeGreaterThan(0.89); // three standard errors of 120 draws
}, 120_000);

test('intervals by group do so where groups differ, and those by cell are too narrow then', async () => {
  const size = { groups: 20, cells: 20, spread: 0.6 };
  const held = await measureCoverage(60, size, true);
  const mean = figures.reduce((sum, name) => sum + held.get(name)!, 0) / figures.length;
  expect(mean).toBeGreaterThan(0.9);
  const byCell = await measureCoverage(40, size, false);
  expect(byCell.get('accuracy')).toBeLessThan(0.85);
}, 120_000);

test('the same cells give the same intervals; one group, and cells that are all right and sure, give none', async () => {
  const cells = draw(createRandom(4), { groups: 5, cells: 30, spread: 0.5 });
  expect(await findIntervals(cells, cells.groups)).toEqual(await findIntervals(cells, cells.groups));
  expect(await findIntervals(cells, cells.groups.fill('one'))).toBeNull();
  const labels = Int32Array.from({ length: 40 }, (_, i) => i % 2);
  const probabilities = Float32Array.from([...labels].flatMap(label => [1 - label, label]));
  const sure = (await findIntervals({ classes: ['a', 'b'], labels, probabilities }, null))!;
  for (const name of wholeFigures) expect(sure[name], name).toBeNull();
});

test('a class that some resamples lack has intervals all the same, and one without cells has none', async () => {
  const labels = Int32Array.from({ length: 60 }, (_, i) => (i < 2 ? 1 : 0));
  const probabilities = Float32Array.from(
    [...labels].flatMap((label, i) => {
      const own = 0.3 + ((i * 17) % 30) / 100 + 0.1 * label;
      return [1 - own, own, 0];
    }),
  );
  const intervals = (await findIntervals({ classes, labels, probabilities }, null))!;
  expect(intervals.perClass[1]!.rocAuc).not.toBeNull();
  expect(intervals.perClass[2]).toMatchObject({ recall: null, rocAuc: null, averagePrecision: null });
  expect(JSON.stringify(intervals)).not.toContain('NaN');
});

test('resampling can be stopped', async () => {
  const cells = draw(createRandom(5), { groups: 1, cells: 4000, spread: 0 });
  const stopped = findIntervals(cells, null, { signal: AbortSignal.abort() });
  await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
});
