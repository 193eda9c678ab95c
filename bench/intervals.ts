// node scripts/runTypeScript.mjs bench/intervals.ts [--groups 20 --cells 20 --spread 0.6 --draws 250 --by group]: the share of
// simulated evaluations whose 95 % interval holds the figure of very many cells, for every figure. Three unbalanced
// classes; how well a group's cells are told apart varies by --spread. --by cell --groups 1 --cells 300 --spread 0
// judges the intervals by cell.
import { parseArgs } from 'node:util';
import { drawTable } from '../src/cli/table.ts';
import { createRandom } from '../src/dataset/random.ts';
import { findIntervals } from '../src/evaluate/figureIntervals.ts';
import { WeightedFigures, wholeFigures } from '../src/evaluate/weightedFigures.ts';

const { values: flags } = parseArgs({
  options: {
    groups: { type: 'string', default: '20' },
    cells: { type: 'string', default: '20' },
    spread: { type: 'string', default: '0.6' },
    draws: { type: 'string', default: '250' },
    by: { type: 'string', default: 'group' },
  },
});
const [cells, spread, draws] = [Number(flags.cells), Number(flags.spread), Number(flags.draws)];
const classes = ['a', 'b', 'c'];
const random = createRandom(20191005);
const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

const many = draw(20_000, 10);
const truth = new WeightedFigures(many).measure(new Float64Array(many.labels.length).fill(1));
const held = new Float64Array(wholeFigures.length);
for (let i = 0; i < draws; i++) {
  const drawn = draw(Number(flags.groups), cells);
  const intervals = await findIntervals(drawn, flags.by === 'group' ? drawn.groups : null);
  wholeFigures.forEach((name, f) => {
    const [low, high] = intervals?.[name] ?? [Number.NaN, Number.NaN];
    if (low <= truth[f]! && truth[f]! <= high) held[f]!++;
  });
}
console.log(
  drawTable(
    ['Figure', 'Held'],
    wholeFigures.map((name, f) => [name, (held[f]! / draws).toFixed(3)]),
  ),
);

function draw(groups: number, size: number) {
  const labels = new Int32Array(groups * size);
  const probabilities = new Float32Array(labels.length * 3);
  const names: string[] = [];
  for (let g = 0; g < groups; g++) {
    const shift = 1.6 + spread * normal();
    for (let i = g * size; i < (g + 1) * size; i++) {
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
