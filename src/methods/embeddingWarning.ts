import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dataset } from '../dataset/dataset.ts';
import { maybeReadProvenance } from '../train/provenance.ts';

/**
 * Says when the network of an embedding may have been trained on cells that are validation or test cells here: figures
 * on those would flatter. Empty where network and method are of the same data set, split and fold.
 */
export async function warnOfEmbedding(
  source: string,
  dataset: Dataset,
  fold: number | null,
): Promise<string[]> {
  if (!source.startsWith('embedding:')) return [];
  const run = source.slice('embedding:'.length);
  const provenance = await maybeReadProvenance(run);
  const held = provenance && (await maybeReadFold(run));
  const same = provenance?.dataset.fingerprint === (await dataset.fingerprint()) && held?.fold === fold;
  if (same) return [];
  const why = held ? 'was trained on another data set, split or fold' : 'does not say what it was trained on';
  return [
    `The network ${run} ${why}: cells of the validation and test part may have been trained on, and figures would flatter.`,
  ];
}

/** The fold that a run held out, null for none; undefined where the folder does not say. */
export async function maybeReadFold(run: string): Promise<{ fold: number | null } | undefined> {
  try {
    return { fold: JSON.parse(await readFile(join(run, 'config.json'), 'utf8')).fold ?? null };
  } catch {
    return undefined;
  }
}
