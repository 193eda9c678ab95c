import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type DrawnFigure, writeDrawn } from '../figures/imageSheet.ts';
import { maybeReadProvenance } from '../train/provenance.ts';
import { writeTogether, writeWholeFile } from '../wholeFile.ts';

/** Where an explanation of a model is written: in its run's folder, or in `explain/` here for a model of no run. */
export function placeOf(model: string, name: string): string {
  return existsSync(join(model, 'config.json')) ? join(model, 'explain', name) : join('explain', name);
}

/** The inputs, or, where there are none, the data set that a run was trained on. */
export async function inputsOf(model: string, inputs: readonly string[]): Promise<readonly string[]> {
  if (inputs.length > 0) return inputs;
  const provenance = await maybeReadProvenance(model);
  return provenance ? [provenance.dataset.path] : [];
}

/** The fold that a run held out, where its own data set is explained; otherwise null. */
export async function foldFor(model: string, inputs: readonly string[]): Promise<number | null> {
  const provenance = await maybeReadProvenance(model);
  const own = provenance?.dataset.path;
  if (own === undefined || inputs.some(input => resolve(input) !== resolve(own))) return null;
  const text = await readFile(join(model, 'config.json'), 'utf8').catch(() => '{}');
  const { fold } = JSON.parse(text);
  return Number.isInteger(fold) ? fold : null;
}

/** What an explanation consists of on disk. */
export interface ExplanationFiles {
  /** Name in the folder and content. */
  texts: [name: string, content: string | Uint8Array][];
  figures: DrawnFigure[];
  /** Writes what else there is into a folder. */
  others?: (folder: string) => Promise<unknown>;
}

/**
 * Writes every file or none, and removes figures that an earlier explanation left; gives the paths. Throws `disk-full`;
 * then an earlier explanation stands as it was.
 */
export async function writeExplanation(
  out: string,
  { texts, figures, others }: ExplanationFiles,
): Promise<string[]> {
  const paths = await writeTogether(out, async stage => {
    await others?.(stage);
    await mkdir(join(stage, 'figures'));
    for (const figure of figures) await writeDrawn(join(stage, 'figures'), figure);
    for (const [name, content] of texts) await writeWholeFile(join(stage, name), content);
  });
  const folder = join(out, 'figures');
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(folder))
    if (/\.(svg|png)$/.test(name) && !paths.includes(join(folder, name))) await rm(join(folder, name));
  return paths;
}

/** A word for a file's name: letters, digits and hyphens. */
export function fileWord(words: string): string {
  return (
    words
      .replaceAll(/[^\p{L}\p{N}]+/gu, '-')
      .replaceAll(/^-|-$/g, '')
      .slice(0, 60) || 'class'
  );
}
