import { type Command, InvalidArgumentError } from 'commander';
import type { SimulateOptions } from '../simulate/options.ts';
import type { SimulateReport } from '../simulate/report.ts';
import { imageSize, realNumber, wholeNumber } from './numbers.ts';
import { perform } from './perform.ts';
import { countOf, formatCount, formatDuration, formatPercent } from './text.ts';

/** Adds `brightcell simulate`. */
export function addSimulate(program: Command): void {
  program
    .command('simulate')
    .description('Make time-stretch images of four cell types with known truth and known faults.')
    .requiredOption('--out <folder>', 'data set folder to create, or to go on with')
    .requiredOption('--cells <n>', 'number of cells', wholeNumber(1, 100_000_000))
    .option('--seed <n>', 'the same seed gives the same cells (default: 0)', wholeNumber(0))
    .option('--confounded', 'give every type sessions of its own, so that the background betrays it')
    .option('--images', 'write class folders of ragged PNG files and a cells.csv instead of a data set')
    .option('--faults <share>', 'share of spoiled images (default: 0.12)', realNumber(0, 0.999))
    .option('--sessions <n>', 'runs of the instrument (default: 12)', wholeNumber(1, 1000))
    .option('--weights <list>', 'how much of each type, such as THP1=1,PBMC=0.05 (default: 1 each)', weights)
    .option('--size <size>', 'stored size, HEIGHTxWIDTH (default: 128x128)', imageSize)
    .addHelpText('after', '\nExample:\n  $ brightcell simulate --cells 3000 --out cells')
    .action(({ out, ...options }: SimulateOptions & { out: string }, command: Command) =>
      perform(command, {
        work: async job => (await import('../simulate/simulate.ts')).simulate(out, options, job),
        print: printSimulation,
        next: () => (options.images ? ['import', out, '--out', 'cells'] : ['screen', out]),
        stopped: () => 'What was simulated is kept. Run the same command to go on.',
      }),
    );
}

function weights(text: string): Record<string, number> {
  const pairs = text.split(',').map(pair => pair.split('='));
  if (pairs.some(pair => pair.length !== 2))
    throw new InvalidArgumentError('It must look like THP1=1,PBMC=0.05.');
  return Object.fromEntries(pairs.map(([name, weight]) => [name!.trim(), realNumber(0)(weight!.trim())]));
}

/** A simulation as a person reads it. */
export async function printSimulation(report: SimulateReport): Promise<string> {
  const { drawTable } = await import('./table.ts');
  const rows = (counts: { name: string; count: number }[]) =>
    counts.map(({ name, count }) => [name, formatCount(count), formatPercent(count / report.cells)]);
  const before = report.before > 0 ? ` (${formatCount(report.before)} of them earlier)` : '';
  return [
    `Simulated ${countOf(report.cells, 'cell')}${before} of ${countOf(report.sessions, 'session')} in ` +
      `${formatDuration(report.durationSeconds)}, ${formatCount(Math.round(report.cellsPerSecond))}/s: ${report.out}`,
    ...(report.confounded ? ['Confounded on purpose: the background betrays the type.'] : []),
    '',
    drawTable(['Type', 'Cells', 'Share'], rows(report.classes)),
    '',
    drawTable(['Truth', 'Cells', 'Share'], rows(report.truths)),
  ].join('\n');
}
