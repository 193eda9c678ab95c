// npm run bench [-- --only ID,... --rounds 5 --threads 2 --quick --json]: every claim about speed, measured against
// PyTorch and ONNX Runtime in the same run. All sides work in turns; figures are medians over the rounds.
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { wholeNumber } from './numbers.ts';
import { type Claim, claims } from './speed/claims.ts';
import { judge, needs } from './speed/judge.ts';
import { describeMachine } from './speed/machine.ts';
import { measureAll } from './speed/measureAll.ts';
import { formatReport } from './speed/report.ts';
import { startSides } from './speed/sides.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string' },
    threads: { type: 'string', default: String(availableParallelism()) },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const { quick } = values;
const chosen = choose(values.only);
const plan = {
  rounds: wholeNumber('rounds', values.rounds ?? (quick ? '3' : '5')),
  seconds: quick ? 0.15 : 0.4,
  threads: wholeNumber('threads', values.threads),
  cells: quick ? 10_000 : 100_000,
  without: quick ? ['compiled', 'math', 'weights'] : [],
};
const start = performance.now();
const sides = startSides();
const measured = await measureAll(sides, chosen, needs(chosen, quick), plan);
for (const side of sides) await side.end();
const report = {
  machine: { ...describeMachine(plan.threads), peers: measured.versions },
  plan: { ...plan, quick },
  seconds: (performance.now() - start) / 1000,
  rows: judge(chosen, measured),
  measured,
};
process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : `${formatReport(report)}\n`);

function choose(only: string | undefined): Claim[] {
  if (only === undefined) return claims;
  const ids = only.split(',');
  const unknown = ids.filter(id => !claims.some(claim => claim.id === id));
  if (unknown.length === 0) return claims.filter(claim => ids.includes(claim.id));
  console.error(
    `--only must name rows of ${claims.map(claim => claim.id).join(', ')}. Received ${unknown.join(', ')}.`,
  );
  process.exit(2);
}
