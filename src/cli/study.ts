import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { LossOptions } from '../study/loss.ts';
import type { LossName, LossReport } from '../study/lossReport.ts';
import type { VolumeOptions } from '../study/volume.ts';
import type { VolumeReport } from '../study/volumeReport.ts';
import { collectSetting, type MethodSettings, methodList } from './methods.ts';
import { listOf, wholeNumber } from './numbers.ts';
import { perform } from './perform.ts';
import { addSearch } from './search.ts';
import { addSettings, type SettingValues } from './settings.ts';
import { commandLine, countOf, formatDuration, formatScore } from './text.ts';
import { choices } from './train.ts';

/** Adds `brightcell study` and its studies. */
export function addStudy(program: Command): void {
  const study = program
    .command('study')
    .description('Experiments over many trainings, which go on where they were stopped.')
    .addHelpText(
      'after',
      '\nExample:\n  $ brightcell study search cells --method knn --trials 10 --range k=1..30',
    );
  addVolume(study);
  addLoss(study);
  addSearch(study);
}

function addVolume(study: Command): void {
  study
    .command('volume')
    .description('Accuracy of several methods against the number of training images.')
    .argument('<dataset>', 'data set folder, split by "brightcell split"')
    .option(
      '--methods <list>',
      'methods as "train --model" takes them; by default those of --config',
      methodList,
    )
    .option(
      '--sizes <list>',
      'numbers of training images (default: the training part, a quarter, a sixteenth ...)',
      listOf(size),
    )
    .option('--seeds <n>', 'how many seeds; each draws other images (default: 3)', wholeNumber(1, 1000))
    .option('--seed <n>', 'the first of them (default: 0)', wholeNumber(0))
    .option('--config <file>', 'JSON file: for each method an object of its settings')
    .option('--set <setting>', 'METHOD.SETTING=VALUE, again for each; goes before the file', collectSetting)
    .option('--fold <n>', 'fold of a k-fold split to hold out as the test part', wholeNumber(0))
    .option('--keep-models', 'keep every model, not its predictions alone')
    .option('--out <folder>', 'folder of the study (default: volume); what is finished there is kept')
    .addHelpText(
      'after',
      '\nExample:\n  $ brightcell study volume cells --methods cellnet,knn --sizes 100,400 --seeds 2',
    )
    .action((dataset: string, { set, ...options }: VolumeFlags, command: Command) =>
      perform(command, {
        work: async job =>
          (await import('../study/volume.ts')).studyVolume(dataset, { ...options, settings: set }, job),
        print: printVolume,
        stopped: () =>
          `Fits that were finished are kept in ${options.out ?? 'volume'}. Go on with the same command: ${commandLine(...process.argv.slice(2))}`,
      }),
    );
}

function addLoss(study: Command): void {
  study
    .command('loss')
    .description('How a network converges with each loss.')
    .argument('<dataset>', 'data set folder, split by "brightcell split"')
    .option('--model <name>', 'network, as "train --model" takes it (default: cellnet)')
    .option('--losses <list>', 'losses to compare (default: all)', listOf(lossName))
    .option('--epochs <n>', 'passes over the training cells', wholeNumber(1, 100_000))
    .option('--set <settings>', 'other settings of the trainings: NAME=VALUE, again for each', addSettings)
    .option('--seeds <n>', 'how many seeds (default: 3)', wholeNumber(1, 1000))
    .option('--seed <n>', 'the first of them (default: 0)', wholeNumber(0))
    .option('--out <folder>', 'folder of the study (default: losses); what is finished there is kept')
    .addHelpText(
      'after',
      '\nExample:\n  $ brightcell study loss cells --losses crossEntropy,doubleSoftmax --epochs 10',
    )
    .action((dataset: string, { model, epochs, set, ...options }: LossFlags, command: Command) => {
      const settings = { ...set, ...(model && { model }), ...(epochs && { epochs }) };
      return perform(command, {
        work: async job =>
          (await import('../study/loss.ts')).studyLoss(dataset, { ...options, settings }, job),
        print: printLosses,
        stopped: () =>
          `What was finished is kept in ${options.out ?? 'losses'}. Go on with the same command: ${commandLine(...process.argv.slice(2))}`,
      });
    });
}

