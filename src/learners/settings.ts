import { BrightcellError } from '../errors.ts';

/** One setting of a method. */
export interface Setting<T> {
  /** What it must be, as an error says it: "a whole number from 1 to 1000". */
  must: string;
  /** Its value where none is given. */
  usual: T;
  /** What it does, in a few words for the help. */
  about: string;
  accepts(value: unknown): boolean;
}

/** The settings of a method, by name. */
export type SettingsOf<S> = { readonly [K in keyof S]-?: Setting<S[K]> };

/**
 * The settings in full: those given, checked, and the usual value of the others. Upper and lower case are the same
 * where no two settings differ by them alone. Throws `option-invalid` for a name that is not there or stands twice, and
 * for a value that a setting does not take.
 */
export function completeSettings<S extends object>(
  method: string,
  rules: SettingsOf<S>,
  given: Record<string, unknown>,
): S {
  const settings = Object.fromEntries(Object.entries<Setting<unknown>>(rules).map(([n, r]) => [n, r.usual]));
  const seen = new Set<string>();
  for (const [text, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const name = findName(method, Object.keys(rules), text);
    if (seen.has(name)) throw invalid(`${name} of ${method} must be given once. Received it twice.`);
    seen.add(name);
    const rule = rules[name as keyof S];
    if (!rule.accepts(value)) {
      throw invalid(`${name} of ${method} must be ${rule.must}. Received ${show(value)}.`);
    }
    settings[name] = value;
  }
  return settings as S;
}

function findName(method: string, names: string[], text: string): string {
  if (names.includes(text)) return text;
  const alike = names.filter(name => name.toLowerCase() === text.toLowerCase());
  if (alike.length === 1) return alike[0]!;
  const known = names.length === 0 ? 'It has no settings.' : `It has ${names.join(', ')}.`;
  throw invalid(`There is no setting "${text}" of ${method}. ${known}`);
}

/** A whole number of [low, high]. */
export function wholeSetting(low: number, high: number, usual: number, about: string): Setting<number> {
  const accepts = (value: unknown) =>
    Number.isSafeInteger(value) && (value as number) >= low && (value as number) <= high;
  return { must: `a whole number from ${low} to ${high}`, usual, about, accepts };
}

/** A number of [low, high]; `above`: low itself is not taken. */
export function numberSetting(
  range: { low?: number; above?: number; high: number },
  usual: number,
  about: string,
): Setting<number> {
  const low = range.above ?? range.low ?? Number.NEGATIVE_INFINITY;
  const accepts = (value: unknown) =>
    typeof value === 'number' &&
    value <= range.high &&
    (range.above === undefined ? value >= low : value > low);
  const from = range.above === undefined ? `from ${low} to` : `above ${low} and at most`;
  return { must: `a number ${from} ${range.high}`, usual, about, accepts };
}

/** One of a few words. */
export function choiceSetting<T extends string>(choices: readonly T[], usual: T, about: string): Setting<T> {
  return {
    must: `one of ${choices.join(', ')}`,
    usual,
    about,
    accepts: value => choices.includes(value as T),
  };
}

/** true or false. */
export function flagSetting(usual: boolean, about: string): Setting<boolean> {
  return { must: 'true or false', usual, about, accepts: value => typeof value === 'boolean' };
}

/** The same setting, which may be left open as 'auto', and is unless a value is given: fitting then chooses it. */
export function orAuto<T>(setting: Setting<T>): Setting<T | 'auto'> {
  return {
    ...setting,
    must: `${setting.must}, or auto`,
    usual: 'auto',
    accepts: value => value === 'auto' || setting.accepts(value),
  };
}

/** NaN and Infinity would be null in JSON. */
function show(value: unknown): string {
  return typeof value === 'number' ? String(value) : JSON.stringify(value);
}

function invalid(message: string): BrightcellError {
  return new BrightcellError('option-invalid', message);
}
