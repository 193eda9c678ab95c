import { type Command, Option } from 'commander';
import type { ImageShape } from '../engine/imageSet.ts';
import type { Precision } from '../engine/precision.ts';
import type { BlockSpeed, NetworkSpeed } from '../study/networkSpeed.ts';
import { imageSize, wholeNumber } from './numbers.ts';
import { perform } from './perform.ts';
import { formatCount } from './text.ts';

/** Adds `brightcell bench`. */
export function addBench(program: Command): void {
  program
    .command('bench')
    .description('How fast this machine trains and classifies with a network, and where the time goes.')
    .option(
      '--network <name>',
      'cellnet, cellnet-table1, gao2017, liu2017, oei2019, or the path of a JSON file',
      'cellnet',
    )
    .option('--batch <n>', 'images in a batch', wholeNumber(1, 100_000), 256)
    .addOption(
      new Option('--precision <name>', 'of the products').choices(['float32', 'bfloat16']).default('float32'),
    )
    .option('--size <HxW>', 'height and width of the images', imageSize, [128, 128] as [number, number])
    .option('--classes <n>', 'classes to tell apart', wholeNumber(2, 10_000), 4)
    .option('--layers', 'show each layer: how it is computed, its time and its share of the peak')
    .addHelpText('after', '\nExample:\n  $ brightcell bench --network cellnet --layers')
    .action((flags: BenchFlags, command: Command) =>
      perform(command, {
        work: async job => {
          const { buildNetwork } = await import('../models/registry.ts');
          const { measureNetworkSpeed } = await import('../study/networkSpeed.ts');
          const [height, width] = flags.size;
          const input = { channels: 1, height, width } as ImageShape;
          const spec = await buildNetwork(flags.network, input, flags.classes);
          return measureNetworkSpeed(spec, { ...flags, layers: flags.layers ?? false }, job);
        },
        print: printSpeed,
      }),
    );
}

interface BenchFlags {
  network: string;
  batch: number;
  precision: Precision;
  size: [number, number];
  classes: number;
  layers?: boolean;
}

/** The speed as a person reads it. */
async function printSpeed(speed: NetworkSpeed): Promise<string> {
  const rate = (name: string, imagesPerSecond: number) =>
    `${name.padEnd(9)}${formatCount(Math.round(imagesPerSecond)).padStart(9)} images/s`;
  const lines = [
    `${speed.network}, ${speed.precision}, batch ${speed.batch}, ${speed.threads} threads, ${speed.instructionSet}, ` +
      `${millions(speed.multiplyAdds)} million multiply-adds an image`,
    rate('train', speed.trainImagesPerSecond),
    rate('classify', speed.classifyImagesPerSecond),
  ];
  if (!speed.blocks || !speed.peak) return lines.join('\n');
  const { drawTable } = await import('./table.ts');
  const { float32, bfloat16 } = speed.peak;
  const head = ['layers', 'pass', 'computed by', 'ms an image', 'million multiply-adds', 'share of peak'];
  return [
    ...lines,
    '',
    drawTable(head, speed.blocks.map(blockCells), [0, 1, 2]),
    '',
    `Peak: ${billions(float32)} billion multiply-adds a second in float32` +
      (bfloat16 > 0 ? `, ${billions(bfloat16)} in bfloat16.` : '.'),
    'Multiply-adds are those of the direct form; a share above 100 % makes fewer.',
  ].join('\n');
}

function blockCells({ name, pass, way, milliseconds, multiplyAdds, shareOfPeak }: BlockSpeed): string[] {
  return [
    pass === 'forward' ? name : '',
    pass,
    way,
    milliseconds.toFixed(4),
    multiplyAdds > 0 ? millions(multiplyAdds) : '',
    multiplyAdds > 0 ? `${(100 * shareOfPeak).toFixed(0)} %` : '',
  ];
}

function millions(count: number): string {
  return (count / 1e6).toFixed(1);
}

function billions(count: number): string {
  return (count / 1e9).toFixed(0);
}
