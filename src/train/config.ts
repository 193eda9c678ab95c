import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import {
  type Initialiser,
  initialisers,
  type Loss,
  type NetworkSpec,
  type Optimiser,
} from '../engine/networkSpec.ts';
import {
  type Augmentation,
  checkAugmentation,
  type Normalisation,
  normalisations,
} from '../engine/normalisation.ts';
import { checkPrecision, type Precision, precisions } from '../engine/precision.ts';
import { BrightcellError } from '../errors.ts';
import { recipeFor, type TrainConfig } from './recipes.ts';
import type { Schedule } from './schedule.ts';

export const recipeNames = ['default', 'paper'] as const;
export const lossNames = [
  'crossEntropy',
  'labelSmoothing',
  'doubleSoftmax',
  'meanSquaredError',
  'focal',
] as const;
export const optimiserNames = ['adam', 'adamw', 'sgd'] as const;
export const scheduleNames = ['constant', 'step', 'cosine'] as const;
export const initialiserNames = initialisers;
export const balanceNames = ['sampling', 'none'] as const;
export const monitorNames = ['loss', 'macroF1'] as const;

/** Settings of a training; where one takes an object, its name alone stands for the usual values. */
export interface TrainSettings {
  /** 'cellnet', 'cellnet-table1', 'gao2017', 'liu2017', 'oei2019', or the path of a network in a JSON file. */
  model?: string;
  recipe?: (typeof recipeNames)[number];
  epochs?: number;
  batchSize?: number;
  learningRate?: number;
  optimiser?: (typeof optimiserNames)[number] | Optimiser;
  schedule?: (typeof scheduleNames)[number] | Schedule;
  loss?: (typeof lossNames)[number] | Loss;
  initialiser?: (typeof initialiserNames)[number] | Initialiser;
  normalisation?: Normalisation;
  balance?: (typeof balanceNames)[number];
  /** false or null: none; true: the recipe's; an object replaces the ranges of recipe and config file one by one. */
  augmentation?: boolean | Augmentation | null;
  /** Epochs without a better `monitor` before stopping; 0 never stops early. */
  patience?: number;
  /** What says that an epoch is better, measured on the validation part. */
  monitor?: (typeof monitorNames)[number];
  /** Largest global norm of the gradient; 0 does not clip. */
  clipNorm?: number;
  /** Of the decoder's loss beside the loss of the classes; null: 1 where the network has a decoder. */
  reconstructionWeight?: number | null;
  /** Of the network's products; 'bfloat16' is faster, where the processor has it. Weights stay float32. */
  precision?: Precision;
  seed?: number;
  /** Fold of a k-fold split to hold out as the test part; the next one is the validation part. */
  fold?: number | null;
}

export interface TrainOptions extends TrainSettings {
  /** A JSON file of settings, such as a run's `config.json`; the other options go before it. */
  config?: string;
  /** Folder of all runs; 'runs' by default. */
  out?: string;
  /** Name of the run; by default made of data set and network. */
  name?: string;
  /** Folder of a run to go on with; excludes every setting. */
  resume?: string;
  /** Threads of the native core; all processors by default. Does not change results. */
  threads?: number;
}

/** What an option's name alone stands for. */
const usual = {
  loss: {
    crossEntropy: { name: 'crossEntropy' },
    labelSmoothing: { name: 'crossEntropy', labelSmoothing: 0.1 },
    doubleSoftmax: { name: 'doubleSoftmax' },
    meanSquaredError: { name: 'meanSquaredError' },
    focal: { name: 'focal', gamma: 2 },
  },
  optimiser: {
    adam: { name: 'adam' },
    adamw: { name: 'adamw', weightDecay: 0.05 },
    sgd: { name: 'sgd', momentum: 0.9, nesterov: true },
  },
  schedule: {
    constant: { name: 'constant' },
    step: { name: 'step', every: 50, factor: 0.1 },
    cosine: { name: 'cosine', warmup: 0.05, final: 0.01 },
  },
  initialiser: {
    glorotUniform: { name: 'glorotUniform' },
    heNormal: { name: 'heNormal' },
    truncatedNormal: { name: 'truncatedNormal', deviation: 0.1 },
  },
} as const;

/**
 * The configuration of a training on that many cells: recipe, then config file, then options. Throws
 * `option-invalid`, naming the setting, its range and what was received, or a precision that the processor lacks.
 */
