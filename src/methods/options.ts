import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { EnsureSplitOptions } from '../dataset/ensureSplit.ts';
import { BrightcellError } from '../errors.ts';
import type { TrainOptions } from '../train/config.ts';
import { loadLearner, type Method, parseMethod, takesSeed } from './method.ts';

export interface MethodTrainOptions extends Omit<TrainOptions, 'model'> {
  /** A method's name, 'knn' or 'features+forest', a network's, 'cellnet', or the path of a network in a JSON file. */
  model?: string;
  /** Settings of the method by name; networks take theirs here or as options of their own. */
  settings?: Record<string, unknown>;
  /** Split the data set in this way first, with the training's seed, unless it is split so already. */
  splitBy?: EnsureSplitOptions['by'];
  /** With `splitBy`: draw anew in place of a split of another kind instead of refusing it. */
  replaceSplit?: boolean;
}

/** Everything that decides what a plain method learns; `config.json` of its run. */
export interface PlainConfig {
  model: string;
  settings: Record<string, unknown>;
  fold: number | null;
}

/** The method that options ask for, in themselves or in their config file; a network unless either names another. */
export async function chooseMethod({ model, config, resume }: MethodTrainOptions): Promise<Method> {
  if (resume !== undefined) return parseMethod((await maybeReadModel(`${resume}/config.json`)) ?? 'cellnet');
  const named = model ?? (config === undefined ? undefined : await maybeReadModel(config));
  return parseMethod(named ?? 'cellnet');
}

/** Options as training a network takes them: one of its own goes before a setting of that name, as before a config file. */
export function networkOptions({ settings, ...own }: MethodTrainOptions): TrainOptions {
  const given = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
  return { ...settings, ...given } as TrainOptions;
}

/** The name in a config file. What cannot be read is said by whoever reads all of it. */
async function maybeReadModel(path: string): Promise<string | undefined> {
  try {
    const { model } = JSON.parse(await readFile(path, 'utf8'));
    return typeof model === 'string' ? model : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The configuration of a plain method: its config file, then options. Throws `option-invalid`, naming the setting,
 * and for an option of networks.
 */
export async function resolvePlain(
  method: Extract<Method, { kind: 'plain' }>,
  options: MethodTrainOptions,
): Promise<PlainConfig> {
  const {
    model: _model,
    settings,
    config,
    fold,
    seed,
    out: _o,
    name: _n,
    resume: _r,
    threads: _t,
    ...rest
  } = options;
  const foreign = Object.entries(rest).filter(([, value]) => value !== undefined);
  if (foreign.length > 0) await refuseForeign(method, foreign[0]![0]);
  const file = config === undefined ? undefined : await readPlain(config);
  if (fold !== undefined && !plainFields.fold.safeParse(fold).success) {
    throw invalid(`fold must be a whole number from 0. Received ${fold}.`);
  }
  const seeded = seed === undefined ? {} : { seed };
  if (seed !== undefined && !(await takesSeed(method.name))) {
    throw invalid(`${method.name} leaves nothing to chance and takes no seed. Leave seed out.`);
  }
  const given = { ...(file?.model === method.name ? file.settings : {}), ...settings, ...seeded };
  return {
    model: method.name,
    settings: (await loadLearner(method, given)).settings,
    fold: fold ?? file?.fold ?? null,
  };
}

async function refuseForeign(method: Extract<Method, { kind: 'plain' }>, option: string): Promise<never> {
  const { learner } = await loadLearner(method, {});
  const names = Object.keys(learner.rules);
  const own =
    names.length > 0 ? `It has ${names.join(', ')}: settings such as ${names[0]}=VALUE` : 'It has none';
  throw invalid(`${option} is a setting of networks, and ${method.name} is none. ${own}.`);
}

const plainFields = {
  model: z.string(),
  settings: z.record(z.string(), z.unknown()),
  fold: z.int().min(0).max(10_000).nullable(),
};

/** Reads a plain method's `config.json`. Throws `option-invalid`. */
export async function readPlain(path: string): Promise<PlainConfig> {
  try {
    const { settings = {}, fold = null, ...rest } = JSON.parse(await readFile(path, 'utf8'));
    return z.strictObject(plainFields).parse({ settings, fold, ...rest });
  } catch (cause) {
    const why = cause instanceof z.ZodError ? cause.issues[0]!.message : (cause as Error).message;
    throw new BrightcellError(
      'option-invalid',
      `The config file ${path} must be readable JSON with the fields model, settings and fold. ${why}.`,
      { cause },
    );
  }
}

function invalid(message: string): BrightcellError {
  return new BrightcellError('option-invalid', message);
}
