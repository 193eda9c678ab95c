import { type Command, InvalidArgumentError, Option } from 'commander';
import type { SearchFit, SearchOptions, SearchReport } from '../study/search.ts';
import type { SearchSpace } from '../study/searchSpace.ts';
import { wholeNumber } from './numbers.ts';
import { perform } from './perform.ts';
import { addSettings, type SettingValues } from './settings.ts';
import { commandLine, countOf, formatCount, formatDuration, formatPercent, formatScore } from './text.ts';

/** Adds `brightcell study search`. */
export function addSearch(study: Command): void {
  study
    .command('search')
    .description('Settings of a method that do well on the validation part; the test part is never read.')
    .argument('<dataset>', 'data set folder, split by "brightcell split"')
    .option('--method <name>', 'network or method, as "train --model" takes it (default: cellnet)')
    .option('--trials <n>', 'how many settings to try (default: 20)', wholeNumber(1, 100_000))
    .addOption(
      new Option(
        '--way <name>',
        'halving: all on a small budget, the best third on three times that, and so on; random: all in full (default: halving)',
      ).choices(['halving', 'random']),
    )
    .option('--set <name=value>', 'a setting that every trial has; may stand several times', addSettings)
    .option(
      '--range <name=range>',
      'a setting to search, LOW..HIGH or ONE|ANOTHER|...; may stand several times (default: a usual space of the method)',
      addRange,
    )
    .option('--seed <n>', 'the same seed tries the same settings (default: 0)', wholeNumber(0))
    .option('--fold <n>', 'fold of a k-fold split to hold out as the test part', wholeNumber(0))
    .option('--out <folder>', 'folder of the search (default: search); what is finished there is kept')
    .addHelpText(
      'after',
      '\nExample:\n  $ brightcell study search cells --method knn --trials 10 --range k=1..30',
    )
    .action((dataset: string, { set, range, ...options }: SearchFlags, command: Command) =>
      perform(command, {
        work: async job => {
          const { searchSettings } = await import('../study/search.ts');
          return searchSettings(dataset, { ...options, settings: set, space: range }, job);
        },
        print: printSearch,
        next: report => ['train', dataset, '--config', report.config],
        stopped: () =>
          `Fits that were finished are kept in ${options.out ?? 'search'}. Go on with the same command: ` +
          commandLine(...process.argv.slice(2)),
      }),
    );
}

type SearchFlags = Omit<SearchOptions, 'settings' | 'space'> & { set?: SettingValues; range?: SearchSpace };

/** Reads `--range`: "C=0.1..1000", "vote=majority|distance". */
export function addRange(text: string, before: SearchSpace = {}): SearchSpace {
  const [, name, range] = /^\s*([A-Za-z]\w*)=(.+?)\s*$/s.exec(text) ?? [];
  if (name === undefined || range === undefined) {
    throw new InvalidArgumentError('It must be NAME=LOW..HIGH or NAME=ONE|ANOTHER, such as k=1..50.');
  }
  if (Object.hasOwn(before, name)) throw new InvalidArgumentError(`${name} stands twice.`);
  const [low, high, ...more] = range.split('..').map(Number);
  if (range.includes('..') && !range.includes('|')) {
    if (more.length > 0 || !Number.isFinite(low) || !Number.isFinite(high)) {
      throw new InvalidArgumentError(`${name} must go from a number to a number, such as ${name}=1..50.`);
    }
    return { ...before, [name]: { low: low!, high: high! } };
  }
  const values = range.split('|').map(value => addSettings(`${name}=${value}`)[name]);
  return { ...before, [name]: values };
}

/** Trials shown; the files list all. */
const shown = 10;

/** A search as a person reads it. */
export async function printSearch(report: SearchReport): Promise<string> {
  const { drawTable } = await import('./table.ts');
  const { fits, rungs, space, best, method } = report;
  const score = best.validation!;
  const order = lastFits(report);
  const budget = best.epochs === null ? 'cells' : 'epochs';
  const failed = fits.filter(fit => fit.failure !== null);
  const lines = [
    `Searched ${Object.keys(space).join(', ')} of ${method}: ${countOf(rungs[0]!.trials, 'trial')}, ` +
      `${countOf(fits.length, 'fit')}, ${formatCount(report.kept)} of them kept from before, in ${formatDuration(report.seconds)}.`,
    ...(rungs.length > 1 ? [`Budgets: ${rungs.map(inWords).join(', ')}.`] : []),
    '',
    drawTable(
      ['Trial', ...Object.keys(space), budget, 'macro F1', 'accuracy', 'loss'],
      order.slice(0, shown).map(fit => rowOf(fit, space)),
    ),
    ...(order.length > shown
      ? [`and ${formatCount(order.length - shown)} more in ${report.out}/trials.csv`]
      : []),
    '',
    ...(failed.length > 0
      ? [`Failed: ${countOf(failed.length, 'fit')}, the last: ${failed.at(-1)!.failure!.message}`]
      : []),
    ...report.warnings.map(warning => `Warning: ${warning}`),
    `The best, on ${countOf(score.cells, 'validation cell')}: macro F1 ${formatScore(score.macroF1)}. It was chosen on these cells ` +
      'and looks better there than it is; the test part, which was not read, will say.',
    `Every trial: ${report.out}/trials.csv`,
  ];
  return lines.join('\n');
}

/** The last fit of each trial that has one: those in full first, best first. */
function lastFits({ fits }: SearchReport): SearchFit[] {
  const last = new Map(fits.filter(fit => fit.validation !== null).map(fit => [fit.trial, fit]));
  const budget = ({ epochs, cells }: SearchFit) => epochs ?? cells;
  return [...last.values()].sort(
    (a, b) =>
      budget(b) - budget(a) ||
      b.validation!.macroF1 - a.validation!.macroF1 ||
      a.validation!.loss - b.validation!.loss,
  );
}

function inWords({ trials, share }: SearchReport['rungs'][number]): string {
  return `${countOf(trials, 'trial')} with ${share === 1 ? 'all' : formatPercent(share)}`;
}

function rowOf(
  { trial, settings, cells, epochs, validation }: SearchFit,
  space: SearchSpace,
): (string | number)[] {
  const drawn = Object.keys(space).map(name => asText(settings[name]));
  const { macroF1, accuracy, loss } = validation!;
  return [
    trial,
    ...drawn,
    epochs ?? formatCount(cells),
    formatScore(macroF1),
    formatPercent(accuracy),
    formatScore(loss),
  ];
}

function asText(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
