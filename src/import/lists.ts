import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BrightcellError } from '../errors.ts';
import { createListing } from './listing.ts';
import type { ImportOptions } from './options.ts';
import { groupBy, invalidSource, isListName, maybeSplit, type Source } from './source.ts';

/**
 * The list files of the paper's public data set: `Train.txt`, `Valid.txt` (or `val.txt`) and `Test.txt` in either
 * spelling, each line a path relative to the folder and a label; `labels.txt`, each line a name and its number.
 * A label is a number or a name.
 */
export async function readLists(folder: string, options: ImportOptions): Promise<Source> {
  const names = await readdir(folder).catch(cause => {
    throw invalidSource(`${folder} must be a readable folder of list files. ${cause.message}`, cause);
  });
  const files = names.filter(isListName).sort((a, b) => order(a) - order(b));
  if (files.length === 0)
    throw invalidSource(`${folder} must hold Train.txt, Valid.txt or Test.txt, but holds none of them.`);
  const twice = files.find((file, i) => i > 0 && order(files[i - 1]!) === order(file));
  if (twice !== undefined)
    throw invalidSource(`${folder} must hold one list a split. Received ${files.join(', ')}. Remove one.`);
  const labels = await readLabels(folder, names, options);
  const groupOf = groupBy(options.groupFrom === undefined ? undefined : new RegExp(options.groupFrom, 'u'));
  const listing = createListing(folder);
  for (const file of files) {
    for (const { line, number } of await readLines(join(folder, file))) {
      const match = /^(.*\S)\s+(\S+)$/.exec(line);
      if (match === null) {
        listing.fail(`line ${number} of ${file}`, 'the line is not a path and a label');
        continue;
      }
      const [, path, word] = match as unknown as [string, string, string];
      const label = labels.nameOf(word);
      if (label === undefined) listing.fail(path, `label "${word}" is not in labels.txt`);
      else listing.add({ path, label, group: groupOf(path), split: splitOf(file), truth: null });
    }
  }
  return listing.finish({ description: `list files ${files.join(', ')}`, ...labels.classes });
}

interface Labels {
  nameOf: (word: string) => string | undefined;
  /** The order of classes where the files or the user give it. */
  classes: { classes?: string[] };
}

async function readLabels(folder: string, names: string[], options: ImportOptions): Promise<Labels> {
  const file = names.find(name => name.toLowerCase() === 'labels.txt');
  if (file === undefined) {
    const given = options.classes;
    if (given === undefined) return { nameOf: word => word, classes: {} };
    return {
      nameOf: word => (given.includes(word) ? word : given[Number(word)]),
      classes: { classes: given },
    };
  }
  if (options.classes !== undefined)
    throw new BrightcellError(
      'option-invalid',
      `Class names must come from labels.txt or from the option, not both.`,
    );
  const byWord = new Map<string, string>();
  const numbered: [number: number, name: string][] = [];
  for (const { line, number } of await readLines(join(folder, file))) {
    const match = /^(.*\S)\s+(\d+)$/.exec(line);
    const name = (match?.[1] ?? line).normalize('NFC');
    const index = match === null ? number - 1 : Number(match[2]);
    numbered.push([index, name]);
    byWord.set(String(index), name);
  }
  for (const [, name] of numbered) byWord.set(name, name);
  numbered.sort((a, b) => a[0] - b[0]);
  const classes = [...new Set(numbered.map(([, name]) => name))];
  if (classes.length === 0) throw invalidSource(`${join(folder, file)} must name the classes, but is empty.`);
  return { nameOf: word => byWord.get(word), classes: { classes } };
}

async function readLines(path: string): Promise<{ line: string; number: number }[]> {
  const text = (await readFile(path, 'utf8')).replace(/^\uFEFF/, '');
  const lines = text.split(/\r?\n/).map((line, i) => ({ line: line.trim(), number: i + 1 }));
  return lines.filter(({ line }) => line !== '');
}

function splitOf(file: string) {
  return maybeSplit(file.replace(/\.txt$/i, '')) ?? null;
}

function order(file: string): number {
  return ['train', 'validation', 'test'].indexOf(splitOf(file)!);
}
