// node scripts/runTypeScript.mjs bench/unknown.ts [--mitocheck ../shared/data/mitocheck --cells 2400 --size 48 --epochs 20
//   --only mitocheck,simulated --json]: how well each score tells cells of classes that a network has never seen from
// cells of known classes that it has not seen either. Whole classes are left out of training, a few at a time until every
// class has been left out once. Printed: mean over these of the AUROC, and of the share of unknown cells that is accepted
// at the threshold that keeps 95 % of the known test cells. Run `npm run build` before.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  fitWhitening,
  scoreByEnergy,
  scoreByMahalanobis,
  scoreByNeighbours,
  scoreByProbability,
} from '../src/classifiers/unknown.ts';
import { drawTable } from '../src/cli/table.ts';
import { Dataset } from '../src/dataset/dataset.ts';
import { split } from '../src/dataset/split.ts';
import { importImages } from '../src/import/importImages.ts';
import { fitMethod } from '../src/methods/fitMethod.ts';
import { simulate } from '../src/simulate/simulate.ts';
import type { LabelledRows } from '../src/train/batches.ts';
import { selectCells } from '../src/train/cells.ts';

const { values: flags } = parseArgs({
  options: {
    mitocheck: { type: 'string', default: '../shared/data/mitocheck' },
    cells: { type: 'string', default: '2400' },
    size: { type: 'string', default: '48' },
    epochs: { type: 'string', default: '20' },
    method: { type: 'string', default: 'cellnet' },
    only: { type: 'string', default: 'mitocheck,simulated' },
    json: { type: 'boolean', default: false },
  },
});

type Figures = Record<string, { auroc: number; accepted: number }[]>;
const folder = mkdtempSync(join(tmpdir(), 'brightcell-unknown-'));
try {
  const results: Record<string, Figures> = {};
  for (const name of flags.only.split(',')) results[name] = await judge(await makeDataset(name));
  if (flags.json) console.log(JSON.stringify(results));
  else for (const [name, figures] of Object.entries(results)) print(name, figures);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function makeDataset(name: string): Promise<string> {
  const path = join(folder, name);
  if (name === 'simulated') {
    const side = Number(flags.size);
    await simulate(path, { cells: Number(flags.cells), size: [side, side], faults: 0, seed: 1 });
  } else {
    if (!existsSync(flags.mitocheck)) throw new Error(`There is no folder ${flags.mitocheck}.`);
    await importImages(flags.mitocheck, path, { size: [64, 64] });
  }
  await split(path, { by: 'cell', fractions: [0.6, 0.1, 0.3], seed: 1 });
  return path;
}

async function judge(path: string): Promise<Figures> {
  const dataset = await Dataset.open(path, 'read');
  const figures: Figures = {};
  try {
    const K = dataset.header.classes.length;
    const rounds = K > 8 ? 4 : K; // classes k, k + rounds, ... are left out together
    for (let round = 0; round < rounds; round++) {
      const started = performance.now();
      await judgeRound(dataset, k => k % rounds === round, figures);
      console.error(
        `round ${round + 1} of ${rounds}: ${((performance.now() - started) / 1000).toFixed(0)} s`,
      );
    }
  } finally {
    await dataset.close();
  }
  return figures;
}

async function judgeRound(
  dataset: Dataset,
  isLeftOut: (k: number) => boolean,
  figures: Figures,
): Promise<void> {
  const keep = ({ rows, labels }: LabelledRows, wanted: (k: number) => boolean): LabelledRows => ({
    rows: rows.filter((_, i) => wanted(labels[i]!)),
    labels: labels.filter(wanted),
  });
  const known = (k: number) => !isLeftOut(k);
  const [train, validation, test] = [
    await selectCells(dataset, 'train'),
    await selectCells(dataset, 'validation'),
    await selectCells(dataset, 'test'),
  ];
  const training = keep(train, known);
  const settings = /^(cellnet|gao|liu|oei)/.test(flags.method)
    ? { epochs: Number(flags.epochs), batchSize: 64, seed: 1 }
    : {};
  const { classifier } = await fitMethod(dataset, flags.method, settings, {
    training,
    validation: keep(validation, known),
  });
  const embed = (rows: Int32Array) => classifier.embed(dataset.images(), rows);
  const cells = {
    embeddings: await embed(training.rows),
    labels: training.labels,
    dimensions: classifier.dimensions,
  };
  const inside = keep(test, known).rows;
  const outside = keep(test, isLeftOut).rows;
  const scorers = await makeScorers(classifier, cells);
  for (const [name, scorer] of Object.entries(scorers)) {
    const of = async (rows: Int32Array) =>
      scorer(await embed(rows), await classifier.predict(dataset.images(), rows));
    (figures[name] ??= []).push(compare(await of(inside), await of(outside)));
  }
  classifier.dispose();
}

type Scorer = (embeddings: Float32Array, probabilities: Float32Array) => Float32Array | Promise<Float32Array>;

async function makeScorers(
  classifier: { classes: readonly string[]; dimensions: number },
  known: { embeddings: Float32Array; labels: Int32Array; dimensions: number },
): Promise<Record<string, Scorer>> {
  const K = classifier.classes.length;
  const scorers: Record<string, Scorer> = {
    probability: (_, probabilities) => scoreByProbability(probabilities, K),
  };
  const neighbours = [1, 5, 10, 50];
  for (const k of neighbours) {
    scorers[`knn, k ${k}`] = embeddings => scoreByNeighbours(known, embeddings, { k });
    scorers[`knn, k ${k}, unit`] = embeddings => scoreByNeighbours(known, embeddings, { k, unit: true });
  }
  if (known.dimensions <= 512) {
    const whitening = fitWhitening(known);
    scorers.mahalanobis = embeddings => scoreByMahalanobis(whitening, embeddings);
  }
  if ('logits' in classifier) {
    const { logits } = classifier as { logits(embeddings: Float32Array): Float32Array };
    scorers.energy = embeddings => scoreByEnergy(logits.call(classifier, embeddings), K);
  }
  return scorers;
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
