import { InvalidArgumentError } from 'commander';

/** Settings of methods by name, as `--set METHOD.SETTING=VALUE` gives them, again and again. */
export type MethodSettings = Record<string, Record<string, unknown>>;

/** Adds one `METHOD.SETTING=VALUE`; the value is JSON, or else a word. */
export function collectSetting(text: string, before: MethodSettings = {}): MethodSettings {
  const [, method, setting, value] = /^(.+)\.(\w+)=(.*)$/s.exec(text) ?? [];
  if (method === undefined || setting === undefined || value === undefined)
    throw new InvalidArgumentError('It must be METHOD.SETTING=VALUE, such as knn.k=5.');
  return { ...before, [method]: { ...before[method], [setting]: parseValue(value) } };
}

/** A comma-separated list of methods. */
export function methodList(text: string): string[] {
  return text.split(',').map(name => name.trim());
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
