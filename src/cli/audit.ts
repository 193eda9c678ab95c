import type { Command } from 'commander';
import type { AuditReport } from '../audit/auditReport.ts';
import type { AuditOptions } from '../audit/options.ts';
import { listOf, wholeNumber } from './numbers.ts';
import { perform } from './perform.ts';
import { countOf, formatDuration, wrapText } from './text.ts';

/** Adds `brightcell audit`. */
export function addAudit(program: Command): void {
  program
    .command('audit')
    .description(
      'Ask whether figures made of a data set, and of a run, can be trusted: shortcuts, sessions, leaks.',
    )
    .argument('<dataset>', 'data set folder')
    .argument('[run]', 'run folder, to audit what was trained on it too')
    .option(
      '--parts <list>',
      'what to ask: shortcut, session, leak, labels, stability (default: all)',
      listOf(String),
    )
    .option(
      '--cells <n>',
      'cells that a part learns from, at most (default: 5000)',
      wholeNumber(100, 1_000_000),
    )
    .option('--method <name>', 'what the part labels judges with (default: a random forest on features)')
    .option('--seed <n>', 'the same seed gives the same report (default: 0)', wholeNumber(0, 2 ** 32 - 1))
    .option('--out <folder>', 'folder of the files (default: RUN/audit, without a run DATASET/audit)')
    .addHelpText('after', '\nExample:\n  $ brightcell audit cells runs/first')
    .action((dataset: string, run: string | undefined, options: AuditOptions, command: Command) =>
      perform(command, {
        work: async job => (await import('../audit/audit.ts')).audit(dataset, run ?? null, options, job),
        print: printAudit,
        stopped: () => 'Nothing was written.',
      }),
    );
}

/** An audit as a person reads it: a verdict for each part, then the whole. */
export function printAudit(report: AuditReport): string {
  const width = Math.max(60, Math.min(110, process.stdout.columns ?? 100));
  const parts = report.asked.map(name => {
    const { verdict, warning } = report.members[name]!;
    return wrapText(
      `${name.charAt(0).toUpperCase()}${name.slice(1)}${warning ? ' (warning)' : ''}: ${verdict}`,
      width,
    );
  });
  const leftOut =
    report.notAsked.length > 0 ? [`Not asked without a run: ${report.notAsked.join(', ')}.`] : [];
  return [
    ...parts,
    wrapText(report.verdict, width),
    [
      ...leftOut,
      `Audited ${countOf(report.cells, 'cell')} in ${formatDuration(report.seconds)}. Numbers and figures: ${report.out}`,
    ].join('\n'),
  ].join('\n\n');
}
