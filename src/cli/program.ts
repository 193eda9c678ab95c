import { Command } from 'commander';
import { version } from '../version.ts';
import { addAudit } from './audit.ts';
import { addBench } from './bench.ts';
import { addClassify } from './classify.ts';
import { addCompare } from './compare.ts';
import { addDemo } from './demo.ts';
import { addEvaluate } from './evaluate.ts';
import { addExplain } from './explain.ts';
import { addFeatures } from './features.ts';
import { addImport } from './import.ts';
import { wholeNumber } from './numbers.ts';
import { addReconstruct } from './reconstruct.ts';
import { addReport } from './report.ts';
import { addReproduce } from './reproduce.ts';
import { addScreen } from './screen.ts';
import { addSimulate } from './simulate.ts';
import { addSplit } from './split.ts';
import { addStudy } from './study.ts';
import { addTrain } from './train.ts';

/** The command line, ready to parse. What a command needs of the library is loaded when it runs. */
export function createProgram(): Command {
  const program = new Command('brightcell')
    .description('Classify single-cell images at large scale, on the machine that you have.')
    .version(version(), '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .option('--threads <n>', 'threads to use (default: one a processor core)', wholeNumber(1, 1024))
    .option('--json', 'print one JSON object instead of text, and no progress')
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .addHelpText(
      'after',
      '\nStart with:\n  $ brightcell demo\n\nBRIGHTCELL_DEBUG=1 shows where an error arose.',
    );
  for (const add of [
    addImport,
    addSimulate,
    addScreen,
    addSplit,
    addFeatures,
    addTrain,
    addEvaluate,
    addClassify,
    addReconstruct,
    addExplain,
    addCompare,
    addStudy,
    addAudit,
    addReport,
    addReproduce,
    addDemo,
    addBench,
  ]) {
    add(program);
  }
  return program;
}
