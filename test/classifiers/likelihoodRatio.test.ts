import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fitLikelihoodRatio, scoreByLikelihoodRatio } from '../../src/classifiers/likelihoodRatio.ts';
import { createRandom } from '../../src/dataset/random.ts';

const random = createRandom(7);
const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

const fixture = JSON.parse(
  readFileSync(new URL('fixtures/likelihood-ratio.json', import.meta.url), 'utf8'),
) as { dimensions: number; labels: number[]; known: number[]; queries: number[]; scores: number[] };
const known = {
  embeddings: Float32Array.from(fixture.known),
  labels: Int32Array.from(fixture.labels),
  dimensions: fixture.dimensions,
};

describe('the likelihood ratio', () => {
  test('is that of NumPy, in which no coordinates are turned', () => {
    const scores = scoreByLikelihoodRatio(fitLikelihoodRatio(known), Float32Array.from(fixture.queries));
    scores.forEach((score, i) => {
      const wanted = fixture.scores[i]!;
      expect(Math.abs(score - wanted)).toBeLessThan(1e-3 + 1e-4 * Math.abs(wanted));
    });
  });

  test('does not depend on the order of the references, nor on the unit of a feature', () => {
    const [R, D] = [known.labels.length, known.dimensions];
    const order = Array.from({ length: R }, (_, i) => (i * 29) % R);
    const unit = (_: number, i: number) => (i % D === 1 ? 1000 : 1);
    const turned = {
      embeddings: Float32Array.from(
        order.flatMap(from => [...known.embeddings.subarray(from * D, (from + 1) * D)]),
        (value, i) => value * unit(value, i),
      ),
      labels: Int32Array.from(order, from => known.labels[from]!),
      dimensions: D,
    };
    const queries = Float32Array.from(fixture.queries);
    const scores = scoreByLikelihoodRatio(fitLikelihoodRatio(known), queries);
    const again = scoreByLikelihoodRatio(
      fitLikelihoodRatio(turned),
      queries.map((value, i) => value * unit(value, i)),
    );
    again.forEach((score, i) => {
      expect(Math.abs(score - scores[i]!)).toBeLessThan(1e-2 + 1e-4 * Math.abs(score));
    });
  });

  test('stands above that of known cells for a class between the known ones, and for one off them', () => {
    const D = 4;
    // About 20: at 0 the log scale bends.
    const cell = (x: number, y: number) => [x, y, 0, 0].map(centre => 20 + centre + 0.5 * normal());
    const labels = Int32Array.from({ length: 600 }, (_, i) => i % 3);
    const at: [number, number][] = [
      [0, 0],
      [8, 0],
      [0, 8],
    ];
    const embeddings = Float32Array.from([...labels].flatMap(k => cell(...at[k]!)));
    const ratio = fitLikelihoodRatio({ embeddings, labels, dimensions: D });
    const score = (x: number, y: number) =>
      scoreByLikelihoodRatio(ratio, Float32Array.from(Array.from({ length: 100 }, () => cell(x, y)).flat()));
    const highest = at.map(place => Math.max(...score(...place)));
    expect(Math.min(...score(4, 4))).toBeGreaterThan(Math.max(...highest));
    expect(Math.min(...score(8, 8))).toBeGreaterThan(Math.max(...highest));
  });

  test('is finite with fewer cells than features, with features that never vary, and with one class', () => {
    const D = 40;
    const embeddings = Float32Array.from({ length: 6 * D }, (_, i) => (i % D < 10 ? 0 : normal()));
    for (const labels of [Int32Array.of(0, 0, 0, 1, 1, 1), new Int32Array(6)]) {
      const ratio = fitLikelihoodRatio({ embeddings, labels, dimensions: D });
      const queries = Float32Array.from({ length: 3 * D }, () => 1e6 * normal());
      expect(
        [...scoreByLikelihoodRatio(ratio, queries), ...scoreByLikelihoodRatio(ratio, embeddings)].every(
          Number.isFinite,
        ),
      ).toBe(true);
    }
    const same = {
      embeddings: new Float32Array(6 * D),
      labels: Int32Array.of(0, 0, 0, 1, 1, 1),
      dimensions: D,
    };
    expect(scoreByLikelihoodRatio(fitLikelihoodRatio(same), new Float32Array(D)).every(Number.isFinite)).toBe(
      true,
    );
  });
});
