import type { Command } from 'commander';
import type { FeaturesOptions, FeaturesReport } from '../features/features.ts';
import { perform } from './perform.ts';
import { countOf, formatCount, formatDuration } from './text.ts';

/** Adds `brightcell features`. */
export function addFeatures(program: Command): void {
  program
    .command('features')
    .description('Measure shape, brightness and texture of every cell; keep them and export them.')
    .argument('<dataset>', 'data set folder')
    .option('--out <file>', 'also write them to a .csv or .parquet file, beside what is known of each cell')
    .option('--again', 'measure all cells anew')
    .addHelpText('after', '\nExample:\n  $ brightcell features cells --out features.csv')
    .action((dataset: string, options: FeaturesOptions, command: Command) =>
      perform(command, {
        work: async job => (await import('../features/features.ts')).features(dataset, options, job),
        print: printFeatures,
        stopped: () => 'What was measured is kept. Run the same command to go on.',
      }),
    );
}

function printFeatures({ cells, measured, features, withoutCell, seconds, out }: FeaturesReport): string {
  const already = cells > measured ? `; ${formatCount(cells - measured)} were there already` : '';
  const lines = [
    `Measured ${countOf(features, 'feature')} of ${countOf(measured, 'cell')} in ${formatDuration(seconds)}${already}.`,
  ];
  if (withoutCell > 0)
    lines.push(`In ${countOf(withoutCell, 'image')} nothing stands out of the background.`);
  if (out !== undefined) lines.push(`Written to ${out}.`);
  return lines.join('\n');
}
