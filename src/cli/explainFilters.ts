import type { Command } from 'commander';
import type { ExplainFiltersOptions, FiltersReport } from '../explain/explainFilters.ts';
import { addChoice } from './cellChoice.ts';
import { listOf, wholeNumber } from './numbers.ts';
import { perform } from './perform.ts';
import { countOf, formatDuration } from './text.ts';

/** Adds `brightcell explain filters`. */
export function addFilters(explain: Command): void {
  addChoice(
    explain
      .command('filters')
      .description("The filters of a network's convolutions, and the cells that excite each most.")
      .argument('<model>', 'run folder or model folder of a network')
      .argument('[images...]', 'data set, image files or folders (default: the data set of the run)'),
    250,
  )
    .option('--layers <list>', 'convolutions: conv1, conv2 ... (default: all)', listOf(String))
    .option('--most <n>', 'cells shown for each filter, 0 for none (default: 4)', wholeNumber(0, 100))
    .option(
      '--slices <list>',
      'filters of deeper layers whose weights are drawn for each map (default: the two largest of each layer)',
      listOf(wholeNumber(1, 100_000)),
    )
    .option('--out <folder>', 'folder for the files (default: explain/filters in the run folder)')
    .addHelpText('after', '\nExample:\n  $ brightcell explain filters runs/first cells --layers conv2')
    .action((model: string, images: string[], flags: ExplainFiltersOptions, command: Command) =>
      perform(command, {
        work: async job =>
          (await import('../explain/explainFilters.ts')).explainFilters(model, images, flags, job),
        print: printFilters,
        stopped: () => 'No file was written. Run the same command to start again.',
      }),
    );
}

async function printFilters({ layers, cells, warnings, out, seconds }: FiltersReport): Promise<string> {
  const { drawTable } = await import('./table.ts');
  const rows = layers.map(({ name, filters, channels, kernel, shape }) => [
    ...[name, filters, channels],
    ...[kernel.join(' x '), shape.join(' x ')],
  ]);
  return [
    drawTable(['Layer', 'filters', 'reads maps', 'kernel', 'gives'], rows),
    ...warnings.map(warning => `Caution: ${warning}`),
    `${countOf(cells, 'cell')} looked at, in ${formatDuration(seconds)}. Figures and numbers: ${out}`,
  ].join('\n\n');
}
