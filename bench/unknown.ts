// node scripts/runTypeScript.mjs bench/unknown.ts [--data ../shared/data --cells 5000 --size 64 --epochs 20 --seeds 3,4
//   --method cellnet --only mitocheck,flowcam,simulated --json]: how well each score tells cells of classes that a method
// has never seen from cells of known classes that it has not seen either. Whole classes are left out of training, a few at a
// time until every class has been left out once; each seed splits the cells, draws which classes go together, simulates
// and trains anew. Printed: mean over these of the AUROC, and of the share of unknown cells that is accepted at the
// threshold that keeps 95 % of the known test cells. The rows "told" have seen the classes: the same method, and logistic
// regression on hand-made features, trained on all classes; the score is the probability of those left out. They say what
// the images allow. Run `npm run build` before.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { LoadedClassifier } from '../src/classifiers/classifier.ts';
import { fitLikelihoodRatio, scoreByLikelihoodRatio } from '../src/classifiers/likelihoodRatio.ts';
import {
  scoreByEnergy,
  scoreByMahalanobis,
  scoreByNeighbours,
  scoreByProbability,
} from '../src/classifiers/unknown.ts';
import { fitWhitening, type KnownCells } from '../src/classifiers/whitening.ts';
import { drawTable } from '../src/cli/table.ts';
import { Dataset } from '../src/dataset/dataset.ts';
import { createRandom } from '../src/dataset/random.ts';
import { split } from '../src/dataset/split.ts';
import { measureFeatures } from '../src/engine/features.ts';
import { importImages } from '../src/import/importImages.ts';
import { fitMethod } from '../src/methods/fitMethod.ts';
import { simulate } from '../src/simulate/simulate.ts';
import type { LabelledRows } from '../src/train/batches.ts';
import { selectCells } from '../src/train/cells.ts';

const { values: flags } = parseArgs({
  options: {
    data: { type: 'string', default: '../shared/data' },
    cells: { type: 'string', default: '5000' },
    size: { type: 'string', default: '64' },
    epochs: { type: 'string', default: '20' },
    seeds: { type: 'string', default: '3,4' },
    method: { type: 'string', default: 'cellnet' },
    only: { type: 'string', default: 'mitocheck,flowcam,simulated' },
    json: { type: 'boolean', default: false },
  },
});

