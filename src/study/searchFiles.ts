import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { BrightcellError } from '../errors.ts';
import type { Facts } from '../learners/learner.ts';
import type { PartScore } from '../train/report.ts';
import { lockRun, type RunFolder } from '../train/runFolder.ts';
import { writeWholeFile } from '../wholeFile.ts';
import type { SearchSpace } from './searchSpace.ts';

/** What decides every fit of a search, but for how many there are. */
export interface SearchBase {
  dataset: string;
  /** `Dataset.fingerprint()`. */
  fingerprint: string;
  method: string;
  /** Settings that every trial has. */
  settings: Record<string, unknown>;
  space: SearchSpace;
  seed: number;
  fold: number | null;
}

/** One fit of a trial. */
export interface SearchFit {
  /** Number of the trial, from 0. */
  trial: number;
  /** Those that were drawn. */
  settings: Record<string, unknown>;
  /** Training cells. */
  cells: number;
  /** Of a network; null for a plain method. */
  epochs: number | null;
  /** On the validation part; null where the fit failed. */
  validation: PartScore | null;
  facts: Facts;
  seconds: number;
  /** Why it failed. */
  failure: { code: string; message: string } | null;
}

const trialsFile = 'trials.json';

/**
 * Makes or opens the folder of a search and holds it alone until released. Throws `run-exists` where something else
 * stands, and `run-locked` while another process searches there.
 */
export async function openSearch(path: string): Promise<RunFolder> {
  await mkdir(path, { recursive: true });
  const names = (await readdir(path)).filter(name => !name.startsWith('.'));
  if (names.length > 0 && !names.includes(trialsFile)) {
    throw new BrightcellError(
      'run-exists',
      `${path} must be free, or hold a search to go on with: something else stands there. Choose another --out.`,
      { fields: { path } },
    );
  }
  return lockRun(path);
}

/** The fits of an earlier call of the same search. Throws `option-invalid` where the folder holds another search. */
export async function readFits(folder: string, base: SearchBase): Promise<SearchFit[]> {
  const path = join(folder, trialsFile);
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return [];
  const read = parse(text, path);
  const plain = JSON.parse(JSON.stringify(base)) as SearchBase;
  const names = Object.keys(plain) as (keyof SearchBase)[];
  const other = names.find(name => name !== 'dataset' && !isDeepStrictEqual(read.search[name], plain[name]));
  if (other === undefined) return read.fits;
  throw new BrightcellError(
    'option-invalid',
    `${folder} holds a search with another ${other === 'fingerprint' ? 'data set' : other}: ` +
      `${JSON.stringify(read.search[other])}, not ${JSON.stringify(plain[other])}. Choose another --out.`,
    { fields: { path: folder } },
  );
}

const single = z.union([z.number(), z.string(), z.boolean(), z.null()]);
const fit = z.object({
  trial: z.int().min(0),
  settings: z.record(z.string(), z.unknown()),
  cells: z.int().min(0),
  epochs: z.int().nullable(),
  validation: z
    .object({ cells: z.number(), loss: z.number(), accuracy: z.number(), macroF1: z.number() })
    .nullable(),
  facts: z.record(z.string(), single),
  seconds: z.number(),
  failure: z.object({ code: z.string(), message: z.string() }).nullable(),
});
const schema = z.object({ search: z.record(z.string(), z.unknown()), fits: z.array(fit) });

function parse(text: string, path: string): { search: Partial<SearchBase>; fits: SearchFit[] } {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new BrightcellError(
      'option-invalid',
      `${path} must be the list of a search's trials, and is not. Restore it from a copy, or choose another --out.`,
      { cause, fields: { path } },
    );
  }
}

/** Writes all fits so far as JSON and CSV. */
export async function writeFits(folder: string, base: SearchBase, fits: SearchFit[]): Promise<void> {
  await writeWholeFile(join(folder, trialsFile), `${JSON.stringify({ search: base, fits }, null, 2)}\n`);
  await writeWholeFile(join(folder, 'trials.csv'), fitsCsv(base, fits));
}

/** The winner's settings as a config file of `brightcell train`. */
export async function writeBest(folder: string, config: Record<string, unknown>): Promise<string> {
  const path = join(folder, 'best.json');
  await writeWholeFile(path, `${JSON.stringify(config, null, 2)}\n`);
  return path;
}

function fitsCsv({ space }: SearchBase, fits: SearchFit[]): string {
  const drawn = Object.keys(space);
  const head = ['trial', ...drawn, 'cells', 'epochs', 'macroF1', 'accuracy', 'loss', 'seconds', 'failure'];
  const rows = fits.map(({ trial, settings, cells, epochs, validation, seconds, failure }) => [
    trial,
    ...drawn.map(name => settings[name]),
    ...[cells, epochs, validation?.macroF1, validation?.accuracy, validation?.loss, seconds],
    failure?.message,
  ]);
  return [head, ...rows].map(row => `${row.map(asField).join(',')}\n`).join('');
}

function asField(value: unknown): string {
  if (value === undefined || value === null) return '';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
