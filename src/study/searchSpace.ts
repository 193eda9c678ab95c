import { createRandom } from '../dataset/random.ts';
import { BrightcellError } from '../errors.ts';
import { loadLearner, parseMethod } from '../methods/method.ts';
import { resolveConfig } from '../train/config.ts';
import { mixSeed } from '../train/seed.ts';

/** Numbers of [low, high]. */
export interface NumberRange {
  low: number;
  high: number;
  /**
   * Drawn evenly, or evenly in the logarithm; by default the latter where the highest is at least 100 times the lowest,
   * which is above 0.
   */
  scale?: 'linear' | 'log';
  /** Whole numbers alone; by default where the setting takes no others. */
  whole?: boolean;
}

/** What a setting is drawn from: a range, or a list each of whose values is as likely. */
export type SearchRange = NumberRange | readonly unknown[];
export type SearchSpace = Record<string, SearchRange>;

const log = (low: number, high: number): NumberRange => ({ low, high, scale: 'log' });

/** What is searched where nothing else is asked for. gamma is of pixels in [0, 1] or of standardised numbers. */
const usualSpaces: Record<string, SearchSpace> = {
  network: {
    learningRate: log(1e-4, 1e-2),
    batchSize: [32, 64, 128],
    loss: ['crossEntropy', 'labelSmoothing', 'focal'],
    clipNorm: [0, 1, 5],
  },
  centroid: { sharpness: log(0.1, 1000) },
  knn: { k: log(1, 60), vote: ['majority', 'distance'] },
  svm: { c: log(0.1, 1000), gamma: log(1e-4, 1), classWeights: ['balanced', 'none'] },
  forest: {
    trees: [100, 300, 500],
    minimalLeaf: log(1, 30),
    classWeights: ['balanced', 'none'],
  },
  logistic: { C: log(1e-4, 1e3), classWeights: ['balanced', 'none'] },
};

/** The space of a method's search where none is given; empty for a method without one. */
export function usualSpace(name: string): SearchSpace {
  const method = parseMethod(name);
  return usualSpaces[method.kind === 'network' ? 'network' : method.learner] ?? {};
}

/** The space with nothing left to defaults. Throws `option-invalid` for a range that is none. */
export async function completeSpace(method: string, space: SearchSpace): Promise<SearchSpace> {
  const entries = Object.entries(space).map(async ([name, range]) => {
    if (isList(range)) {
      if (range.length > 0) return [name, range];
      throw invalid(`The list of values of ${name} must hold one.`);
    }
    const { low, high } = range;
    const scale = range.scale ?? (low > 0 && high / low >= 100 ? 'log' : 'linear');
    const whole = range.whole ?? (await takesWholeOnly(method, name, low));
    checkRange(name, { low, high, scale, whole });
    return [name, { low, high, scale, whole }];
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** Whether a setting takes a whole number and not one a little larger. */
async function takesWholeOnly(method: string, name: string, low: number): Promise<boolean> {
  if (!Number.isSafeInteger(low)) return false;
  return (await takes(method, { [name]: low })) && !(await takes(method, { [name]: low + 0.25 }));
}

async function takes(method: string, settings: Record<string, unknown>): Promise<boolean> {
  return checkSettings(method, settings).then(
    () => true,
    () => false,
  );
}

/** Throws `option-invalid` unless a method takes the settings. */
export async function checkSettings(method: string, settings: Record<string, unknown>): Promise<void> {
  const known = parseMethod(method);
  if (known.kind === 'plain') await loadLearner(known, settings);
  else await resolveConfig({ ...settings, model: method }, 1);
}

function checkRange(name: string, range: Required<NumberRange>): void {
  const { low, high, scale, whole } = range;
  const ordered = Number.isFinite(low) && Number.isFinite(high) && low <= high;
  const broken = whole && !(Number.isSafeInteger(low) && Number.isSafeInteger(high));
  if (ordered && !broken && (scale === 'linear' || (scale === 'log' && low > 0))) return;
  throw invalid(
    `The range of ${name} must go from a lower to a higher number, of whole ones where the setting takes no others, and on ` +
      `a logarithmic scale from above 0. Received ${JSON.stringify(range)}.`,
  );
}

/** The settings of trial i: a function of space, seed and i alone. */
export function drawSettings(space: SearchSpace, seed: number, i: number): Record<string, unknown> {
  // Each setting has numbers of its own: another one in the space does not move it.
  const entries = Object.entries(space).map(([name, range]) => {
    const codes = Array.from(name, letter => letter.codePointAt(0)!);
    return [name, draw(range, createRandom(mixSeed(seed, 6, i, ...codes)))];
  });
  return Object.fromEntries(entries);
}

function draw(range: SearchRange, random: () => number): unknown {
  if (isList(range)) return range[Math.floor(random() * range.length)];
  const { low, high, scale, whole } = range;
  // Whole numbers take up a length of one each, so that the ends are as likely as the others.
  const [from, to] = whole ? [low - 0.5, high + 0.5] : [low, high];
  const at = random();
  const value = scale === 'log' ? from * (to / from) ** at : from + (to - from) * at;
  if (whole) return Math.min(high, Math.max(low, Math.round(value)));
  return Math.min(high, Math.max(low, Number(value.toPrecision(4))));
}

function isList(range: SearchRange): range is readonly unknown[] {
  return Array.isArray(range);
}

function invalid(message: string): BrightcellError {
  return new BrightcellError('option-invalid', message);
}
