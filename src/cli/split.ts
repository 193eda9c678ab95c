import { type Command, Option } from 'commander';
import type { SplitOptions, SplitReport } from '../dataset/split.ts';
import { listOf, realNumber, wholeNumber } from './numbers.ts';
import { perform } from './perform.ts';
import { countOf, formatCount } from './text.ts';

/** Adds `brightcell split`. */
export function addSplit(program: Command): void {
  program
    .command('split')
    .description('Divide a data set into training, validation and test parts.')
    .argument('<dataset>', 'data set folder')
    .option(
      '--fractions <list>',
      'training,validation,test; sum 1 (default: 0.65,0.15,0.2)',
      listOf(realNumber(0, 1)),
    )
    .addOption(
      new Option(
        '--by <what>',
        'draw each cell, keep each run or donor on one side, or take the split the images came with ' +
          '(default: imported where there is one, else cell)',
      ).choices(ways),
    )
    .option('--folds <k>', 'k parts of equal size instead of fractions', wholeNumber(3, 100))
    .option('--fold <n>', 'which of the k is the test part, from 0 (default: 0)', wholeNumber(0, 99))
    .option('--seed <n>', 'the same seed gives the same split (default: 0)', wholeNumber(0, 2 ** 32 - 1))
    .option(
      '--min-per-class <n>',
      'leave out classes with fewer cells instead of refusing them',
      wholeNumber(3),
    )
    .option('--together <file>', "CSV of copies that must not stand on two sides, an audit's leak.csv")
    .addHelpText('after', '\nExample:\n  $ brightcell split cells --by group')
    .action((dataset: string, options: SplitOptions, command: Command) =>
      perform(command, {
        work: async job => (await import('../dataset/split.ts')).split(dataset, options, job),
        print: printSplit,
        next: () => ['train', dataset],
        stopped: () => 'The split before, if any, stands.',
      }),
    );
}

const ways: NonNullable<SplitOptions['by']>[] = ['cell', 'group', 'imported'];

/** A split as a person reads it. */
export async function printSplit(report: SplitReport): Promise<string> {
  const { drawTable } = await import('./table.ts');
  const { splits, leftOut, duplicates } = report;
  const classes = splits[0]!.classes.map(({ name }) => name);
  const withGroups = splits.some(({ groups }) => groups > 0);
  const rows = splits.map(part => [
    part.split,
    formatCount(part.cells),
    ...(withGroups ? [part.groups] : []),
    ...part.classes.map(({ count }) => formatCount(count)),
  ]);
  const reasons = Object.entries(leftOutWords)
    .filter(([reason]) => leftOut[reason as keyof typeof leftOut] > 0)
    .map(([reason, words]) => `${formatCount(leftOut[reason as keyof typeof leftOut])} ${words}`);
  return [
    `Split ${wayWords[report.by]}${report.folds ? `, ${report.folds} folds` : ''}, seed ${report.seed}.`,
    '',
    drawTable(['Part', 'Cells', ...(withGroups ? ['Groups'] : []), ...classes], rows),
    ...(reasons.length > 0 ? ['', `Left out: ${reasons.join(', ')}.`] : []),
    ...(duplicates.sets > 0
      ? [`${countOf(duplicates.cells, 'cell')} are exact copies of one another; no copy stands on two sides.`]
      : []),
    ...(duplicates.conflicting > 0
      ? [`Warning: ${countOf(duplicates.conflicting, 'set')} of exact copies with different labels.`]
      : []),
    ...report.warnings.map(warning => `Warning: ${warning}`),
  ].join('\n');
}

const wayWords = {
  cell: 'by stratified random draw of cells',
  group: 'by group: every run or donor stands on one side',
  imported: 'as the images came',
};

const leftOutWords: Record<keyof SplitReport['leftOut'], string> = {
  rejected: 'rejected by screening',
  unlabelled: 'without a label',
  smallClasses: 'of too small classes',
  duplicates: 'copies of cells on another side',
  notListed: 'not listed in the split they came with',
};
