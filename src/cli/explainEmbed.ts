import type { Command } from 'commander';
import { Option } from 'commander';
import type { EmbedReport } from '../explain/embedFiles.ts';
import type { ExplainEmbedOptions } from '../explain/explainEmbed.ts';
import { listOf, realNumber, wholeNumber } from './numbers.ts';
import { perform } from './perform.ts';
import { precisionOption } from './precision.ts';
import { countOf, formatDuration, formatPercent, formatScore } from './text.ts';

/** Adds `brightcell explain embed`. */
export function addEmbed(explain: Command): void {
  explain
    .command('embed')
    .description(
      'How each layer of a model arranges cells, in two dimensions, and how well it tells them apart.',
    )
    .argument('<model>', 'run folder or model folder')
    .argument('[dataset]', 'data set (default: that of the run)')
    .option(
      '--layers <list>',
      'names of layers, all, or steps: what each layer with weights is given (default: steps)',
      layers,
    )
    .option('--cells <n>', 'how many, of each class its share (default: 1000)', wholeNumber(10, 10_000_000))
    .addOption(
      new Option('--part <name>', 'of the split (default: test, or all without a split)').choices([
        'train',
        'validation',
        'test',
        'all',
      ]),
    )
    .addOption(new Option('--method <name>', 'of drawing (default: tsne)').choices(['tsne', 'umap', 'pca']))
    .option('--perplexity <n>', 'of t-SNE (default: 30)', realNumber(1, 1000))
    .option('--iterations <n>', 'of t-SNE (default: 1000)', wholeNumber(1, 1_000_000))
    .option('--neighbours <n>', 'of UMAP (default: 15)', wholeNumber(2, 1000))
    .option('--minimum-distance <d>', 'of UMAP (default: 0.1)', realNumber(0, 2))
    .option('--seed <n>', 'draws the cells (default: 0)', wholeNumber(0, 2 ** 32 - 1))
    .addOption(precisionOption())
    .option('--out <folder>', 'folder for the files (default: explain/embed in the run folder)')
    .addHelpText(
      'after',
      '\nExamples:\n  $ brightcell explain embed runs/first\n' +
        '  $ brightcell explain embed runs/first cells --layers conv1,conv3,dense2 --method umap --cells 20000',
    )
    .action((model: string, dataset: string | undefined, flags: ExplainEmbedOptions, command: Command) =>
      perform(command, {
        work: async job =>
          (await import('../explain/explainEmbed.ts')).explainEmbed(model, dataset, flags, job),
        print: printEmbedding,
        stopped: () => 'No picture was written. Run the same command to start again.',
      }),
    );
}

function layers(text: string): 'all' | 'steps' | string[] {
  return text === 'all' || text === 'steps' ? text : listOf(String)(text);
}

async function printEmbedding(report: EmbedReport): Promise<string> {
  const { drawTable } = await import('./table.ts');
  const rows = report.layers.map(one => [
    one.name,
    one.shape.join(' x '),
    `${one.components} (${formatPercent(one.varianceKept)})`,
    formatScore(one.probe?.accuracy),
    formatScore(one.silhouette),
    formatScore(one.trustworthiness),
    ...(report.method === 'tsne' ? [formatScore(one.divergence)] : []),
  ]);
  const head = ['Layer', 'output', 'components', 'linear probe', 'silhouette', 'trust'];
  return [
    `${countOf(report.cells, 'cell')} of ${report.dataset} in two dimensions`,
    drawTable([...head, ...(report.method === 'tsne' ? ['KL'] : [])], rows),
    'Linear probe: share of held-out cells that a linear classifier of the components names rightly. Silhouette: -1 to 1, classes apart in the components. Trust: how far near cells of the picture are near in truth, to 1.',
    ...report.warnings.map(warning => `Caution: ${warning}`),
    `Made in ${formatDuration(report.seconds)}. Figures, points and numbers: ${report.out}`,
  ].join('\n\n');
}
