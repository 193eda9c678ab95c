import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { ImportReport } from '../import/importImages.ts';
import type { ImportFormat, ImportOptions } from '../import/options.ts';
import { imageSize, listOf, wholeNumber } from './numbers.ts';
import { perform } from './perform.ts';
import { countOf, formatCount, formatDuration } from './text.ts';

/** Adds `brightcell import`. */
export function addImport(program: Command): void {
  program
    .command('import')
    .description('Make a data set of a folder of images, a CSV, list files or a MedMNIST archive.')
    .argument('<source>', 'class folders, a folder with a CSV or list files, a .csv file or a .npz file')
    .requiredOption('--out <dataset>', 'data set folder to create, or to go on with')
    .option('--size <size>', 'stored size, HEIGHTxWIDTH (default: 128x128)', imageSize)
    .option('--channels <which>', '"gray", or the channels to keep, such as 0,2 (default: gray)', channels)
    .addOption(
      new Option('--fit <how>', 'how an image becomes that size (default: stretch)').choices([
        'stretch',
        'pad',
        'centre',
      ]),
    )
    .addOption(new Option('--format <name>', 'how the source is laid out (default: auto)').choices(formats))
    .option('--depth <bits>', 'bits of a stored pixel: auto, 8 or 16 (default: auto)', depth)
    .option('--strict', 'stop at the first image that cannot be read')
    .addOption(
      new Option('--class-from <what>', 'what names the class of an image without a list').choices([
        'folder',
        'prefix',
      ]),
    )
    .option('--group-from <expression>', 'regular expression on the path; its first bracket names the group')
    .option('--classes <names>', 'class names, when the source has only numbers: a,b,c', listOf(String))
    .option('--path-column <name>', 'column of a CSV')
    .option('--label-column <name>', 'column of a CSV')
    .option('--group-column <name>', 'column of a CSV')
    .option('--split-column <name>', 'column of a CSV')
    .option('--truth-column <name>', 'column of a CSV')
    .addHelpText('after', '\nExample:\n  $ brightcell import images --out cells')
    .action((source: string, { out, ...options }: ImportFlags, command: Command) =>
      perform(command, {
        work: async job =>
          (await import('../import/importImages.ts')).importImages(source, out, options, job),
        print: printImport,
        next: () => ['screen', out],
        stopped: () => 'What was imported is kept. Run the same command to go on.',
      }),
    );
}

const formats: ImportFormat[] = ['auto', 'folders', 'csv', 'lists', 'npz'];

type ImportFlags = ImportOptions & { out: string };

function channels(text: string): 'gray' | number[] {
  return text === 'gray' ? 'gray' : listOf(wholeNumber(0, 63))(text);
}

function depth(text: string): 'auto' | 8 | 16 {
  if (text === 'auto') return text;
  if (text === '8' || text === '16') return Number(text) as 8 | 16;
  throw new InvalidArgumentError('It must be auto, 8 or 16.');
}

/** An import as a person reads it. */
export async function printImport(report: ImportReport): Promise<string> {
  const { drawTable } = await import('./table.ts');
  const notes = [
    report.alreadyThere > 0 && `${countOf(report.alreadyThere, 'image')} had been imported before.`,
    report.rescaled > 0 &&
      `${countOf(report.rescaled, 'image')} had another depth and were scaled to ${report.pixelType}.`,
    report.skipped > 0 && `${countOf(report.skipped, 'file')} left out: no images by their names.`,
    ...report.warnings.map(warning => `Warning: ${warning}`),
  ].filter(note => note !== false);
  return [
    `Imported ${countOf(report.added, 'cell')} from ${report.layout} in ${formatDuration(report.durationSeconds)}. ` +
      `${report.dataset} holds ${formatCount(report.cells)}.`,
    ...notes,
    '',
    drawTable(
      ['Class', 'Cells'],
      report.classes.map(({ name, count }) => [name, formatCount(count)]),
    ),
    ...failureLines(report.failed),
    ...(report.failed.count > 0 ? [`All of them: ${join(report.dataset, 'import-failures.csv')}`] : []),
  ].join('\n');
}

/** A readable summary of what could not be read, however much it was. */
export function failureLines(failed: ImportReport['failed']): string[] {
  if (failed.count === 0) return [];
  return [
    '',
    `${countOf(failed.count, 'image')} could not be read:`,
    ...failed.byReason.map(
      ({ reason, count, examples }) =>
        `  ${formatCount(count)} x ${reason}, such as ${examples.slice(0, 3).join(', ')}`,
    ),
  ];
}
