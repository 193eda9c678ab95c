import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { BrightcellError } from '../errors.ts';
import { loadLearner, parseMethod } from '../methods/method.ts';
import { resolveConfig } from '../train/config.ts';

/** A method that takes part, under the name that tables give it. */
export interface MethodRequest {
  name: string;
  /** What `train` takes as its model, or the folder of a run that is there already. */
  method: string;
  /** Settings of that method; what is left out is the method's own choice. */
  settings: Record<string, unknown>;
}

/** One method, fitted and measured once, each step in a process of its own. */
export interface MethodTask {
  method: string;
  settings: Record<string, unknown>;
  /** Path of the data set. */
  dataset: string;
  fingerprint: string;
  seed: number;
  fold: number | null;
  /** Training cells to take; null: all. */
  cells: number | null;
  /** Parts to score. */
  parts: ('validation' | 'test')[];
  /** Everything of the task goes there. */
  folder: string;
}

/** What decides the outcome of a task: a finished one with the same key is kept. */
export async function keyOf(task: MethodTask): Promise<Record<string, unknown>> {
  const { method, settings, fingerprint, seed, fold, cells, parts } = task;
  const key = { method, settings, fingerprint, seed, fold, cells, parts };
  const run = isRunFolder(method) ? method : embeddingOf(method);
  const provenance = run && (await readFile(join(run, 'provenance.json')).catch(() => undefined));
  return provenance ? { ...key, run: createHash('sha256').update(provenance).digest('hex') } : key;
}

/** The run of `embedding:RUN+learner`; undefined for any other method. */
export function embeddingOf(method: string): string | undefined {
  return /^embedding:(.+)\+[^+]+$/.exec(method)?.[1];
}

/** Whether a method is a run that was trained before. */
export function isRunFolder(method: string): boolean {
  return existsSync(join(method, 'provenance.json')) && existsSync(join(method, 'config.json'));
}

export interface RequestOptions {
  /** Names of methods, run folders, or whole requests. */
  methods?: readonly (string | Partial<MethodRequest>)[];
  /** A JSON file: method or a name of your own -> settings, with `method` where the name is your own. */
  config?: string;
  /** Settings by name of the request; they go before the file's. */
  settings?: Record<string, Record<string, unknown>>;
}

/**
 * The methods that take part, each with its settings: those of `methods`, or all of the config file where none are named.
 * Throws `option-invalid` for a file that is not such JSON, for settings of a method that takes no part, for a name that
 * comes twice, and for none at all.
 */
export async function resolveRequests(options: RequestOptions): Promise<MethodRequest[]> {
  const fromFile = options.config === undefined ? {} : await readConfig(options.config);
  const given = options.methods ?? Object.keys(fromFile);
  const requests = given.map(one => completeRequest(one, fromFile, options.settings ?? {}));
  for (const request of requests) await checkRequest(request);
  if (requests.length === 0) invalid('At least one method must be named. Received none.');
  const names = requests.map(one => one.name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) invalid(`Every method must have a name of its own. Received ${twice} twice.`);
  const idle = Object.keys(options.settings ?? {}).filter(name => !names.includes(name));
  if (idle.length > 0)
    invalid(
      `Settings must be of a method that takes part: ${names.join(', ')}. Received ${idle.join(', ')}.`,
    );
  return requests;
}

function completeRequest(
  given: string | Partial<MethodRequest>,
  fromFile: Record<string, Record<string, unknown>>,
  bySet: Record<string, Record<string, unknown>>,
): MethodRequest {
  const own = typeof given === 'string' ? {} : given;
  const name = typeof given === 'string' ? given : (given.name ?? given.method ?? '');
  const { method: named, ...fileSettings } = fromFile[name] ?? {};
  const method = own.method ?? (typeof named === 'string' ? named : name);
  const settings = { ...fileSettings, ...own.settings, ...bySet[name] };
  const path = isRunFolder(method);
  if (path && Object.keys(settings).length > 0)
    invalid(`A run that is there already takes no settings. Received some for ${name}.`);
  return {
    name: path && own.name === undefined && name === method ? basename(method) : name,
    method,
    settings,
  };
}

/** A wrong name or setting is said before anything is fitted. */
async function checkRequest({ method, settings }: MethodRequest): Promise<void> {
  if (isRunFolder(method)) return;
  const parsed = parseMethod(method);
  if (parsed.kind === 'plain') await loadLearner(parsed, settings);
  else await resolveConfig({ ...settings, model: method }, 1);
}

const configSchema = z.record(z.string(), z.record(z.string(), z.unknown()));

async function readConfig(path: string): Promise<Record<string, Record<string, unknown>>> {
  try {
    return configSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    throw new BrightcellError(
      'option-invalid',
      `The config file ${path} must be JSON such as {"knn": {"k": 5}}: for each method an object of its settings. ${(cause as Error).message}`,
      { cause },
    );
  }
}

function invalid(message: string): never {
  throw new BrightcellError('option-invalid', message);
}