export async function resolveConfig(options: TrainOptions, trainingCells: number): Promise<TrainConfig> {
  const { config: file, out: _out, name: _name, resume: _resume, threads: _threads, ...given } = options;
  const fromFile = file === undefined ? {} : await readSettings(file);
  const filed = checkSettings(fromFile, file);
  const settings = { ...filed, ...checkSettings(given) };
  const recipe = recipeFor(settings.recipe ?? 'default', trainingCells);
  const config: TrainConfig = {
    ...recipe,
    ...withoutUndefined(settings),
    optimiser: named('optimiser', settings.optimiser) ?? recipe.optimiser,
    schedule: named('schedule', settings.schedule) ?? recipe.schedule,
    loss: named('loss', settings.loss) ?? recipe.loss,
    initialiser: named('initialiser', settings.initialiser) ?? recipe.initialiser,
    augmentation: mergeAugmentation(recipe.augmentation, filed.augmentation, given.augmentation),
    fold: settings.fold ?? null,
  };
  // A training made longer or shorter waits for as large a part of it.
  if (settings.epochs !== undefined && settings.patience === undefined && recipe.patience > 0) {
    config.patience = Math.max(8, Math.ceil(config.epochs / 3));
  }
  return config;
}

/** Throws `option-invalid` for a weight of a decoder that the network does not have. */
export function checkDecoder({ reconstructionWeight }: TrainConfig, network: NetworkSpec): void {
  if (reconstructionWeight === null || network.decoder) return;
  throw invalid(
    `reconstructionWeight is for networks with a decoder, such as liu2017. ${network.name} has none; leave it out.`,
  );
}

/** Checks options that are no settings of the training itself. Throws `option-invalid`. */
export function checkRunOptions({ threads, name, resume, ...rest }: TrainOptions): void {
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1 && threads <= 1024)) {
    throw invalid(`threads must be a whole number from 1 to 1024. Received ${threads}.`);
  }
  if (name !== undefined && !/^[^/\\\0]{1,200}$/.test(name)) {
    throw invalid(`name must be a folder's name without "/" or "\\". Received ${JSON.stringify(name)}.`);
  }
  if (name !== undefined && /^\.+$/.test(name)) throw invalid(`name must not be "${name}".`);
  if (resume === undefined) return;
  const { out: _out, ...settings } = rest;
  const extra = Object.entries({ ...settings, name }).filter(([, value]) => value !== undefined);
  if (extra.length > 0) {
    throw invalid(
      `A resumed run keeps the settings it started with. Leave out ${extra.map(([key]) => key).join(', ')}, or start a new run.`,
    );
  }
}

const whole = (low: number, high: number) => z.int().min(low).max(high);
const below1 = z.number().min(0).lt(1);
const above0 = z.number().positive();
const atLeast0 = z.number().min(0);

