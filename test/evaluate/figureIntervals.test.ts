import { describe, expect, test } from 'vitest';
import { createRandom } from '../../src/dataset/random.ts';
import { findIntervals } from '../../src/evaluate/figureIntervals.ts';
import { measureSpread } from '../../src/evaluate/influences.ts';
import { wilsonInterval } from '../../src/evaluate/interval.ts';
import { scorePredictions } from '../../src/evaluate/score.ts';
import { studentQuantile } from '../../src/evaluate/student.ts';
import { denominatorOf, freedomOf, indexGroups, sharesOf } from '../../src/evaluate/units.ts';
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

const guessed = { counted: 0.5, ranked: 0.05 };

describe('what leaving out a cell does', () => {
  const cells = draw(createRandom(8), { groups: 1, cells: 90, spread: 0 });
  const figures = new WeightedFigures(cells);
  const every = () => new Float64Array(90).fill(1);
  const approximate = (name: string) => name.endsWith('veragePrecision');
  const names = [...wholeFigures, ...classes.flatMap(() => [...classFigures])];

  test('is what measuring without it gives', () => {
    const whole = figures.measure(every(), guessed);
    const squares = new Float64Array(figures.length);
    for (let i = 0; i < 90; i++) {
      figures.measure(every().fill(0, i, i + 1), guessed).forEach((value, f) => {
        squares[f]! += (value - whole[f]!) ** 2;
      });
    }
    const { cells: found } = measureSpread(figures, guessed);
    names.forEach((name, f) => {
      if (approximate(name)) expect(Math.abs(found[f]! / squares[f]! - 1), name).toBeLessThan(0.1);
      else expect(found[f]! / squares[f]!, name).toBeCloseTo(1, 8);
    });
  });

  test('of average precision is its derivative by the weight of the cell, ties included', () => {
    const tied = new WeightedFigures({
      ...cells,
      probabilities: cells.probabilities.map(p => Math.round(p * 6) / 6),
    });
    const small = 1e-5;
    for (const k of [0, 1, 2]) {
      const at = wholeFigures.length + k * classFigures.length + classFigures.indexOf('averagePrecision');
      const positives = tied.counts.supports[k]! + guessed.ranked;
      const negatives = 90 - tied.counts.supports[k]! + 2 * guessed.ranked;
      let squares = 0;
      for (let i = 0; i < 90; i++) {
        const [more, less] = [1 + small, 1 - small].map(weight => {
          return tied.measure(every().fill(weight, i, i + 1), guessed)[at]!;
        }) as [number, number];
        const left = 1 - 1 / (cells.labels[i] === k ? positives : negatives);
        squares += ((more - less) / (2 * small) / left) ** 2;
      }
      expect(measureSpread(tied, guessed).cells[at]! / squares).toBeCloseTo(1, 5);
    }
  });

  test('a cell that was guessed has its weight spread over all places: half of such cells are half of the figures', () => {
    const all = figures.measure(new Float64Array(90), guessed);
    const of = (name: string, k: number) =>
      all[wholeFigures.length + k * classFigures.length + classFigures.indexOf(name as 'recall')]!;
    for (const k of [0, 1, 2]) {
      expect(of('rocAuc', k)).toBeCloseTo(0.5, 12);
      expect(of('recall', k)).toBeCloseTo(figures.counts.taken[k]! / 90, 12);
      expect(of('precision', k)).toBeCloseTo(1 / 3, 12);
    }
    expect(all[wholeFigures.indexOf('cohenKappa')]).toBeCloseTo(0, 12);
  });
});

