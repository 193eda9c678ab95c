import { z } from 'zod';
import { BrightcellError } from '../errors.ts';
import { paperMethods } from './paper.ts';

export interface ReproduceOptions {
  /** Folders of the public data set, with their list files; none: simulated cells. */
  folders: string[];
  /** Cells to simulate where no folder is given; 6,000 by default. */
  cells: number;
  /** Epochs of every network; by the recipe where it is null. */
  epochs: number | null;
  recipe: 'default' | 'paper';
  /** How cells are drawn where the images bring no split: 'cell' as in the paper, or whole groups. */
  by: 'cell' | 'group';
  methods: (typeof paperMethods)[number][];
  /** Volumes of Table II to go up to, as far as there are images; null: all. */
  volumes: number | null;
  seeds: number;
  seed: number;
}

const whole = (from: number, to: number) => z.int().min(from).max(to);

const schema = z.strictObject({
  folders: z.array(z.string()).default([]),
  cells: whole(200, 100_000_000).default(6000),
  epochs: whole(1, 100_000).nullable().default(null),
  recipe: z.enum(['default', 'paper']).default('default'),
  by: z.enum(['cell', 'group']).default('cell'),
  methods: z
    .array(z.enum(paperMethods))
    .min(1)
    .default([...paperMethods]),
  volumes: whole(1, 100_000_000).nullable().default(null),
  seeds: whole(1, 1000).default(1),
  seed: whole(0, 2 ** 31 - 1).default(1),
});

/** Options with defaults filled in. Throws `option-invalid`. */
export function checkReproduceOptions(options: Partial<ReproduceOptions>): ReproduceOptions {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const parsed = schema.safeParse(given);
  if (!parsed.success) {
    const message = `The options of a reproduction must be valid.\n${z.prettifyError(parsed.error)}`;
    throw new BrightcellError('option-invalid', message);
  }
  const { folders, methods } = parsed.data;
  if (folders.length > 0 && options.cells !== undefined)
    throw new BrightcellError(
      'option-invalid',
      'cells is the number to simulate. With a folder of images leave it out.',
    );
  if (!methods.includes('CNN'))
    throw new BrightcellError(
      'option-invalid',
      `The methods must include CNN, the paper's own. Received ${methods.join(', ')}.`,
    );
  return parsed.data;
}
