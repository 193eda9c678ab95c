import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { EvaluateOptions, EvaluationReport } from '../study/evaluateRun.ts';
import { listOf, realNumber } from './numbers.ts';
import { perform } from './perform.ts';
import { precisionOption } from './precision.ts';
import { formatDuration } from './text.ts';

/** Adds `brightcell evaluate`. */
export function addEvaluate(program: Command): void {
  program
    .command('evaluate')
    .description('Score a trained run on cells that it has not seen.')
    .argument('<run>', 'run folder')
    .option(
      '--splits <list>',
      'parts to score: train, validation, test (default: validation,test)',
      listOf(part),
    )
    .option('--dataset <folder>', 'another data set than the one trained on')
    .option('--allow-changed', 'go on although the data set has changed since the training')
    .option(
      '--purity <list>',
      'purities that thresholds for sorting are chosen for (default: 0.9,0.95,0.99)',
      listOf(realNumber(0, 1, { open: 'below' })),
    )
    .addOption(precisionOption())
    .option('--out <folder>', 'folder for the files (default: in the run folder)')
    .addHelpText(
      'after',
      '\nExamples:\n  $ brightcell evaluate runs/first\n  $ brightcell evaluate runs/first --purity 0.95,0.99',
    )
    .action((run: string, { purity: purities, ...options }: EvaluateFlags, command: Command) =>
      perform(command, {
        work: async job =>
          (await import('../study/evaluateRun.ts')).evaluate(run, { ...options, purities }, job),
        print: printEvaluation,
        next: () => ['classify', run, 'IMAGES'],
        stopped: () => 'Nothing was written.',
      }),
    );
}

type EvaluateFlags = Omit<EvaluateOptions, 'purities'> & { purity?: number[] };

function part(name: string): 'train' | 'validation' | 'test' {
  if (name === 'train' || name === 'validation' || name === 'test') return name;
  throw new InvalidArgumentError('It must be a list of: train, validation, test.');
}

/** An evaluation as a person reads it: the paper's tables, overall figures, confusion, cautions. */
export async function printEvaluation(report: EvaluationReport): Promise<string> {
  const { formatEvaluation } = await import('../evaluate/report.ts');
  const width = Math.max(60, Math.min(120, process.stdout.columns ?? 100));
  return [
    formatEvaluation(report.method, report.parts, width),
    '',
    ...report.cautions.map(caution => `Caution: ${caution}`),
    `Evaluated in ${formatDuration(report.seconds)}. Scores, confusion matrices and predictions: ${report.out}`,
  ].join('\n');
}
