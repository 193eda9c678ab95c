import { type Command, Option } from 'commander';
import type { TrainOptions } from '../train/config.ts';
import type { TrainReport } from '../train/train.ts';
import { realNumber, wholeNumber } from './numbers.ts';
import { perform } from './perform.ts';
import { precisionNames, precisionOption } from './precision.ts';
import { commandLine, countOf, formatCount, formatDuration, formatPercent, formatScore } from './text.ts';

/** Adds `brightcell train`. */
export function addTrain(program: Command): void {
  const choice = (flags: string, text: string, names: readonly string[]) =>
    new Option(flags, text).choices([...names]);
  program
    .command('train')
    .description('Train a network on a split data set.')
    .argument('<dataset>', 'data set folder, split by "brightcell split"')
    .option(
      '--model <name>',
      'cellnet, cellnet-table1, gao2017, oei2019, or a JSON file of your own (default: cellnet)',
    )
    .addOption(choice('--recipe <name>', 'settings to start from (default: default)', choices.recipe))
    .option('--config <file>', 'JSON file of settings; options go before it')
    .option('--epochs <n>', 'passes over the training cells', wholeNumber(1, 100_000))
    .option('--batch-size <n>', 'images a step', wholeNumber(1, 100_000))
    .option('--learning-rate <rate>', 'peak learning rate', realNumber(0, 100, { open: true }))
    .addOption(choice('--optimiser <name>', 'how weights are updated', choices.optimiser))
    .addOption(choice('--schedule <name>', 'how the learning rate changes', choices.schedule))
    .addOption(choice('--loss <name>', 'what is made small', choices.loss))
    .addOption(choice('--initialiser <name>', 'first weights', choices.initialiser))
    .addOption(choice('--normalisation <name>', 'how intensities are made comparable', choices.normalisation))
    .addOption(choice('--balance <name>', 'how rare classes are helped', choices.balance))
    .option('--no-augmentation', 'train on the images as they are')
    .option('--patience <n>', 'epochs without improvement before stopping; 0: never', wholeNumber(0))
    .addOption(choice('--monitor <name>', 'what says that an epoch is better', choices.monitor))
    .option('--clip-norm <norm>', 'largest norm of the gradient; 0: no limit', realNumber(0))
    .addOption(precisionOption())
    .option('--seed <n>', 'the same seed gives the same weights', wholeNumber(0))
    .option('--fold <n>', 'fold of a k-fold split to hold out as the test part', wholeNumber(0))
    .option('--out <folder>', 'folder of all runs (default: runs)')
    .option('--name <name>', 'name of the run')
    .option('--resume <run>', 'go on with a run that was stopped')
    .addHelpText('after', '\nExample:\n  $ brightcell train cells --name first --epochs 40')
    .action((dataset: string, flags: TrainFlags, command: Command) =>
      perform(command, {
        work: async job =>
          (await import('../train/train.ts')).train(dataset, trainOptions(flags, command), job),
        print: printTraining,
        next: report => ['evaluate', report.run],
        stopped: error => howToGoOn(dataset, error.fields.run ?? flags.resume),
      }),
    );
}

/** Names that options take: those of the library, which is not loaded for them (a test compares). */
export const choices = {
  recipe: ['default', 'paper'],
  optimiser: ['adam', 'adamw', 'sgd'],
  schedule: ['constant', 'step', 'cosine'],
  loss: ['crossEntropy', 'labelSmoothing', 'doubleSoftmax', 'meanSquaredError', 'focal'],
  initialiser: ['glorotUniform', 'heNormal', 'truncatedNormal'],
  normalisation: ['none', 'range', 'mean', 'standardise'],
  balance: ['sampling', 'none'],
  monitor: ['loss', 'macroF1'],
  precision: precisionNames,
};

type TrainFlags = Omit<TrainOptions, 'augmentation'> & { augmentation: boolean };

/** `--no-augmentation` is the only flag with a default of commander's own: without it, the recipe decides. */
function trainOptions(flags: TrainFlags, command: Command): TrainOptions {
  const { augmentation, ...options } = flags;
  return command.getOptionValueSource('augmentation') === 'cli' ? { ...options, augmentation } : options;
}

/** Without a run it was stopped while the data set was checked. */
function howToGoOn(dataset: string, run: unknown): string {
  if (run === undefined) return 'Nothing was written. Run the same command to start again.';
  return `Every finished epoch is kept. Go on with: ${commandLine('train', dataset, '--resume', String(run))}`;
}

/** A training as a person reads it. */
export function printTraining(report: TrainReport): string {
  const early = report.stopped === 'early' ? ', stopped early' : '';
  const lines = [
    `Trained ${report.network} (${formatCount(report.parameters)} parameters) on ` +
      `${countOf(report.trainingCells, 'cell')} of ${countOf(report.classes.length, 'class', 'classes')}: ` +
      `${countOf(report.epochs, 'epoch')}${early}, ${formatDuration(report.seconds)}, ` +
      `${formatCount(Math.round(report.imagesPerSecond))} images/s.`,
  ];
  if (report.validation) {
    const { accuracy, macroF1, loss, cells } = report.validation;
    lines.push(
      `Best epoch ${report.bestEpoch}: accuracy ${formatPercent(accuracy)}, macro F1 ${formatScore(macroF1)}, ` +
        `loss ${formatScore(loss)} on ${countOf(cells, 'validation cell')}.`,
    );
  }
  lines.push(...report.warnings.map(warning => `Warning: ${warning}`));
  lines.push('', `Run:   ${report.run}`, `Model: ${report.model}`);
  return lines.join('\n');
}
