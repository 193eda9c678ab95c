import { type Command, Option } from 'commander';
import type { ReproduceOptions } from '../reproduce/options.ts';
import type { ReproduceReport } from '../reproduce/reproduce.ts';
import { wholeNumber } from './numbers.ts';
import { perform } from './perform.ts';
import { commandLine, countOf, formatDuration, formatScore } from './text.ts';

/** Adds `brightcell reproduce`. */
export function addReproduce(program: Command): void {
  program
    .command('reproduce')
    .description('Run Meng et al. 2019 from images to report, and set every number beside theirs.')
    .argument('[folders...]', "folders of the paper's public data set (default: cells are simulated)")
    .option('--cells <n>', 'cells to simulate (default: 6000)', wholeNumber(200, 100_000_000))
    .option('--epochs <n>', 'of every network (default: by the recipe)', wholeNumber(1, 100_000))
    .addOption(
      new Option('--recipe <name>', 'how networks are trained (default: default)').choices([
        'default',
        'paper',
      ]),
    )
    .addOption(
      new Option('--by <way>', 'how cells are split where the images bring no split (default: cell)').choices(
        ['cell', 'group'],
      ),
    )
    .option(
      '--volumes <n>',
      'leave out what is beyond so many images in Table II',
      wholeNumber(1, 100_000_000),
    )
    .option('--seeds <n>', 'trainings for each number of images (default: 1)', wholeNumber(1, 1000))
    .option('--seed <n>', 'the same seed gives the same numbers (default: 1)', wholeNumber(0, 2 ** 31 - 1))
    .option(
      '--out <folder>',
      'folder of everything (default: reproduction); what is finished there is kept',
      'reproduction',
    )
    .option('--no-explain', 'make no pictures of filters, maps and embeddings for the report')
    .addHelpText('after', '\nExample:\n  $ brightcell reproduce --cells 3000 --epochs 5')
    .action(
      (
        folders: string[],
        { out, ...options }: Partial<ReproduceOptions> & { out: string },
        command: Command,
      ) =>
        perform(command, {
          work: async job =>
            (await import('../reproduce/reproduce.ts')).reproduce(out, { ...options, folders }, job),
          print: printReproduction,
          stopped: () =>
            `What is finished is kept in ${out}. Go on with the same command: ${commandLine(...process.argv.slice(2))}`,
        }),
    );
}

/** The accuracies of Table II, and why they differ. */
async function printReproduction(result: ReproduceReport): Promise<string> {
  const { drawTable } = await import('./table.ts');
  const measured = result.numbers.filter(one => one.where === 'Table II' && one.ours !== null);
  const rows = measured.map(one => [
    one.method!,
    one.part!,
    one.volume!.toLocaleString('en-US'),
    formatScore(one.paper),
    formatScore(one.ours),
  ]);
  const ofClasses = result.numbers.filter(
    one => /III|IV/.test(one.where) && one.what === 'f1' && one.ours !== null,
  );
  const classRows = ofClasses.map(one => [
    one.method!,
    one.part!,
    one.class!,
    formatScore(one.paper),
    formatScore(one.ours),
  ]);
  return [
    `Accuracy by number of images (Table II)\n${drawTable(['Method', 'part', 'images', 'paper', 'here'], rows, [0, 1])}`,
    `F score of each class (Tables III and IV)\n${drawTable(['Method', 'part', 'class', 'paper', 'here'], classRows, [0, 1, 2])}`,
    ['Why they differ:', ...result.reasons.map(one => `- ${one}`)].join('\n'),
    `${countOf(result.cells, result.simulated ? 'simulated cell' : 'cell')}, ${countOf(result.trainingCells, 'training cell')}, in ${formatDuration(result.seconds)}. Report: ${result.report}`,
  ].join('\n\n');
}
