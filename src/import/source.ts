import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SplitName } from '../dataset/format.ts';
import type { RawImage } from '../engine/prepare.ts';
import { BrightcellError } from '../errors.ts';
import type { ImportOptions } from './options.ts';

/** One image of a source: a file to decode (each of its pages a cell), or pixels that the reader has decoded. */
export interface SourceImage {
  /** Names the image within the source: its path with forward slashes, relative to the source. */
  source: string;
  /** Class name; null is unlabelled. */
  label: string | null;
  group: string | null;
  split: SplitName | null;
  truth: string | null;
  /** File to decode, or what was decoded. */
  content: { path: string } | { raw: RawImage; frame: number };
}

/** An image that could not be taken, and why. */
export interface Failure {
  source: string;
  reason: string;
}

/** What a reader makes of a source. */
export interface Source {
  /** How it was read, in words for the report. */
  description: string;
  /** In the order in which labels are given. */
  classes: string[];
  /** How many `images` gives, where that is known before. */
  total?: number;
  /** From the first on, in a fixed order: the same source gives the same images in the same order. */
  images: () => Iterable<SourceImage> | AsyncIterable<SourceImage>;
  /** What the listing itself found wrong. */
  failures: Failure[];
  /** Files that are no images by their name. */
  skipped: number;
  warnings: string[];
  close?: () => void;
}

/** Reads one layout of images. `path` exists. Throws `source-invalid`. */
export type Reader = (path: string, options: ImportOptions) => Promise<Source>;

const splitWords: Record<string, SplitName> = {
  train: 'train',
  training: 'train',
  val: 'validation',
  valid: 'validation',
  validation: 'validation',
  test: 'test',
};

/** The split that a folder's or a column's word means; undefined for any other word. */
export function maybeSplit(word: string): SplitName | undefined {
  const key = word.trim().toLowerCase();
  return Object.hasOwn(splitWords, key) ? splitWords[key] : undefined;
}

/** Unlike names, numbers stand in the order of their values. */
export function sortClasses(names: Iterable<string>): string[] {
  const all = [...new Set(names)];
  const numeric = all.every(name => /^\d{1,9}$/.test(name));
  return all.sort((a, b) => (numeric ? Number(a) - Number(b) : a < b ? -1 : a > b ? 1 : 0));
}

/** The group of an image: what the first bracket of the expression matches in its path, or the whole match. */
export function groupBy(expression: RegExp | undefined): (source: string) => string | null {
  if (expression === undefined) return () => null;
  return source => {
    const match = expression.exec(source);
    return match === null ? null : (match[1] ?? match[0]);
  };
}

/** The list files of the paper's public data set, in either spelling. */
export function isListName(name: string): boolean {
  return /^(train|valid|val|test)\.txt$/i.test(name);
}

/** The file of a source that may also be given as the folder that holds it under its usual name. */
export async function fileIn(source: string, name: string): Promise<string> {
  const isFolder = (await stat(source)).isDirectory();
  const file = isFolder ? join(source, name) : source;
  await stat(file).catch(cause => {
    throw invalidSource(`${source} must hold a file ${name}, but there is none.`, cause);
  });
  return file;
}

export function invalidSource(message: string, cause?: unknown): BrightcellError {
  return new BrightcellError('source-invalid', message, { cause });
}
