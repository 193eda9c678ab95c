import type { Command } from 'commander';
import type { CompareOptions } from '../study/compare.ts';
import type { CompareReport } from '../study/compareReport.ts';
import { collectSetting, type MethodSettings, methodList } from './methods.ts';
import { wholeNumber } from './numbers.ts';
import { perform } from './perform.ts';
import { commandLine, countOf, formatDuration } from './text.ts';

/** Adds `brightcell compare`. */
export function addCompare(program: Command): void {
  program
    .command('compare')
    .description(
      'Fit several methods on one split and compare them: scores, tests of every pair, time, memory.',
    )
    .argument('<dataset>', 'data set folder, split by "brightcell split"')
    .option(
      '--methods <list>',
      'methods as "train --model" takes them, and run folders; by default those of --config',
      methodList,
    )
    .option('--config <file>', 'JSON file: for each method an object of its settings')
    .option('--set <setting>', 'METHOD.SETTING=VALUE, again for each; goes before the file', collectSetting)
    .option('--seed <n>', 'of every training (default: 0)', wholeNumber(0))
    .option('--fold <n>', 'fold of a k-fold split to hold out as the test part', wholeNumber(0))
    .option('--folds', 'every fold of a k-fold split is the test part in turn; their cells are pooled')
    .option('--by-group', 'bootstrap whole groups (donors, runs) instead of cells')
    .option(
      '--out <folder>',
      'folder of the comparison (default: comparison); what is finished there is kept',
    )
    .addHelpText(
      'after',
      '\nExample:\n  $ brightcell compare cells --methods cellnet,knn --set cellnet.epochs=20',
    )
    .action((dataset: string, flags: CompareFlags, command: Command) => {
      const { set, ...options } = flags;
      return perform(command, {
        work: async job =>
          (await import('../study/compare.ts')).compare(dataset, { ...options, settings: set }, job),
        print: printComparison,
        stopped: () =>
          `Methods that were finished are kept in ${flags.out ?? 'comparison'}. Go on with the same command: ${commandLine(...process.argv.slice(2))}`,
      });
    });
}

type CompareFlags = Omit<CompareOptions, 'settings'> & { set?: MethodSettings };

/** A comparison as a person reads it. */
export async function printComparison(report: CompareReport): Promise<string> {
  const { formatComparison, formatGroupAccuracies, formatIntervals, formatPairs } = await import(
    '../evaluate/comparisonTable.ts'
  );
  const width = Math.max(60, Math.min(160, process.stdout.columns ?? 110));
  const parts = report.parts.flatMap(({ part, comparison }) => [
    `${part.charAt(0).toUpperCase()}${part.slice(1)}: ${countOf(comparison.cells, 'cell')}`,
    formatComparison(comparison, width),
    formatIntervals(comparison, width),
    formatGroupAccuracies(comparison, width),
    ...(comparison.pairs.length > 0 ? [formatPairs(comparison, width)] : []),
  ]);
  const failures = report.methods.flatMap(one =>
    'failure' in one ? [`Failed: ${one.name}: ${one.failure.message}`] : [],
  );
  return [
    ...parts,
    await formatCosts(report),
    [...report.cautions.map(caution => `Caution: ${caution}`), ...failures].join('\n'),
    `Compared in ${formatDuration(report.seconds)}. Scores, tests, figures and predictions: ${report.out}`,
  ]
    .filter(text => text !== '')
    .join('\n\n');
}

async function formatCosts({ methods, trainingCells, folds }: CompareReport): Promise<string> {
  const { drawTable } = await import('./table.ts');
  const megabytes = (bytes: number) => Math.round(bytes / 1e6);
  const rows = methods.flatMap(one =>
    'failure' in one
      ? []
      : [
          [
            one.name,
            one.fit ? formatSeconds(one.fit.seconds) : '-',
            one.fit ? formatSeconds(one.fit.cpuSeconds) : '-',
            one.fit ? megabytes(one.fit.peakBytes) : '-',
            formatSeconds(one.score.thousandSeconds),
            megabytes(one.score.peakBytes),
            one.kept ? 'kept' : '',
          ],
        ],
  );
  const head = ['Method', 'fit, s', 'CPU, s', 'memory, MB', '1,000 predictions, s', 'memory, MB', ''];
  const note = 'Memory: the most that the process held at once, mapped images and the program included.';
  const sums = folds > 0 ? `; fitting is the sum of ${folds} folds` : '';
  return `Time and memory, ${countOf(trainingCells, 'training cell')}${sums}\n${drawTable(head, rows)}\n${note}`;
}

/** Three digits: 0.0123, 1.23, 123, 1234. */
export function formatSeconds(seconds: number): string {
  return seconds >= 100 ? String(Math.round(seconds)) : String(Number(seconds.toPrecision(3)));
}