describe('units', () => {
  test("Student's quantiles are scipy's", () => {
    // scipy.stats.t.ppf(0.975, freedom), 1.10.1.
    const known = [
      [1, 12.7062047],
      [1.3, 7.5005293],
      [2, 4.3026527],
      [2.5, 3.5746548],
      [4, 2.7764451],
      [6.4, 2.4103145],
      [29.9, 2.0425589],
      [30, 2.0422725],
      [299, 1.9679296],
    ];
    for (const [freedom, quantile] of known) expect(studentQuantile(freedom!) / quantile!).toBeCloseTo(1, 3);
  });

  test('of the same size have one degree of freedom less than there are; others have what the matrix of changes says', () => {
    expect(freedomOf(new Float64Array(8).fill(1 / 8))).toBeCloseTo(7, 10);
    expect(freedomOf(Float64Array.of(1))).toBe(1);
    const sizes = [3, 9, 20, 31, 5, 12, 40, 7];
    const total = sizes.reduce((a, b) => a + b);
    const shares = sizes.map(size => size / total);
    // Means of groups, y, of variance 1 / size; the changes are M y, and the sum of their squares has this freedom.
    const M = shares.map((own, g) =>
      shares.map((other, h) => (own / Math.sqrt(1 - own)) * ((g === h ? 1 : 0) - other)),
    );
    const covariance = M.map(a => M.map(b => a.reduce((sum, one, h) => sum + (one * b[h]!) / sizes[h]!, 0)));
    const trace = covariance.reduce((sum, row, g) => sum + row[g]!, 0);
    const squares = covariance.flat().reduce((sum, one) => sum + one * one, 0);
    expect(freedomOf(Float64Array.from(shares))).toBeCloseTo((trace * trace) / squares, 10);
    expect(trace).toBeCloseTo(1 / total, 12); // the variance is unbiased
  });

  test('past so many groups there are units of several each, the same every time', () => {
    const names = Array.from({ length: 1000 }, (_, i) => `frame ${i % 500}`);
    const { units, count } = indexGroups(names, 200);
    expect(count).toBe(200);
    expect(units.subarray(500)).toEqual(units.subarray(0, 500));
    expect(new Set(units).size).toBe(200);
    expect(indexGroups(names, 200).units).toEqual(units);
    expect(indexGroups(['a', null, 'b', null, 'a'], 200)).toEqual({
      units: Int32Array.of(0, 1, 2, 1, 0),
      count: 3,
    });
  });

  test('shares of what figures divide by add up to 1', () => {
    const cells = draw(createRandom(9), { groups: 6, cells: 20, spread: 0.5 });
    const figures = new WeightedFigures(cells);
    const { units, count } = indexGroups(cells.groups, 200);
    for (let f = 0; f < figures.length; f++) {
      const shares = sharesOf(figures, denominatorOf(f), units, count);
      expect(shares.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
    }
    const recall = sharesOf(figures, { of: 'label', class: 1 }, units, count);
    const inFirst = cells.labels.subarray(0, 20).filter(label => label === 1).length;
    expect(recall[0]).toBeCloseTo(inFirst / cells.labels.filter(label => label === 1).length, 12);
  });
});

interface Size {
  groups: number;
  cells: number;
  spread: number;
}

/** For each figure the share of draws whose interval holds the figure of very many cells. */
async function measureCoverage(draws: number, size: Size, byGroup: boolean) {
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
    const { perClass, ...whole } = (await findIntervals(cells, byGroup ? cells.groups : null))!;
    const intervals = [
      ...wholeFigures.map(name => [name, whole[name]] as const),
      ...perClass.flatMap(own => classFigures.map(name => [`${name} ${own.class}`, own[name]] as const)),
    ];
    intervals.forEach(([name, interval], f) => {
      const [low, high] = interval!;
      if (low <= truth[f]! && truth[f]! <= high) held.set(name, (held.get(name) ?? 0) + 1 / draws);
    });
  }
  return held;
}

function checkCoverage(held: Map<string, number>, [least, most]: [number, number]): void {
  const shares = [...held.values()];
  expect(shares).toHaveLength(wholeFigures.length + 3 * classFigures.length);
  const mean = shares.reduce((a, b) => a + b) / shares.length;
  expect(mean).toBeGreaterThan(0.93);
  expect(mean).toBeLessThan(0.97);
  for (const [name, share] of held) {
    expect(share, name).toBeGreaterThan(least);
    expect(share, name).toBeLessThan(most);
  }
}

