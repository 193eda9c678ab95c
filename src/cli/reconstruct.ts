import type { Command } from 'commander';
import type { ReconstructReport } from '../classifiers/reconstruct.ts';
import type { Precision } from '../engine/precision.ts';
import { wholeNumber } from './numbers.ts';
import { perform } from './perform.ts';
import { precisionOption } from './precision.ts';
import { countOf } from './text.ts';

/** Adds `brightcell reconstruct`. */
export function addReconstruct(program: Command): void {
  program
    .command('reconstruct')
    .description('Show what a network with a decoder (liu2017) makes of images, beside the images.')
    .argument('<model>', 'run folder or model folder')
    .argument('<images...>', 'image files, folders of them, or a data set')
    .requiredOption('--out <file>', 'PNG file to write: images above, reconstructions below')
    .option('--images <n>', 'how many, spread evenly over those given (default: 8)', wholeNumber(1, 1000))
    .addOption(precisionOption())
    .addHelpText('after', '\nExample:\n  $ brightcell reconstruct runs/liu cells --out reconstructions.png')
    .action((model: string, images: string[], flags: ReconstructFlags, command: Command) =>
      perform(command, {
        work: async job =>
          (await import('../classifiers/reconstruct.ts')).reconstruct(model, images, flags, job),
        print: printReconstruction,
        stopped: () => 'No file was written. Run the same command to start again.',
      }),
    );
}

interface ReconstructFlags {
  out: string;
  images?: number;
  precision?: Precision;
}

function printReconstruction({ out, meanSquaredErrors }: ReconstructReport): string {
  const mean = meanSquaredErrors.reduce((sum, one) => sum + one) / meanSquaredErrors.length;
  return (
    `${countOf(meanSquaredErrors.length, 'image')} and what the network makes of them: ${out}\n` +
    `Mean squared error ${mean.toFixed(3)}, of images normalised as the network sees them.`
  );
}
