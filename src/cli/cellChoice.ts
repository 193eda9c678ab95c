import { type Command, Option } from 'commander';
import { listOf, wholeNumber } from './numbers.ts';

/** Adds the options that say which cells to explain. */
export function addChoice(command: Command, perClass = 4): Command {
  return command
    .option('--ids <list>', 'exactly these cells of the data set', listOf(wholeNumber(0)))
    .option('--classes <list>', 'only these classes', listOf(String))
    .option('--source <text>', 'only cells whose path has this in it')
    .option('--per-class <n>', `cells of each class (default: ${perClass})`, wholeNumber(1, 10_000))
    .addOption(
      new Option('--split <part>', 'part of the data set (default: test, where there is one)').choices([
        'train',
        'validation',
        'test',
      ]),
    )
    .option('--seed <n>', 'draws the cells (default: 0)', wholeNumber(0, 2 ** 32 - 1));
}
