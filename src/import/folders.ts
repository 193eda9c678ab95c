import { join } from 'node:path';
import { type ImageListing, listImages } from './listImages.ts';
import type { ImportOptions } from './options.ts';
import { groupBy, invalidSource, maybeSplit, type Source, sortClasses } from './source.ts';

/**
 * Class folders, `root/<class>/...`, with folders of any depth inside, optionally under train, val and test.
 * Where images lie in the root and no folder holds any, a class is what stands in a file's name before its last
 * `_` and number (`THP1_02.jpg`), if every name is of that form.
 */
export async function readFolders(root: string, options: ImportOptions): Promise<Source> {
  const listing = await listImages(root).catch(cause => {
    throw invalidSource(`${root} must be a readable folder. ${cause.message}`, cause);
  });
  if (listing.images.length === 0) throw noImages(root, listing);
  const layout = findLayout(root, listing, options.classFrom);
  const groupOf = groupBy(options.groupFrom === undefined ? undefined : new RegExp(options.groupFrom, 'u'));
  return {
    description: layout.description,
    classes: sortClasses(layout.images.map(layout.classOf)),
    total: layout.images.length,
    images: () =>
      generate(layout.images, path => ({
        source: path,
        label: layout.classOf(path),
        group: groupOf(path),
        split: layout.withSplits ? (maybeSplit(parts(path)[0]!) ?? null) : null,
        truth: null,
        content: { path: join(root, path) },
      })),
    failures: [...listing.failures, ...layout.outside],
    skipped: listing.skipped,
    warnings: layout.warnings,
  };
}

interface Layout {
  description: string;
  images: string[];
  outside: { source: string; reason: string }[];
  withSplits: boolean;
  classOf: (path: string) => string;
  warnings: string[];
}

function findLayout(root: string, listing: ImageListing, classFrom: 'folder' | 'prefix' | undefined): Layout {
  const flat = listing.images.every(path => parts(path).length === 1);
  if (classFrom === 'prefix' || (classFrom === undefined && flat))
    return prefixLayout(root, listing.images, classFrom);
  if (flat)
    throw invalidSource(
      `${root} must hold a folder for each class, but its ${listing.images.length} images lie in it directly. ` +
        'Sort them into folders, or list them in a CSV file with the columns path and label.',
    );
  const inFolders = listing.images.filter(path => parts(path).length > 1);
  const withSplits = looksSplit(inFolders);
  const depth = withSplits ? 1 : 0;
  const images = inFolders.filter(path => parts(path).length > depth + 1);
  const taken = new Set(images);
  return {
    description: withSplits ? 'class folders under split folders' : 'class folders',
    images,
    outside: listing.images
      .filter(path => !taken.has(path))
      .map(source => ({ source, reason: 'lies outside the class folders' })),
    withSplits,
    classOf: path => parts(path)[depth]!.normalize('NFC'),
    warnings: [],
  };
}

function prefixLayout(root: string, images: string[], classFrom: 'prefix' | undefined): Layout {
  const named = images.filter(path => maybePrefix(path) !== undefined);
  if (classFrom === undefined && named.length < images.length)
    throw invalidSource(
      `${root} must hold a folder for each class, or images whose names are all a class, "_" and a number ` +
        `(THP1_02.jpg). Received ${images.length - named.length} other names, such as ` +
        `${images.find(path => maybePrefix(path) === undefined)}. ` +
        'Sort the images into folders, or list them in a CSV file with the columns path and label.',
    );
  if (named.length === 0)
    throw invalidSource(
      `${root} must hold images named with a class, "_" and a number (THP1_02.jpg), but holds none.`,
    );
  const taken = new Set(named);
  return {
    description: 'images whose names begin with their class',
    images: named,
    outside: images
      .filter(path => !taken.has(path))
      .map(source => ({ source, reason: 'name is not a class, "_" and a number' })),
    withSplits: false,
    classOf: path => maybePrefix(path)!,
    warnings:
      classFrom === undefined
        ? [
            'The images lie in one folder; their classes were taken from what stands in each name before "_" and a number.',
          ]
        : [],
  };
}

/** What stands before the last `_` and number of a file's name. */
function maybePrefix(path: string): string | undefined {
  return /^(.+)_\d+\.[^.]+$/.exec(parts(path).at(-1)!)?.[1]?.normalize('NFC');
}

/** Every folder of the root is named for a split, one of them train, and they hold folders. */
function looksSplit(images: string[]): boolean {
  const tops = new Set(images.map(path => parts(path)[0]!));
  const splits = [...tops].map(maybeSplit);
  const deep = images.some(path => parts(path).length > 2);
  return deep && splits.every(split => split !== undefined) && splits.includes('train');
}

function parts(path: string): string[] {
  return path.split('/');
}

function* generate<T, R>(items: T[], make: (item: T) => R): Generator<R> {
  for (const item of items) yield make(item);
}

function noImages(root: string, listing: ImageListing): Error {
  const others = listing.skipped > 0 ? `; its ${listing.skipped} files are of other kinds` : '; it is empty';
  const trouble = listing.failures[0];
  return invalidSource(
    `${root} must hold PNG, JPEG, TIFF, WebP or BMP images, but holds none${others}` +
      `${trouble ? ` (${trouble.source}: ${trouble.reason})` : ''}. Check the path.`,
  );
}
