import { readdir, stat } from 'node:fs/promises';
import { isImageName } from './listImages.ts';
import type { ImportFormat } from './options.ts';
import { invalidSource, isListName, type Reader } from './source.ts';

/** Readers by format name, each loaded when first used. To add a format: a file beside this one, and a line here. */
const readers: Record<Exclude<ImportFormat, 'auto'>, () => Promise<Reader>> = {
  folders: async () => (await import('./folders.ts')).readFolders,
  csv: async () => (await import('./csv.ts')).readCsv,
  lists: async () => (await import('./lists.ts')).readLists,
  npz: async () => (await import('./npz.ts')).readNpz,
};

/** The reader for `format`, or for what `source` looks like. Throws `source-invalid`. */
export async function chooseReader(source: string, format: ImportFormat): Promise<Reader> {
  const found = await stat(source).catch(cause => {
    throw invalidSource(
      `${source} must be a folder, a CSV or an .npz file of images, but it cannot be found.`,
      cause,
    );
  });
  return readers[format === 'auto' ? await detectFormat(source, found.isDirectory()) : format]();
}

async function detectFormat(source: string, isFolder: boolean): Promise<Exclude<ImportFormat, 'auto'>> {
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