// Bounds of single figures: 93 to 97 of 100, and two and a half standard errors of 300 draws.
test('intervals by cell hold the true figure in 93 to 97 of 100 draws', async () => {
  const held = await measureCoverage(300, { groups: 1, cells: 300, spread: 0 }, false);
  checkCoverage(held, [0.893, 0.995]);
}, 120_000);

test.each([8, 20])(
  'intervals by group do so where %i groups differ',
  async groups => {
    const held = await measureCoverage(300, { groups, cells: 40, spread: 0.6 }, true);
    checkCoverage(held, [0.893, 0.995]);
  },
  120_000,
);

test('intervals by cell are too narrow where groups differ', async () => {
  const byCell = await measureCoverage(100, { groups: 20, cells: 20, spread: 0.6 }, false);
  expect(byCell.get('accuracy')).toBeLessThan(0.85);
}, 120_000);

test('the same cells give the same intervals, and one group gives none', async () => {
  const cells = draw(createRandom(4), { groups: 5, cells: 30, spread: 0.5 });
  expect(await findIntervals(cells, cells.groups)).toEqual(await findIntervals(cells, cells.groups));
  expect(await findIntervals(cells, cells.groups.fill('one'))).toBeNull();
});

test('cells that are all right have the intervals of their number, and losses that do not vary none', async () => {
  const labels = Int32Array.from({ length: 40 }, (_, i) => i % 2);
  const probabilities = Float32Array.from([...labels].flatMap(label => [1 - label, label]));
  const two = { classes: ['a', 'b'], labels, probabilities };
  const sure = (await findIntervals(two, null))!;
  expect(sure.accuracy![0]).toBeCloseTo(wilsonInterval(40, 40)![0], 12);
  expect(sure.accuracy![1]).toBe(1);
  expect(sure.perClass[0]!.recall![0]).toBeCloseTo(wilsonInterval(20, 20)![0], 12);
  expect(sure.balancedAccuracy![0]).toBeGreaterThan(0.87);
  expect(sure.balancedAccuracy![0]).toBeLessThan(0.93);
  for (const name of ['cohenKappa', 'macroF1', 'macroRocAuc'] as const) {
    expect(sure[name]![0], name).toBeGreaterThan(0.5);
    expect(sure[name]![0], name).toBeLessThan(0.99);
    expect(sure[name]![1], name).toBe(1);
  }
  expect(sure).toMatchObject({ logLoss: null, brierLoss: null });
  const pairs = Array.from({ length: 40 }, (_, i) => `donor ${Math.floor(i / 4)}`);
  const grouped = (await findIntervals(two, pairs))!;
  expect(grouped.accuracy![0]).toBeGreaterThan(0.8);
  expect(grouped.accuracy![0]).toBeLessThan(sure.accuracy![0]);
});

test('groups of one cell give nearly the intervals by cell', async () => {
  const cells = draw(createRandom(6), { groups: 150, cells: 1, spread: 0 });
  const [byCell, byGroup] = [
    (await findIntervals(cells, null))!,
    (await findIntervals(cells, cells.groups))!,
  ];
  for (const name of wholeFigures) {
    const [a, b] = [byCell[name]!, byGroup[name]!];
    expect((b[1] - b[0]) / (a[1] - a[0]), name).toBeGreaterThan(0.95);
    expect((b[1] - b[0]) / (a[1] - a[0]), name).toBeLessThan(1.05);
  }
});

test('of a class that one group alone has, intervals by group say next to nothing', async () => {
  const cells = draw(createRandom(7), { groups: 10, cells: 30, spread: 0.3 });
  const labels = cells.labels.map((label, i) => (label === 2 && i >= 30 ? 1 : label));
  const intervals = (await findIntervals({ ...cells, labels }, cells.groups))!;
  const [low, high] = intervals.perClass[2]!.recall!;
  expect(high - low).toBeGreaterThan(0.7);
});

test('a class of two cells has intervals all the same, and one without cells has none', async () => {
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

test('finding intervals can be stopped', async () => {
  const cells = draw(createRandom(5), { groups: 1, cells: 4000, spread: 0 });
  const stopped = findIntervals(cells, null, { signal: AbortSignal.abort() });
  await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
});
