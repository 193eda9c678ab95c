import type { Command } from 'commander';
import { addEmbed } from './explainEmbed.ts';
import { addFilters } from './explainFilters.ts';
import { addOcclusion } from './explainOcclusion.ts';

/** Adds `brightcell explain` and what it explains. */
export function addExplain(program: Command): void {
  const explain = program
    .command('explain')
    .description('Pictures and numbers of what a model has learnt.')
    .addHelpText('after', '\nExample:\n  $ brightcell explain occlusion runs/first cells');
  addFilters(explain);
  addOcclusion(explain);
  addEmbed(explain);
}
