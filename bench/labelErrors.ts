// node scripts/runTypeScript.mjs bench/labelErrors.ts DATASET... [--cells 2500 --rates 0,0.01,0.05,0.1 --seed 5]: gives some
// cells of data sets a wrong label, in memory only, and prints how many the audit's part `labels` finds (recall), how
// many of its suspects were planted (precision), and how many it expects where every label is right. Labels that are
// wrong in the source count as false alarms. Run `npm run build` before.
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { findSuspects } from '../src/audit/confident.ts';
import { createForestJudge, judgeOutOfFold } from '../src/audit/outOfFold.ts';
import { drawSample } from '../src/audit/sample.ts';
import { drawTable } from '../src/cli/table.ts';
import { Dataset } from '../src/dataset/dataset.ts';
import { createRandom } from '../src/dataset/random.ts';
import { wholeNumber } from './numbers.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    cells: { type: 'string', default: '2500' },
    rates: { type: 'string', default: '0,0.01,0.05,0.1' },
    seed: { type: 'string', default: '5' },
  },
});
const rates = values.rates.split(',').map(Number);
const header = [
  'data set',
  'cells',
  'wrong',
  'planted',
  'suspects',
  'expected',
  'recall',
  'precision',
  'first n',
];
const rows: (string | number)[][] = [];

/** Labels of which a share is another class of those present, drawn evenly. */
function spoil(labels: Int32Array, rate: number): { labels: Int32Array; planted: Set<number> } {
  const random = createRandom(wholeNumber('seed', values.seed));
  const present = [...new Set(labels)].sort((a, b) => a - b);
  const planted = new Set<number>();
  const spoilt = labels.map((label, i) => {
    if (random() >= rate) return label;
    planted.add(i);
    const others = present.filter(one => one !== label);
    return others[Math.floor(random() * others.length)]!;
  });
  return { labels: spoilt, planted };
}

const share = (part: number, of: number) => (of === 0 ? '' : (part / of).toFixed(2));

for (const path of positionals) {
  const dataset = await Dataset.open(path, 'read');
  const sample = drawSample(await dataset.cells(), wholeNumber('cells', values.cells), 0);
  const K = dataset.header.classes.length;
  for (const rate of rates) {
    const { labels, planted } = spoil(sample.label, rate);
    const { judge, close } = await createForestJudge(dataset, sample, labels, {});
    const probabilities = await judgeOutOfFold({ labels, K, judge }, { seed: 1, repeats: 2 }, {});
    close();
    const { suspects, ranked, expected } = findSuspects(probabilities, labels, K);
    const hits = (of: typeof ranked) => of.filter(one => planted.has(one.cell)).length;
    rows.push([
      ...[basename(path), labels.length, `${(100 * rate).toFixed(0)} %`, planted.size, suspects.length],
      ...[expected.toFixed(1), share(hits(suspects), planted.size), share(hits(suspects), suspects.length)],
      share(hits(ranked.slice(0, planted.size)), planted.size),
    ]);
  }
  await dataset.close();
}
console.log(drawTable(header, rows));
console.log('First n: share of the planted among as many first places of the ranking as were planted.');
