import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { BrightcellError } from '../errors.ts';

/** What a folder that a report is made of holds. */
export type SourceKind = 'run' | 'comparison' | 'volume' | 'losses' | 'audit';

export interface Source {
  kind: SourceKind;
  path: string;
  /** Last part of the path: how the report calls it. */
  name: string;
}

/** The file that says what a folder is. */
const marks: [SourceKind, string][] = [
  ['run', 'config.json'],
  ['comparison', 'comparison.json'],
  ['volume', 'volume.json'],
  ['losses', 'losses.json'],
  ['audit', 'audit.json'],
];

/** Says what each folder holds. Throws `run-missing` for one that holds nothing that a report shows. */
export function findSources(paths: readonly string[]): Source[] {
  return [...new Set(paths.map(path => resolve(path)))].map((absolute, i) => {
    const path = paths.find(one => resolve(one) === absolute) ?? paths[i]!;
    const kind = marks.find(([, file]) => existsSync(join(path, file)))?.[0];
    if (kind) return { kind, path, name: basename(absolute) };
    throw new BrightcellError(
      'run-missing',
      `${path} must be the folder of a run, a comparison, a study or an audit: it must hold one of ` +
        `${marks.map(([, file]) => file).join(', ')}. Train first, or check the path.`,
      { fields: { path } },
    );
  });
}
