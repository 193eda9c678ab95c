import { type Command, Option } from 'commander';
import type { EnsuredSplit } from '../dataset/ensureSplit.ts';
import { BrightcellError } from '../errors.ts';
import type { Facts } from '../learners/learner.ts';
import type { MethodTrainOptions } from '../methods/options.ts';
import type { CalibratedReport, CalibrationReport, PlainReport } from '../methods/report.ts';
import type { CrossValidationReport } from '../study/crossValidate.ts';
import type { PartScore, TrainReport } from '../train/report.ts';
import { methodHelp } from './methodHelp.ts';
import { realNumber, wholeNumber } from './numbers.ts';
import { perform } from './perform.ts';
import { precisionNames, precisionOption } from './precision.ts';
import { addSettings } from './settings.ts';
import { commandLine, countOf, formatCount, formatDuration, formatPercent, formatScore } from './text.ts';

/** Adds `brightcell train`. */
export function addTrain(program: Command): void {
  const choice = (flags: string, text: string, names: readonly string[]) =>
    new Option(flags, text).choices([...names]);
  program
    .command('train')
    .description('Train a network or another method on a split data set.')
    .argument('<dataset>', 'data set folder, split by "brightcell split"')
    .option(
      '--model <name>',
      'cellnet, cellnet-table1, gao2017, liu2017, oei2019, a JSON file of your own, or a method listed below (default: cellnet)',
    )
    .option('--set <name=value>', 'a setting of the method; may stand several times', addSettings)
    .addOption(choice('--recipe <name>', 'settings to start from (default: default)', choices.recipe))
    .option('--config <file>', 'JSON file of settings; options go before it')
    .option('--epochs <n>', 'passes over the training cells', wholeNumber(1, 100_000))
    .option('--batch-size <n>', 'images a step', wholeNumber(1, 100_000))
    .option('--learning-rate <rate>', 'peak learning rate', realNumber(0, 100, { open: 'below' }))
    .addOption(choice('--optimiser <name>', 'how weights are updated', choices.optimiser))
    .addOption(choice('--schedule <name>', 'how the learning rate changes', choices.schedule))
    .addOption(choice('--loss <name>', 'what is made small', choices.loss))
    .addOption(choice('--initialiser <name>', 'first weights', choices.initialiser))
    .addOption(choice('--normalisation <name>', 'how intensities are made comparable', choices.normalisation))
    .addOption(choice('--balance <name>', 'how rare classes are helped', choices.balance))
    .option('--no-augmentation', 'train on the images as they are')
    .option(
      '--replace-background <share>',
      "share of the images, drawn anew each time, that get another image's background around their cell",
      realNumber(0, 1),
    )
    .option('--patience <n>', 'epochs without improvement before stopping; 0: never', wholeNumber(0))
    .addOption(choice('--monitor <name>', 'what says that an epoch is better', choices.monitor))
    .option('--clip-norm <norm>', 'largest norm of the gradient; 0: no limit', realNumber(0))
    .addOption(precisionOption())
    .option('--seed <n>', 'the same seed gives the same weights', wholeNumber(0))
    .option('--fold <n>', 'fold of a k-fold split to hold out as the test part', wholeNumber(0))
    .option(
      '--cross-validate <k>',
      'train k times, each fold of a k-fold split held out in turn, and score all cells together',
      wholeNumber(3, 100),
    )
    .addOption(
      choice(
        '--split-by <what>',
        'split the data set first, with the seed, unless it is split so already',
        choices.splitBy,
      ),
    )
    .option('--replace-split', 'let --split-by replace a split of another kind')
    .option('--out <folder>', 'folder of all runs (default: runs)')
    .option('--name <name>', 'name of the run')
    .option('--resume <run>', 'go on with a run that was stopped')
    .addHelpText(
      'after',
      `\n${methodHelp()}\n\nExamples:\n  $ brightcell train cells --name first --epochs 40\n` +
        '  $ brightcell train cells --model centroid --set sharpness=2\n' +
        '  $ brightcell train cells --split-by group',
    )
    .action((dataset: string, { crossValidate: folds, ...flags }: TrainFlags, command: Command) => {
      if (folds !== undefined) return crossValidate(dataset, folds, flags, command);
      return perform(command, {
        work: async job =>
          (await import('../methods/train.ts')).train(dataset, trainOptions(flags, command), job),
        print: printTraining,
        next: report => ['evaluate', report.run],
        stopped: error => howToGoOn(dataset, error.fields.run ?? flags.resume, error.fields.again === true),
      });
    });
}

function crossValidate(dataset: string, folds: number, flags: TrainFlags, command: Command): Promise<void> {
  return perform(command, {
    work: async job =>
      (await import('../study/crossValidate.ts')).crossValidate(
        dataset,
        folds,
        trainOptions(flags, command),
        job,
      ),
    print: printCrossValidation,
    stopped: () => 'Finished folds are kept. Run the same command to go on.',
  });
}

/** A cross-validation as a person reads it. */
export async function printCrossValidation(report: CrossValidationReport): Promise<string> {
  const { drawTable } = await import('./table.ts');
  const { scores, intervals, intervalsBy, runs } = report;
  const [low, high] = intervals?.accuracy ?? scores.accuracyInterval;
  const rows = runs.map(one => [
    one.fold,
    formatCount(one.testCells),
    formatPercent(one.accuracy),
    formatPercent(one.balancedAccuracy),
    one.run,
  ]);
  return [
    drawTable(['Fold held out', 'Cells', 'Accuracy', 'Balanced', 'Run'], rows),
    '',
    `All ${countOf(scores.cells, 'cell')}, each judged by a run that has not seen it: accuracy ${formatPercent(scores.accuracy)} ` +
      `(95 %: ${formatPercent(low)} to ${formatPercent(high)}, by ${intervalsBy}), balanced accuracy ` +
      `${formatPercent(scores.balancedAccuracy)}, macro F1 ${formatScore(scores.macro.f1)}.`,
    `Report: ${report.file}`,
  ].join('\n');
}

