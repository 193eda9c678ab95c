import { resolve } from 'node:path';
import type { SplitName } from '../dataset/format.ts';
import { type Failure, type Source, type SourceImage, sortClasses } from './source.ts';

/** One line of a list of image files. */
export interface ListedImage {
  /** Relative to the list, or absolute. */
  path: string;
  label: string | null;
  group: string | null;
  split: SplitName | null;
  truth: string | null;
}

/** Gathers listed images, keeps each path once and makes a source of them. */
export function createListing(folder: string) {
  const listed = new Map<string, ListedImage>();
  const failures: Failure[] = [];
  let repeated = 0;
  const fail = (source: string, reason: string): void => {
    failures.push({ source, reason });
  };
  const add = (image: ListedImage): void => {
    const path = image.path.replaceAll('\\', '/').replace(/^(\.\/)+/, '');
    const before = listed.get(path);
    if (before === undefined) listed.set(path, { ...image, path });
    else if (before.label !== image.label)
      fail(path, 'listed again with another label; the first one is taken');
    else if (before.split !== image.split)
      fail(path, 'listed again in another split; the first one is taken');
    else repeated++;
  };
  const finish = (extra: { description: string; classes?: string[] }): Source => {
    const labels = new Set<string>();
    for (const { label } of listed.values()) if (label !== null) labels.add(label);
    return {
      description: extra.description,
      classes: extra.classes ?? sortClasses(labels),
      total: listed.size,
      images: () => generate(folder, listed),
      failures,
      skipped: 0,
      warnings: repeated > 0 ? [`${repeated} images are listed more than once; each was taken once.`] : [],
    };
  };
  return { add, fail, finish };
}

function* generate(folder: string, listed: Map<string, ListedImage>): Generator<SourceImage> {
  for (const { path, label, group, split, truth } of listed.values())
    yield { source: path, label, group, split, truth, content: { path: resolve(folder, path) } };
}
