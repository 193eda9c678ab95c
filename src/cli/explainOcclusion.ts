import { type Command, Option } from 'commander';
import type { ExplainOcclusionOptions } from '../explain/explainOcclusion.ts';
import type { OcclusionReport } from '../explain/occlusionFiles.ts';
import { addChoice } from './cellChoice.ts';
import { wholeNumber } from './numbers.ts';
import { perform } from './perform.ts';
import { countOf, formatDuration, formatPercent, formatScore } from './text.ts';

/** Adds `brightcell explain occlusion`. */
export function addOcclusion(explain: Command): void {
  addChoice(
    explain
      .command('occlusion')
      .description('Which parts of cells a model of any kind looks at: a mask slides over each.')
      .argument('<model>', 'run folder or model folder')
      .argument('[images...]', 'data set, image files or folders (default: the data set of the run)'),
  )
    .addOption(
      new Option('--outcome <which>', 'only cells that the model names so').choices(['right', 'wrong']),
    )
    .option(
      '--mask <pixels>',
      'side of the mask (default: an eighth of the longer side)',
      wholeNumber(1, 4096),
    )
    .option('--stride <pixels>', 'finest step of the mask (default: 1)', wholeNumber(1, 4096))
    .addOption(
      new Option('--fill <name>', 'what the mask is filled with (default: mean)').choices([
        'mean',
        'border',
        'blur',
        'noise',
      ]),
    )
    .option('--positions <n>', 'most positions measured in a cell (default: 600)', wholeNumber(1, 1e6))
    .option('--full', 'measure every position, instead of only where the map changes')
    .option('--layer <name>', 'convolution that Grad-CAM looks at: conv1, conv2 ... (default: the last)')
    .option('--steps <n>', 'of integrated gradients (default: 32)', wholeNumber(1, 10_000))
    .addOption(
      new Option('--baseline <name>', 'of integrated gradients (default: mean)').choices(['mean', 'blur']),
    )
    .option('--sanity-cells <n>', 'cells in the check with random weights (default: 4)', wholeNumber(0, 1000))
    .option('--no-gradients', 'occlusion alone, without Grad-CAM and integrated gradients')
    .option('--out <folder>', 'folder for the files (default: explain/occlusion in the run folder)')
    .addHelpText(
      'after',
      '\nExample:\n  $ brightcell explain occlusion runs/first cells --per-class 8 --fill blur',
    )
    .action((model: string, images: string[], { full, ...flags }: OcclusionFlags, command: Command) =>
      perform(command, {
        work: async job =>
          (await import('../explain/explainOcclusion.ts')).explainOcclusion(
            model,
            images,
            { ...flags, ...(full && { positions: 'full' as const }) },
            job,
          ),
        print: printOcclusion,
        stopped: () => 'No file was written. Run the same command to start again.',
      }),
    );
}

type OcclusionFlags = ExplainOcclusionOptions & { full?: boolean };

async function printOcclusion(report: OcclusionReport): Promise<string> {
  const { drawTable } = await import('./table.ts');
  const { settings, cells, perClass, warnings, out, seconds } = report;
  const rows = perClass.map(({ name, cells: count, regions: { inside, edge, background } }) => [
    name,
    count,
    ...[inside, edge, background].flatMap(({ share, meanDrop }) => [
      formatPercent(share),
      formatScore(meanDrop),
    ]),
  ]);
  const head = ['Class', 'cells', 'inside', 'mean fall', 'edge', 'mean fall', 'background', 'mean fall'];
  const measured = cells.reduce((sum, one) => sum + one.measured, 0);
  const positions = cells.reduce((sum, one) => sum + one.positions, 0);
  return [
    `How far the probability of the class falls where a mask of ${settings.mask} x ${settings.mask} pixels hides the cell`,
    drawTable(head, rows),
    'Share of the fall with the mask wholly inside the cell, on its edge, wholly on the background; and its mean there.',
    ...describeSanity(report),
    ...warnings.map(warning => `Caution: ${warning}`),
    `${countOf(cells.length, 'cell')} in ${formatDuration(seconds)}, ${measured.toLocaleString('en-US')} of ${countOf(positions, 'position')} measured. Figures and numbers: ${out}`,
  ].join('\n\n');
}

/** How alike the maps are with all weights random, and how well integrated gradients add up. */
function describeSanity({ attributions, cells }: OcclusionReport): string[] {
  const last = attributions?.sanity.at(-1);
  const errors = cells.flatMap(one => one.integratedGradients?.completenessError ?? []).sort((a, b) => a - b);
  const [gradCam, integrated] = [last?.gradCam, last?.integratedGradients].map(one =>
    formatScore(one?.rankCorrelation),
  );
  return [
    ...(last
      ? [
          `With random weights the maps should be others. Rank correlation with the trained network's: Grad-CAM ${gradCam}, integrated gradients ${integrated} (with signs ${formatScore(last.integratedGradients.signedRankCorrelation)}).`,
        ]
      : []),
    ...(errors.length > 0
      ? [
          `Integrated gradients add up to the change of the logit within ${formatPercent(errors[errors.length >> 1])} (median), ${formatPercent(errors.at(-1))} at worst.`,
        ]
      : []),
  ];
}
