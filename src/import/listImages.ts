import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Failure } from './source.ts';

const endings = /\.(png|jpe?g|jpe|tiff?|webp|bmp)$/i;

/** Whether a file is an image that `openImage` may read, going by its name. */
export function isImageName(name: string): boolean {
  return endings.test(name);
}

export interface ImageListing {
  /** Paths relative to the folder, with forward slashes, in a fixed order. */
  images: string[];
  /** Files that are no images by their name; hidden ones are not counted. */
  skipped: number;
  /** Folders that could not be read, and links that lead in a circle or nowhere. */
  failures: Failure[];
}

/** Every image of a folder and the folders in it. Hidden files and folders are left out; links are followed. */
export async function listImages(folder: string): Promise<ImageListing> {
  const listing: ImageListing = { images: [], skipped: 0, failures: [] };
  await listInto(listing, folder, '', [await realpath(folder)]);
  return listing;
}

async function listInto(
  listing: ImageListing,
  folder: string,
  inner: string,
  above: string[],
): Promise<void> {
  const entries = await readdir(join(folder, inner), { withFileTypes: true }).catch(error => {
    listing.failures.push({ source: inner || '.', reason: `folder cannot be read (${error.code})` });
    return [] as Dirent[];
  });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    if (entry.name.startsWith('.') || entry.name === '__MACOSX') continue;
    const source = inner === '' ? entry.name : `${inner}/${entry.name}`;
    const kind = entry.isSymbolicLink() ? await kindOfLink(join(folder, source)) : kindOf(entry);
    if (kind === 'file' && isImageName(entry.name)) listing.images.push(source);
    else if (kind === 'folder') await enter(listing, folder, source, above);
    else if (kind === 'broken') listing.failures.push({ source, reason: 'link leads nowhere' });
    else listing.skipped++;
  }
}

async function enter(listing: ImageListing, folder: string, source: string, above: string[]): Promise<void> {
  const real = await realpath(join(folder, source));
  if (above.includes(real)) listing.failures.push({ source, reason: 'link leads back to a folder above it' });
  else await listInto(listing, folder, source, [...above, real]);
}

function kindOf(entry: { isFile(): boolean; isDirectory(): boolean }): 'file' | 'folder' | 'other' {
  return entry.isFile() ? 'file' : entry.isDirectory() ? 'folder' : 'other';
}

async function kindOfLink(path: string): Promise<'file' | 'folder' | 'other' | 'broken'> {
  try {
    return kindOf(await stat(path));
  } catch {
    return 'broken';
  }
}
