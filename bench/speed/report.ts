import { drawTable } from '../../src/cli/table.ts';
import type { Row } from './judge.ts';
import type { describeMachine } from './machine.ts';

interface Report {
  machine: ReturnType<typeof describeMachine> & { peers: Record<string, string> };
  plan: { rounds: number; quick: boolean };
  seconds: number;
  rows: Row[];
}

/** The report as text: the machine, the table of claims, and what a quick run is worth. */
export function formatReport({ machine, plan, rows, seconds }: Report): string {
  const head = ['work', 'ours', 'peer', 'result', 'by CPU time', 'at least', 'reach for', 'met'];
  const cells = rows.map(row => [
    row.title,
    row.ours,
    row.peer,
    number(row.value),
    number(row.byCpu),
    row.bound,
    row.reach,
    row.met === undefined ? 'not measured' : row.met ? 'yes' : 'no',
  ]);
  const peers = Object.entries(machine.peers).map(([tool, version]) => `, ${tool} ${version}`);
  return [
    `${machine.processor}, ${machine.threads} threads of ${machine.cores} cores, ${machine.instructionSet}, ` +
      `brightcell ${machine.brightcell}${peers.join('')}`,
    `medians of ${plan.rounds} alternating rounds, ${(seconds / 60).toFixed(1)} minutes`,
    '',
    drawTable(head, cells, [0, 1, 2]),
    '',
    'Latency and memory have bounds that they must stay below; all other rows must reach theirs.',
    ...('pytorch' in machine.peers
      ? []
      : ['PyTorch is missing: run bench/peers/setup.sh, or name a Python that has it in BRIGHTCELL_PYTHON.']),
    ...(plan.quick
      ? ['A quick run: short measurements and fewer settings of the peers. It is not the claim.']
      : []),
  ].join('\n');
}

function number(value: number | undefined): string {
  if (value === undefined) return '-';
  return value.toFixed(value >= 100 ? 0 : 2);
}