/** Names that options take: those of the library, which is not loaded for them (a test compares). */
export const choices = {
  recipe: ['default', 'paper'],
  optimiser: ['adam', 'adamw', 'sgd'],
  schedule: ['constant', 'step', 'cosine'],
  loss: ['crossEntropy', 'labelSmoothing', 'doubleSoftmax', 'meanSquaredError', 'focal'],
  initialiser: ['glorotUniform', 'heNormal', 'truncatedNormal'],
  normalisation: ['none', 'range', 'mean', 'standardise', 'session'],
  balance: ['sampling', 'none'],
  monitor: ['loss', 'macroF1'],
  precision: precisionNames,
  splitBy: ['cell', 'group'],
};

type TrainFlags = Omit<MethodTrainOptions, 'augmentation' | 'settings'> & {
  augmentation: boolean;
  crossValidate?: number;
  replaceBackground?: number;
  set?: Record<string, unknown>;
};

/** `--no-augmentation` is the only flag with a default of commander's own: without it, the recipe decides. */
function trainOptions(flags: TrainFlags, command: Command): MethodTrainOptions {
  const { augmentation, replaceBackground, set: settings, ...given } = flags;
  const options = { ...given, settings };
  const none = command.getOptionValueSource('augmentation') === 'cli';
  if (none && replaceBackground !== undefined) {
    throw new BrightcellError(
      'option-invalid',
      '--replace-background is an augmentation, which --no-augmentation switches off. Give one of them.',
    );
  }
  if (replaceBackground !== undefined) return { ...options, augmentation: { replaceBackground } };
  return none ? { ...options, augmentation } : options;
}

/** Without a run it was stopped while the data set was checked. */
function howToGoOn(dataset: string, run: unknown, again: boolean): string {
  if (run === undefined) return 'Nothing was written. Run the same command to start again.';
  const resume = commandLine('train', dataset, '--resume', String(run));
  if (again) return `The method is fitted in one go and nothing of it is kept. Fit it again with: ${resume}`;
  return `Every finished epoch is kept. Go on with: ${resume}`;
}

/** A training as a person reads it. */
export function printTraining(report: CalibratedReport): string {
  const lines = report.split ? splitLines(report.split) : [];
  lines.push(...(report.kind === 'plain' ? plainLines(report) : networkLines(report)));
  if (report.calibration) lines.push(calibrationInWords(report.calibration));
  lines.push(...report.warnings.map(warning => `Warning: ${warning}`));
  lines.push('', `Run:   ${report.run}`, `Model: ${report.model}`);
  return lines.join('\n');
}

function splitLines({ by, made, seed, warnings }: EnsuredSplit): string[] {
  const how = seed === null ? '' : `, seed ${seed}`;
  return [
    made ? `Split by ${by}${how}.` : `Trained on the split by ${by} that stood${how}.`,
    ...warnings.map(warning => `Warning: ${warning}`),
  ];
}

function calibrationInWords({ temperature, cells, logLoss }: CalibrationReport): string {
  const scaled =
    temperature === 1
      ? 'probabilities stay as they are'
      : `temperature ${temperature.toFixed(2)} brings the log loss from ${formatScore(logLoss.before)} to ${formatScore(logLoss.after)}`;
  return `Calibrated on ${countOf(cells, 'validation cell')}: ${scaled}.`;
}

function plainLines({ method, trainingCells, classes, seconds, facts, validation }: PlainReport): string[] {
  const found = factsInWords(facts);
  return [
    `Fitted ${method} on ${countOf(trainingCells, 'cell')} of ${countOf(classes.length, 'class', 'classes')} in ` +
      `${formatDuration(seconds)}${found === '' ? '' : `: ${found}`}.`,
    ...(validation
      ? [`On ${countOf(validation.cells, 'validation cell')}: ${scoreInWords(validation)}.`]
      : []),
    ...(facts.converged === false ? [ranOut] : []),
  ];
}

const ranOut =
  'Warning: the fit ran out of steps before it converged, and may be far from what its settings mean. Give more iterations.';

function factsInWords(facts: Facts): string {
  const words = Object.entries(facts).map(([name, value]) => {
    return `${name} ${typeof value === 'number' ? Number(value.toPrecision(4)) : value}`;
  });
  return words.join(', ');
}

function scoreInWords({ accuracy, macroF1, loss }: PartScore): string {
  return `accuracy ${formatPercent(accuracy)}, macro F1 ${formatScore(macroF1)}, loss ${formatScore(loss)}`;
}

function networkLines(report: TrainReport): string[] {
  const early = report.stopped === 'early' ? ', stopped early' : '';
  const lines = [
    `Trained ${report.network} (${formatCount(report.parameters)} parameters) on ` +
      `${countOf(report.trainingCells, 'cell')} of ${countOf(report.classes.length, 'class', 'classes')}: ` +
      `${countOf(report.epochs, 'epoch')}${early}, ${formatDuration(report.seconds)}, ` +
      `${formatCount(Math.round(report.imagesPerSecond))} images/s.`,
  ];
  if (report.validation) {
    const cells = countOf(report.validation.cells, 'validation cell');
    lines.push(`Best epoch ${report.bestEpoch}: ${scoreInWords(report.validation)} on ${cells}.`);
  }
  return lines;
}
