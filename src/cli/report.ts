import type { Command } from 'commander';
import type { ReportOptions, ReportResult } from '../report/report.ts';
import { perform } from './perform.ts';
import { formatDuration } from './text.ts';

/** Adds `brightcell report`. */
export function addReport(program: Command): void {
  program
    .command('report')
    .description('Bind runs, comparisons, studies and audits into one HTML file that needs nothing else.')
    .argument('<folders...>', 'run folders, and folders that compare, study and audit wrote')
    .option('--out <file>', 'the file to write (default: report.html in the first folder)')
    .option('--dataset <folder>', 'where the data set is now, when it was moved since the training')
    .option('--no-explain', 'make no pictures of filters, maps and embeddings where a run has none')
    .option('--title <text>', 'above the page (default: of the names of the runs)')
    .addHelpText('after', '\nExample:\n  $ brightcell report runs/first comparison')
    .action((folders: string[], options: ReportOptions, command: Command) =>
      perform(command, {
        work: async job => (await import('../report/report.ts')).report(folders, options, job),
        print: printReport,
        stopped: () => 'No report was written.',
      }),
    );
}

/** Where the page is. */
export function printReport({ out, bytes, seconds, sections }: ReportResult): string {
  return `Wrote ${out}: ${sections.length} sections, ${(bytes / 1e6).toFixed(1)} MB, in ${formatDuration(seconds)}. It opens in any browser and loads nothing.`;
}
