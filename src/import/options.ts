import { z } from 'zod';
import { BrightcellError } from '../errors.ts';

export const importFormats = ['auto', 'folders', 'csv', 'lists', 'npz'] as const;
export type ImportFormat = (typeof importFormats)[number];

export interface ImportOptions {
  /** Stored size [height, width] in pixels; 128 x 128 by default. */
  size?: [height: number, width: number];
  /** 'gray' (default): the only channel, or the luminance of RGB; or the channels to keep, counted from 0. */
  channels?: 'gray' | number[];
  /** See `Preparation`; 'stretch' by default. */
  fit?: 'stretch' | 'pad' | 'centre';
  /** How the source is laid out; 'auto' (default) looks. */
  format?: ImportFormat;
  /**
   * Bits of a stored pixel. 'auto' (default): 16 where one of up to 64 images looked at has 16, else 8. In a
   * 16-bit data set 8-bit images are multiplied by 257; in an 8-bit one 16-bit images are refused, unless 8 is
   * asked for: then they are divided by 257.
   */
  depth?: 'auto' | 8 | 16;
  /** Stop at the first image that cannot be read. */
  strict?: boolean;
  /** Of class folders: the folder names the class (default), or the file name up to its last `_` and number. */
  classFrom?: 'folder' | 'prefix';
  /** A regular expression on an image's path: its first bracket, or the whole match, names the group. */
  groupFrom?: string;
  /** Class names for a source that only has numbers, in order of the numbers. */
  classes?: string[];
  /** Names of the CSV's columns. */
  pathColumn?: string;
  labelColumn?: string;
  groupColumn?: string;
  splitColumn?: string;
  truthColumn?: string;
}

const side = z.int().min(1).max(4096);

const schema = z.strictObject({
  size: z.tuple([side, side]).default([128, 128]),
  channels: z.union([z.literal('gray'), z.array(z.int().min(0).max(63)).min(1).max(64)]).default('gray'),
  fit: z.enum(['stretch', 'pad', 'centre']).default('stretch'),
  format: z.enum(importFormats).default('auto'),
  depth: z.union([z.literal('auto'), z.literal(8), z.literal(16)]).default('auto'),
  strict: z.boolean().default(false),
  classFrom: z.enum(['folder', 'prefix']).optional(),
  groupFrom: z.string().min(1).refine(isExpression, 'must be a regular expression').optional(),
  classes: z.array(z.string().min(1)).min(1).optional(),
  pathColumn: z.string().min(1).optional(),
  labelColumn: z.string().min(1).optional(),
  groupColumn: z.string().min(1).optional(),
  splitColumn: z.string().min(1).optional(),
  truthColumn: z.string().min(1).optional(),
});

export type CheckedOptions = z.infer<typeof schema>;

/** Options with defaults filled in. Throws `option-invalid` that names each wrong one. */
export function checkImportOptions(options: ImportOptions): CheckedOptions {
  const checked = schema.safeParse(options);
  if (checked.success) return checked.data;
  throw new BrightcellError(
    'option-invalid',
    `The options of an import must be valid.\n${z.prettifyError(checked.error)}`,
  );
}

function isExpression(text: string): boolean {
  try {
    new RegExp(text, 'u');
    return true;
  } catch {
    return false;
  }
}