/** Each setting: its schema and, for messages, what it must be. */
const rules: Record<keyof TrainSettings, [schema: z.ZodType, must: string]> = {
  model: [z.string().min(1), 'the name of a network or the path of a JSON file'],
  recipe: [z.enum(recipeNames), oneOf(recipeNames)],
  epochs: [whole(1, 100_000), 'a whole number from 1 to 100000'],
  batchSize: [whole(1, 100_000), 'a whole number from 1 to 100000'],
  learningRate: [above0.max(100), 'a number above 0 and at most 100'],
  optimiser: [
    z.union([
      z.enum(optimiserNames),
      z.strictObject({ name: z.literal('adam'), ...adamFields() }),
      z.strictObject({ name: z.literal('adamw'), ...adamFields(), weightDecay: atLeast0.optional() }),
      z.strictObject({
        name: z.literal('sgd'),
        momentum: below1.optional(),
        nesterov: z.boolean().optional(),
        weightDecay: atLeast0.optional(),
      }),
    ]),
    `${oneOf(optimiserNames)}, or an object such as {"name": "adamw", "weightDecay": 0.05}`,
  ],
  schedule: [
    z.union([
      z.enum(scheduleNames),
      z.strictObject({ name: z.literal('constant') }),
      z.strictObject({ name: z.literal('step'), every: whole(1, 100_000), factor: above0.max(1) }),
      z.strictObject({ name: z.literal('cosine'), warmup: below1, final: atLeast0.max(1) }),
    ]),
    `${oneOf(scheduleNames)}, or an object such as {"name": "step", "every": 50, "factor": 0.1}`,
  ],
  loss: [
    z.union([
      z.enum(lossNames),
      z.strictObject({ name: z.literal('crossEntropy'), labelSmoothing: below1.optional() }),
      z.strictObject({ name: z.enum(['doubleSoftmax', 'meanSquaredError']) }),
      z.strictObject({ name: z.literal('focal'), gamma: atLeast0 }),
    ]),
    `${oneOf(lossNames)}, or an object such as {"name": "focal", "gamma": 2}`,
  ],
  initialiser: [
    z.union([
      z.enum(initialiserNames),
      z.strictObject({ name: z.enum(['glorotUniform', 'heNormal']) }),
      z.strictObject({
        name: z.literal('truncatedNormal'),
        deviation: above0,
        bias: z.number().optional(),
      }),
    ]),
    `${oneOf(initialiserNames)}, or an object such as {"name": "truncatedNormal", "deviation": 0.1}`,
  ],
  normalisation: [z.enum(normalisations), oneOf(normalisations)],
  balance: [z.enum(balanceNames), oneOf(balanceNames)],
  augmentation: [
    z.union([z.boolean(), z.null(), z.record(z.string(), z.unknown())]),
    'true, false, or an object of ranges such as {"rotateDegrees": 20}',
  ],
  patience: [whole(0, 100_000), 'a whole number from 0 (never stop early) to 100000'],
  monitor: [z.enum(monitorNames), oneOf(monitorNames)],
  clipNorm: [atLeast0, 'a number of at least 0 (no clipping)'],
  reconstructionWeight: [above0.nullable(), 'a number above 0'],
  precision: [z.enum(precisions), oneOf(precisions)],
  seed: [whole(0, Number.MAX_SAFE_INTEGER), `a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`],
  fold: [whole(0, 10_000).nullable(), 'a whole number from 0'],
};

function adamFields() {
  return { beta1: below1.optional(), beta2: below1.optional(), epsilon: above0.optional() };
}

function oneOf(names: readonly string[]): string {
  return `one of ${names.join(', ')}`;
}

async function readSettings(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new BrightcellError(
      'option-invalid',
      `The config file ${path} must be readable JSON. ${(cause as Error).message}.`,
      {
        cause,
      },
    );
  }
}

function checkSettings(value: unknown, file?: string): TrainSettings {
  const where = file === undefined ? '' : ` in ${file}`;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(`The settings${where} must be an object of names and values.`);
  }
  for (const [key, received] of Object.entries(value)) {
    const rule = Object.hasOwn(rules, key) ? rules[key as keyof TrainSettings] : undefined;
    if (!rule)
      throw invalid(`There is no setting "${key}"${where}. There are ${Object.keys(rules).join(', ')}.`);
    if (received === undefined || rule[0].safeParse(received).success) continue;
    throw invalid(`${key}${where} must be ${rule[1]}. Received ${show(received)}.`);
  }
  const settings = withoutUndefined(value) as TrainSettings;
  if (typeof settings.augmentation === 'object' && settings.augmentation)
    checkAugmentation(settings.augmentation);
  if (settings.precision !== undefined) checkPrecision(settings.precision, where);
  return settings;
}

/** NaN and Infinity would be null in JSON. */
function show(value: unknown): string {
  if (typeof value === 'number') return String(value);
  return JSON.stringify(value, (_, inner) =>
    typeof inner === 'number' && !Number.isFinite(inner) ? String(inner) : inner,
  );
}

function withoutUndefined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as T;
}

function named<K extends keyof typeof usual>(
  kind: K,
  value: string | TrainConfig[K] | undefined,
): TrainConfig[K] | undefined {
  if (typeof value !== 'string') return value;
  return (usual[kind] as unknown as Record<string, TrainConfig[K]>)[value];
}

/** The recipe's ranges, changed by those of the config file and then by those of the options. */
function mergeAugmentation(
  recipe: Augmentation | null,
  ...given: TrainSettings['augmentation'][]
): Augmentation | null {
  let merged = recipe;
  for (const one of given) {
    if (one === undefined) continue;
    merged = one === true ? recipe : one === false || one === null ? null : { ...merged, ...one };
  }
  return merged;
}

function invalid(message: string): BrightcellError {
  return new BrightcellError('option-invalid', message);
}