type LossFlags = Omit<LossOptions, 'settings'> & { model?: string; epochs?: number; set?: SettingValues };

function lossName(name: string): LossName {
  const wanted = choices.loss.find(one => one === name);
  if (wanted !== undefined) return wanted as LossName;
  throw new InvalidArgumentError(`It must be a list of: ${choices.loss.join(', ')}.`);
}

/** A study of losses as a person reads it. */
export async function printLosses(report: LossReport): Promise<string> {
  const { drawTable } = await import('./table.ts');
  const { summariseLosses } = await import('../study/lossFiles.ts');
  const summary = summariseLosses(report);
  const rows = summary.map(one => [
    one.loss,
    formatScore(one.bestValidationAccuracy),
    formatScore(one.bestValidationMacroF1),
    formatScore(one.trainAccuracy),
    one.stepsToTarget === null ? 'not all' : Math.round(one.stepsToTarget),
  ]);
  const target = `steps to ${formatScore(summary[0]!.target)}`;
  const head = ['Loss', 'best validation accuracy', 'best macro F', 'last training accuracy', target];
  const failed = report.curves.flatMap(({ loss, seed, outcome }) =>
    'failure' in outcome ? [`Failed: ${loss}, seed ${seed}: ${outcome.failure.message}`] : [],
  );
  return [
    `Convergence of ${report.settings.model} on ${countOf(report.trainingCells, 'cell')}, means of ${countOf(report.seeds.length, 'seed')}`,
    drawTable(head, rows),
    `${target}: until the validation accuracy is 95 % of the best that any loss reached.`,
    ...(failed.length > 0 ? [failed.join('\n')] : []),
    `${countOf(report.curves.length, 'training')}, ${report.kept} of them kept from before, in ${formatDuration(report.seconds)}. Table and figure: ${report.out}`,
  ].join('\n\n');
}

type VolumeFlags = Omit<VolumeOptions, 'settings'> & { set?: MethodSettings };

function size(text: string): number {
  if (/^\d+$/.test(text) && Number(text) >= 2) return Number(text);
  throw new InvalidArgumentError('It must be a list of whole numbers of at least 2, such as 1100,6400.');
}

/** A volume study as a person reads it. */
export async function printVolume(report: VolumeReport): Promise<string> {
  const { formatVolume } = await import('../evaluate/volumeTable.ts');
  const { outcomesOf, partsOf } = await import('../study/volumeFiles.ts');
  const { fits, methods, sizes, seeds, kept } = report;
  const entries = methods.flatMap(({ name }) =>
    partsOf(report).flatMap(part =>
      sizes.map(size => {
        const outcomes = outcomesOf(fits, name, size);
        const accuracies = outcomes.flatMap(({ parts }) =>
          parts.filter(one => one.part === part).map(one => one.accuracy),
        );
        return { method: name, part, size, accuracies, failed: seeds.length - outcomes.length };
      }),
    ),
  );
  const width = Math.max(60, Math.min(160, process.stdout.columns ?? 110));
  const failed = describeFailures(fits);
  return [
    `Accuracy against training images, mean and standard deviation of ${countOf(seeds.length, 'seed')}`,
    formatVolume(entries, width),
    ...(failed.length > 0 ? [failed.join('\n')] : []),
    `${countOf(fits.length, 'fit')}, ${kept} of them kept from before, in ${formatDuration(report.seconds)}. Table, figures and predictions: ${report.out}`,
  ].join('\n\n');
}

/** A line for each method and reason, with the sizes where it came up. */
function describeFailures(fits: VolumeReport['fits']): string[] {
  const sizes = new Map<string, Set<number>>();
  for (const { method, size, outcome } of fits) {
    if (!('failure' in outcome)) continue;
    const reason = `${method}: ${outcome.failure.message}`;
    sizes.set(reason, (sizes.get(reason) ?? new Set()).add(size));
  }
  return [...sizes].map(([reason, own]) => `Failed on ${[...own].join(', ')} images: ${reason}`);
}
