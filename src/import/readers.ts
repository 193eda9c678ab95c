import { readdir, stat } from 'node:fs/promises';
import { BrightcellError } from '../errors.ts';
import { isImageName } from './listImages.ts';
import type { ImportFormat, ImportOptions } from './options.ts';
import { invalidSource, isListName, type Reader } from './source.ts';

/** Readers by format name, each loaded when first used. To add a format: a file beside this one, and a line here. */
const readers: Record<Layout, () => Promise<Reader>> = {
  folders: async () => (await import('./folders.ts')).readFolders,
  csv: async () => (await import('./csv.ts')).readCsv,
  lists: async () => (await import('./lists.ts')).readLists,
  npz: async () => (await import('./npz.ts')).readNpz,
};

/**
 * The reader for the format asked for, or for what `source` looks like. Throws `source-invalid`, and
 * `option-invalid` for an option that means nothing to the format.
 */
export async function chooseReader(source: string, options: ImportOptions): Promise<Reader> {
  const found = await stat(source).catch(cause => {
    throw invalidSource(
      `${source} must be a folder, a CSV or an .npz file of images, but it cannot be found.`,
      cause,
    );
  });
  const { format = 'auto' } = options;
  const layout = format === 'auto' ? await detectFormat(source, found.isDirectory()) : format;
  for (const [name, layouts] of Object.entries(ownOptions)) {
    if (options[name as keyof ImportOptions] === undefined || layouts.includes(layout)) continue;
    throw new BrightcellError(
      'option-invalid',
      `The option ${name} must be used with the format ${layouts.join(' or ')}. ${source} is read as ${layout}.`,
    );
  }
  return readers[layout]();
}

type Layout = Exclude<ImportFormat, 'auto'>;

/** Options that only some formats have. */
const ownOptions: Partial<Record<keyof ImportOptions, Layout[]>> = {
  classFrom: ['folders'],
  groupFrom: ['folders', 'csv', 'lists'],
  classes: ['lists', 'npz'],
  pathColumn: ['csv'],
  labelColumn: ['csv'],
  groupColumn: ['csv'],
  splitColumn: ['csv'],
  truthColumn: ['csv'],
};

async function detectFormat(source: string, isFolder: boolean): Promise<Layout> {
  if (!isFolder) {
    if (/\.npz$/i.test(source)) return 'npz';
    if (/\.(csv|tsv)$/i.test(source)) return 'csv';
    throw invalidSource(
      `${source} must be a folder, a .csv or an .npz file${isImageName(source) ? '; for one image give its folder' : ''}.`,
    );
  }
  const names = await readdir(source).catch(cause => {
    throw invalidSource(`${source} must be readable. ${cause.message}`, cause);
  });
  if (names.includes('cells.csv')) return 'csv';
  if (names.some(isListName)) return 'lists';
  return 'folders';
}
