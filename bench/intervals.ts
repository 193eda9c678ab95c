// node scripts/runTypeScript.mjs bench/intervals.ts [--groups 20 --cells 20 --spread 0.6 --unequal 0 --mixture 0 --rare
//   --shift 1.6 --by group --draws 2000 --json]: the share of simulated evaluations whose 95 % interval holds the figure of
// very many cells, for every figure, with its standard error. Three classes of 50, 30 and 20 %, or, --rare, of 60, 35 and
// 5 %. A group has --cells cells, times a lognormal factor of deviation --unequal; how well its cells are told apart varies
// by --spread, and its shares of classes by lognormal factors of deviation --mixture. --by cell is one group without spread.
import { parseArgs } from 'node:util';
import { drawTable } from '../src/cli/table.ts';
import { createRandom } from '../src/dataset/random.ts';
import { type FigureIntervals, findIntervals } from '../src/evaluate/figureIntervals.ts';
import type { Interval } from '../src/evaluate/interval.ts';
import { classFigures, WeightedFigures, wholeFigures } from '../src/evaluate/weightedFigures.ts';

const { values: flags } = parseArgs({
  options: {
    groups: { type: 'string', default: '20' },
    cells: { type: 'string', default: '20' },
    spread: { type: 'string', default: '0.6' },
    unequal: { type: 'string', default: '0' },
    mixture: { type: 'string', default: '0' },
    rare: { type: 'boolean', default: false },
    shift: { type: 'string', default: '1.6' },
    by: { type: 'string', default: 'group' },
    draws: { type: 'string', default: '2000' },
    json: { type: 'boolean', default: false },
  },
});
const byCell = flags.by === 'cell';
const [groups, cells, draws] = [byCell ? 1 : Number(flags.groups), Number(flags.cells), Number(flags.draws)];
const [unequal, mixture, shift] = [Number(flags.unequal), Number(flags.mixture), Number(flags.shift)];
const spread = byCell ? 0 : Number(flags.spread);
const classes = ['a', 'b', 'c'];
const prior = flags.rare ? [0.6, 0.35, 0.05] : [0.5, 0.3, 0.2];
const random = createRandom(20191005);
const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
const lognormal = (deviation: number) => Math.exp(deviation * normal() - deviation ** 2 / 2);

const names = [
  ...wholeFigures,
  ...classes.flatMap(of => classFigures.map(figure => `${figure} ${of}`)),
] as string[];
const truth = measureTruth();
const held = new Float64Array(names.length);
const given = new Float64Array(names.length);
for (let i = 0; i < draws; i++) {
  const drawn = draw(groups, cells, unequal);
  const intervals = await findIntervals(drawn, byCell ? null : drawn.groups);
  if (!intervals) continue;
  listIntervals(intervals).forEach((interval, f) => {
    if (interval === null) return;
    given[f]!++;
    if (interval[0] <= truth[f]! && truth[f]! <= interval[1]) held[f]!++;
  });
}
const rows = names.map((figure, f) => {
  const share = held[f]! / given[f]!;
  return {
    ...{ figure, truth: truth[f]!, held: share },
    ...{ standardError: Math.sqrt((share * (1 - share)) / given[f]!), given: given[f]! / draws },
  };
});
if (flags.json) console.log(JSON.stringify(rows));
else print();

/** Figures of many groups, which need not be large: they are those of all cells together. */
function measureTruth(): Float64Array {
  const many =
    mixture > 0 ? draw(8000, Math.max(50, cells), 0) : draw(byCell ? 1 : 40_000, byCell ? 400_000 : 10, 0);
  return new WeightedFigures(many).measure(new Float64Array(many.labels.length).fill(1));
}

function listIntervals({ perClass, ...whole }: FigureIntervals): (Interval | null)[] {
  return [
    ...wholeFigures.map(figure => whole[figure]),
    ...perClass.flatMap(own => classFigures.map(figure => own[figure])),
  ];
}

function print(): void {
  const texts = rows.map(({ figure, truth, held, standardError, given }) => [
    ...[figure, truth.toFixed(3), held.toFixed(3), standardError.toFixed(3), given.toFixed(3)],
  ]);
  console.log(drawTable(['Figure', 'True', 'Held', 'Standard error', 'Given'], texts));
  for (const [title, from, to] of [
    ['whole', 0, wholeFigures.length],
    ['per class', wholeFigures.length, names.length],
  ] as const) {
    const shares = rows.slice(from, to).map(one => one.held);
    const outside = rows.slice(from, to).filter(one => one.held < 0.93 || one.held > 0.97);
    const list = outside.map(one => `${one.figure} ${one.held.toFixed(3)}`).join(', ') || 'none';
    console.log(
      `${title}: ${Math.min(...shares).toFixed(3)} to ${Math.max(...shares).toFixed(3)}; outside 0.93 to 0.97: ${list}`,
    );
  }
}

function draw(count: number, size: number, deviation: number) {
  const labels: number[] = [];
  const probabilities: number[] = [];
  const groupOf: string[] = [];
  for (let g = 0; g < count; g++) {
    const own = shift + spread * normal();
    const mine = deviation > 0 ? Math.max(2, Math.round(size * lognormal(deviation))) : size;
    const shares = prior.map(share => share * lognormal(mixture));
    const all = shares.reduce((a, b) => a + b);
    for (let i = 0; i < mine; i++) {
      const drawn = random() * all;
      const label = drawn < shares[0]! ? 0 : drawn < shares[0]! + shares[1]! ? 1 : 2;
      const raised = shares.map((_, k) => Math.exp(1.3 * (normal() + (k === label ? own : 0))));
      const sum = raised.reduce((a, b) => a + b);
      labels.push(label);
      probabilities.push(...raised.map(one => one / sum));
      groupOf.push(`donor ${g}`);
    }
  }
  return {
    ...{ classes, groups: groupOf },
    ...{ labels: Int32Array.from(labels), probabilities: Float32Array.from(probabilities) },
  };
}
