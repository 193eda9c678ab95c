import { once } from 'node:events';
import { type Command, Option } from 'commander';
import type { ClassifyReport, Prediction } from '../classifiers/classify.ts';
import type { Precision } from '../engine/precision.ts';
import { BrightcellError } from '../errors.ts';
import { failureLines } from './import.ts';
import { realNumber } from './numbers.ts';
import { type CommonOptions, perform } from './perform.ts';
import { precisionOption } from './precision.ts';
import { countOf, formatCount, formatDuration, formatPercent } from './text.ts';

/** Adds `brightcell classify`. */
export function addClassify(program: Command): void {
  program
    .command('classify')
    .description('Class and probabilities of images that a model has never seen.')
    .argument('<model>', 'run folder or model folder')
    .argument('<images...>', 'image files, folders of them, or a data set')
    .option('--out <file>', 'write predictions to a file: .csv, .jsonl or .parquet')
    .addOption(
      new Option('--format <name>', 'format of --out, when its ending does not say').choices([
        'csv',
        'jsonl',
        'parquet',
      ]),
    )
    .option(
      '--unknown <share>',
      'say which images are of none of the classes; so large a share of known ones may be lost, such as 0.05',
      share,
    )
    .option('--coverage <share>', 'sets of classes that hold the true one so often, such as 0.95', share)
    .option('--coverage-by-class', 'so often for the images of each class')
    .addOption(
      new Option('--sets <kind>', 'what sets are like (default: least-ambiguous)').choices([
        'least-ambiguous',
        'adaptive',
      ]),
    )
    .addOption(precisionOption())
    .option('--strict', 'stop at the first image that cannot be read')
    .addHelpText(
      'after',
      '\nExamples:\n  $ brightcell classify runs/first new-images --out predictions.csv\n' +
        '  $ brightcell classify runs/first new-images --unknown 0.05 --coverage 0.95 --out predictions.csv',
    )
    .action((model: string, images: string[], flags: ClassifyFlags, command: Command) => {
      if (flags.format && flags.out === undefined) {
        throw new BrightcellError('option-invalid', '--format must go with --out FILE, whose format it is.');
      }
      const show = predictionSink(command.optsWithGlobals<ClassifyFlags>());
      return perform(command, {
        work: async job => {
          const { classify } = await import('../classifiers/classify.ts');
          const options = { ...flags, sets: flags.sets && setKinds[flags.sets], onPredictions: show.take };
          const report = await classify(model, images, options, job);
          return { ...report, ...(show.kept ? { predictions: show.kept } : {}) };
        },
        print: printClassification,
        stopped: () => 'No file was written. Run the same command to start again.',
      });
    });
}

interface ClassifyFlags extends CommonOptions {
  out?: string;
  format?: 'csv' | 'jsonl' | 'parquet';
  unknown?: number;
  coverage?: number;
  coverageByClass?: boolean;
  sets?: keyof typeof setKinds;
  precision?: Precision;
  strict?: boolean;
}

/** As the library calls them. */
const setKinds = { 'least-ambiguous': 'leastAmbiguous', adaptive: 'adaptive' } as const;

/** A number between 0 and 1; the library refuses the ends. */
const share = realNumber(0, 1, { open: 'both' });

/** Without --out, predictions go to the terminal as they come, or into the JSON object. */
function predictionSink({ out, json }: ClassifyFlags) {
  if (out !== undefined) return { take: undefined, kept: undefined };
  if (json) {
    const kept: Prediction[] = [];
    return { take: (predictions: Prediction[]) => void kept.push(...predictions), kept };
  }
  const take = async (predictions: Prediction[]) => {
    const lines = predictions.map(
      ({ className, probabilities, class: best, source, frame, unknown, set }) =>
        `${(unknown ? 'none of these' : className).padEnd(14)} ${formatPercent(probabilities[best]).padStart(7)}  ` +
        `${source}${frame > 0 ? ` page ${frame + 1}` : ''}${set ? `  {${set.join(', ')}}` : ''}`,
    );
    if (!process.stdout.write(`${lines.join('\n')}\n`)) await once(process.stdout, 'drain');
  };
  return { take, kept: undefined };
}

async function printClassification(report: ClassifyReport): Promise<string> {
  const { drawTable } = await import('./table.ts');
  const rows = report.classes.map((name, index) => [
    name,
    formatCount(report.perClass[index]!),
    formatPercent(report.perClass[index]! / Math.max(1, report.classified)),
  ]);
  if (report.unknown) {
    const { images } = report.unknown;
    const ofAll = formatPercent(images / Math.max(1, report.classified));
    rows.push(['(none of these)', formatCount(images), ofAll]);
  }
  const lines = [
    `Classified ${countOf(report.classified, 'image')} in ${formatDuration(report.seconds)}.`,
    '',
    drawTable(['Class', 'Images', 'Share'], rows),
  ];
  if (report.sets) {
    const { meanSize, empty } = report.sets;
    lines.push(
      '',
      `Prediction sets hold ${meanSize.toFixed(2)} classes in the mean; ${countOf(empty, 'set')} empty.`,
    );
  }
  lines.push(...failureLines(report.failed), ...report.warnings.map(warning => `Warning: ${warning}`));
  if (report.out) lines.push('', `Predictions: ${report.out}`);
  return lines.join('\n');
}
