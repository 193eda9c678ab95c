import Table from 'cli-table3';

/** A table with a line under its head; columns are aligned to the right but for those in `left`, the first. */
export function drawTable(head: string[], rows: (string | number)[][], left: number[] = [0]): string {
  const table = new Table({
    head,
    colAligns: head.map((_, column) => (left.includes(column) ? 'left' : 'right')),
    style: { head: [], border: [], compact: true, 'padding-left': 1, 'padding-right': 1 },
    chars: bordersUnderHead,
  });
  table.push(...rows.map(row => row.map(String)));
  const [first = '', ...rest] = table.toString().split('\n');
  const rule = '─'.repeat(Math.max(first.length, ...rest.map(line => line.length)));
  return [first, rule, ...rest].map(line => line.trimEnd()).join('\n');
}

const bordersUnderHead = Object.fromEntries(
  [
    'top',
    'top-mid',
    'top-left',
    'top-right',
    'bottom',
    'bottom-mid',
    'bottom-left',
    'bottom-right',
    'left',
    'left-mid',
    'mid',
    'mid-mid',
    'right',
    'right-mid',
    'middle',
  ].map(name => [name, '']),
);
