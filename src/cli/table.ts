import Table from 'cli-table3';

/** A table with a line under its head, the first column to the left and the others to the right. */
export function drawTable(head: string[], rows: (string | number)[][]): string {
  const table = new Table({
    head,
    colAligns: head.map((_, column) => (column === 0 ? 'left' : 'right')),
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
