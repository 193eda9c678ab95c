import { InvalidArgumentError } from 'commander';

export type SettingValues = Record<string, unknown>;

/**
 * Reads `--set`, which may stand several times and name several settings: "k=5", "k=5,weights=distance". Values are
 * numbers, true and false, JSON, or else words.
 */
export function addSettings(text: string, before: SettingValues = {}): SettingValues {
  const settings = { ...before };
  for (const part of text.split(/,(?=\s*[A-Za-z]\w*=)/)) {
    const [, name, value] = /^\s*([A-Za-z]\w*)=(.+?)\s*$/s.exec(part) ?? [];
    if (name === undefined) throw new InvalidArgumentError('It must be NAME=VALUE, such as k=5.');
    if (Object.hasOwn(settings, name)) throw new InvalidArgumentError(`${name} stands twice.`);
    settings[name] = parseValue(value!);
  }
  return settings;
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
