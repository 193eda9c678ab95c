// What occlusion maps from coarse to fine cost and how far they are from full ones, for a run at hand:
//   npm run build && node scripts/runTypeScript.mjs bench/occlusion.ts RUN [cells a class]
// For each cell the map of every position, and maps of several budgets of positions; processor seconds of both.
import { loadClassifier } from '../src/classifiers/loadClassifier.ts';
import { chooseCells } from '../src/explain/chooseCells.ts';
import { rankCorrelation } from '../src/explain/mapLikeness.ts';
import { measureOcclusion, type OcclusionMap } from '../src/explain/occlusion.ts';
import { inputsOf } from '../src/explain/place.ts';
import { median } from './numbers.ts';

const budgets = [300, 600, 1000, 2000];
const [run, perClass = '1'] = process.argv.slice(2);
if (run === undefined) throw new Error('Give a run folder.');
const classifier = await loadClassifier(run);
const { cells, images } = await chooseCells(
  classifier,
  await inputsOf(run, []),
  { perClass: Number(perClass) },
  {},
);

interface Measured {
  map: OcclusionMap;
  seconds: number;
}

async function measure(cell: number, positions: number | 'full'): Promise<Measured> {
  const { label, predicted } = cells[cell]!;
  const before = process.cpuUsage();
  const [map] = await measureOcclusion(classifier, images, Int32Array.of(cell), [label ?? predicted], {
    positions,
  });
  const { user, system } = process.cpuUsage(before);
  return { map: map!, seconds: (user + system) / 1e6 };
}

const rangeOf = ({ probability }: OcclusionMap) => Math.max(...probability) - Math.min(...probability);
const results: { full: Measured; some: Measured[] }[] = [];
for (const cell of cells.keys()) {
  const some: Measured[] = [];
  for (const budget of budgets) some.push(await measure(cell, budget));
  results.push({ full: await measure(cell, 'full'), some });
}

const { height, width } = images.shape;
const full = median(results.map(one => one.full.seconds));
console.log(
  `${cells.length} cells of ${height} x ${width}; all ${results[0]!.full.map.positions} positions: ${full.toFixed(2)} processor seconds a cell. Medians over the cells:`,
);
console.log('positions  seconds  times less  mean error  largest error  rank correlation');
for (const i of budgets.keys()) {
  const of = (measured: (some: Measured, whole: Measured) => number) =>
    median(results.map(one => measured(one.some[i]!, one.full)));
  const errors = (some: Measured, whole: Measured) => {
    const range = rangeOf(whole.map);
    return some.map.probability.map((value, p) => Math.abs(value - whole.map.probability[p]!) / range);
  };
  const columns = [
    of(some => some.map.measured)
      .toFixed(0)
      .padStart(9),
    of(some => some.seconds)
      .toFixed(3)
      .padStart(8),
    of((some, whole) => whole.seconds / some.seconds)
      .toFixed(1)
      .padStart(11),
    `${(100 * of((some, whole) => errors(some, whole).reduce((sum, one) => sum + one, 0) / (height * width))).toFixed(2)} %`.padStart(
      11,
    ),
    `${(100 * of((some, whole) => Math.max(...errors(some, whole)))).toFixed(0)} %`.padStart(14),
    of((some, whole) => rankCorrelation(some.map.probability, whole.map.probability))
      .toFixed(3)
      .padStart(17),
  ];
  console.log(columns.join(' '));
}
console.log('Errors are shares of the range of the full map.');
classifier.dispose();