type Figures = Record<string, { auroc: number; accepted: number }[]>;
const folder = mkdtempSync(join(tmpdir(), 'brightcell-unknown-'));
try {
  const results: Record<string, Figures> = {};
  for (const name of flags.only.split(',')) {
    const figures: Figures = {};
    for (const seed of flags.seeds.split(',').map(Number)) {
      await judge(name, await makeDataset(name, seed), seed, figures);
    }
    results[name] = figures;
    if (!flags.json) print(name, figures);
  }
  if (flags.json) console.log(JSON.stringify(results));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function makeDataset(name: string, seed: number): Promise<string> {
  const path = join(folder, `${name}-${seed}`);
  if (name === 'simulated') {
    const side = Number(flags.size);
    await simulate(path, { cells: Number(flags.cells), size: [side, side], faults: 0, seed });
  } else {
    const images = join(flags.data, name);
    if (!existsSync(images)) throw new Error(`There is no folder ${images}.`);
    await importImages(images, path, { size: [64, 64] });
  }
  await split(path, { by: 'cell', fractions: [0.6, 0.1, 0.3], seed });
  return path;
}

/** All that the rounds of one seed have in common. */
interface Subject {
  dataset: Dataset;
  seed: number;
  training: LabelledRows;
  validation: LabelledRows;
  test: LabelledRows;
  /** Of every cell, by its row. */
  features: Float32Array;
  dimensions: number;
}

async function judge(name: string, path: string, seed: number, figures: Figures): Promise<void> {
  const dataset = await Dataset.open(path, 'read');
  try {
    const [training, validation, test] = [
      await selectCells(dataset, 'train'),
      await selectCells(dataset, 'validation'),
      await selectCells(dataset, 'test'),
    ];
    const all = Int32Array.from({ length: dataset.images().count }, (_, i) => i);
    const features = await measureFeatures(dataset.images(), all);
    const dimensions = features.length / all.length;
    const subject = { dataset, seed, training, validation, test, features, dimensions };
    const told = await predictAll(subject);
    const K = dataset.header.classes.length;
    const rounds = K > 8 ? 4 : K;
    const group = drawGroups(K, rounds, seed);
    for (let round = 0; round < rounds; round++) {
      const started = performance.now();
      await judgeRound(subject, k => group[k] === round, told, figures);
      const seconds = (performance.now() - started) / 1000;
      console.error(`${name}, seed ${seed}, round ${round + 1} of ${rounds}: ${seconds.toFixed(0)} s`);
    }
  } finally {
    await dataset.close();
  }
}

/** For each class the round in which it is left out. */
function drawGroups(K: number, rounds: number, seed: number): number[] {
  const random = createRandom(seed);
  const order = Array.from({ length: K }, (_, k) => ({ k, at: random() })).sort((a, b) => a.at - b.at);
  const group = new Array<number>(K);
  order.forEach(({ k }, place) => {
    group[k] = place % rounds;
  });
  return group;
}

function fit({ dataset, seed }: Subject, method: string, cells: Pick<Subject, 'training' | 'validation'>) {
  const isNetwork = /^(cellnet|gao|liu|oei)/.test(method);
  const settings = isNetwork ? { epochs: Number(flags.epochs), batchSize: 64, seed } : {};
  return fitMethod(dataset, method, settings, cells);
}

/** Probabilities of the test cells by methods that are told every class, N x K. */
async function predictAll(subject: Subject): Promise<Record<string, Float32Array>> {
  const told: Record<string, Float32Array> = {};
  for (const method of new Set([flags.method, 'features+logistic'])) {
    const { classifier } = await fit(subject, method, subject);
    told[`told, ${method}`] = await classifier.predict(subject.dataset.images(), subject.test.rows);
    classifier.dispose();
  }
  return told;
}

async function judgeRound(
  subject: Subject,
  isLeftOut: (k: number) => boolean,
  told: Record<string, Float32Array>,
  figures: Figures,
): Promise<void> {
  const known = (k: number) => !isLeftOut(k);
  const training = keep(subject.training, known);
  const cells = { training, validation: keep(subject.validation, known) };
  const { classifier } = await fit(subject, flags.method, cells);
  const { test } = subject;
  const scores = await scoreAll(subject, classifier, training);
  for (const [name, probabilities] of Object.entries(told)) {
    const K = classifier.classes.length;
    scores[name] = Float32Array.from(test.rows, (_, i) =>
      probabilities.subarray(i * K, (i + 1) * K).reduce((sum, p, k) => sum + (isLeftOut(k) ? p : 0), 0),
    );
  }
  for (const [name, score] of Object.entries(scores)) {
    const inside = score.filter((_, i) => known(test.labels[i]!));
    const outside = score.filter((_, i) => isLeftOut(test.labels[i]!));
    (figures[name] ??= []).push(compare(inside, outside));
  }
  classifier.dispose();
}

function keep({ rows, labels }: LabelledRows, wanted: (k: number) => boolean): LabelledRows {
  return { rows: rows.filter((_, i) => wanted(labels[i]!)), labels: labels.filter(wanted) };
}

/** Scores of the test cells, by name. */
async function scoreAll(
  { dataset, test, features, dimensions }: Subject,
  classifier: LoadedClassifier,
  training: LabelledRows,
): Promise<Record<string, Float32Array>> {
  const measured = ({ rows }: LabelledRows) =>
    Float32Array.from({ length: rows.length * dimensions }, (_, i) => {
      return features[rows[Math.floor(i / dimensions)]! * dimensions + (i % dimensions)]!;
    });
  const embed = ({ rows }: LabelledRows) => classifier.embed(dataset.images(), rows);
  const embeddings = await embed(test);
  const { labels } = training;
  const K = classifier.classes.length;
  const scores = {
    ...(await scoreView('features', { embeddings: measured(training), labels, dimensions }, measured(test))),
    ...(await scoreView(
      'embedding',
      { embeddings: await embed(training), labels, dimensions: classifier.dimensions },
      embeddings,
    )),
    probability: scoreByProbability(await classifier.predict(dataset.images(), test.rows), K),
  };
  if (!('logits' in classifier)) return scores;
  const { logits } = classifier as unknown as { logits(embeddings: Float32Array): Float32Array };
  return { ...scores, energy: scoreByEnergy(logits.call(classifier, embeddings), K) };
}

async function scoreView(
  view: string,
  known: KnownCells,
  cells: Float32Array,
): Promise<Record<string, Float32Array>> {
  const scores: Record<string, Float32Array> = {
    [`${view}: 5th neighbour`]: await scoreByNeighbours(known, cells, { k: 5 }),
    [`${view}: 5th neighbour, length 1`]: await scoreByNeighbours(known, cells, { k: 5, unit: true }),
  };
  if (known.dimensions > 512) return scores;
  scores[`${view}: Mahalanobis`] = scoreByMahalanobis(fitWhitening(known), cells);
  scores[`${view}: likelihood ratio`] = scoreByLikelihoodRatio(fitLikelihoodRatio(known), cells);
  return scores;
}

/** AUROC of unknown above known, and the share of unknown at or below the 95 % point of known. */
function compare(inside: Float32Array, outside: Float32Array): { auroc: number; accepted: number } {
  const known = inside.toSorted();
  let won = 0;
  for (const score of outside) {
    let [low, high] = [0, known.length];
    for (let from = 0, to = known.length; (low = from) < to; ) {
      const middle = (from + to) >> 1;
      if (known[middle]! < score) from = middle + 1;
      else to = middle;
    }
    for (let from = low, to = known.length; (high = from) < to; ) {
      const middle = (from + to) >> 1;
      if (known[middle]! <= score) from = middle + 1;
      else to = middle;
    }
    won += (low + high) / 2;
  }
  const threshold = known[Math.ceil(0.95 * known.length) - 1]!;
  return {
    auroc: won / known.length / outside.length,
    accepted: outside.filter(score => score <= threshold).length / outside.length,
  };
}

function print(name: string, figures: Figures): void {
  const mean = (values: number[]) => values.reduce((sum, one) => sum + one, 0) / values.length;
  const range = (values: number[]) =>
    `${Math.min(...values).toFixed(3)} to ${Math.max(...values).toFixed(3)}`;
  const rows = Object.entries(figures)
    .map(([score, all]) => ({
      score,
      auroc: all.map(one => one.auroc),
      accepted: all.map(one => one.accepted),
    }))
    .sort((a, b) => mean(b.auroc) - mean(a.auroc))
    .map(one => [
      one.score,
      mean(one.auroc).toFixed(3),
      range(one.auroc),
      mean(one.accepted).toFixed(3),
      range(one.accepted),
    ]);
  console.log(`${name}\n${drawTable(['Score', 'AUROC', 'from to', 'Accepted at 95 %', 'from to'], rows)}\n`);
}
