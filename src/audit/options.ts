import { z } from 'zod';
import { BrightcellError } from '../errors.ts';
import type { AuditPart } from './part.ts';
import { auditParts } from './parts.ts';

export interface AuditOptions {
  /** Names of the parts to ask; all that can be by default. */
  parts?: string[];
  /** How many cells a part learns from, at most; 5,000 by default. */
  cells?: number;
  /** Whole number from 0; 0 by default. */
  seed?: number;
  /** What the part `labels` judges with: any method of `train`; a random forest on hand-made features by default. */
  method?: string;
  /** Folder of the files; `RUN/audit`, or without a run `DATASET/audit`, by default. */
  out?: string;
}

const schema = z.strictObject({
  parts: z.array(z.string()).optional(),
  cells: z.int().min(100).max(1_000_000).default(5000),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .default(0),
  method: z.string().min(1).optional(),
  out: z.string().min(1).optional(),
});

export type CheckedAudit = z.infer<typeof schema>;

/** Options with defaults filled in. Throws `option-invalid`. */
export function checkAuditOptions(options: AuditOptions): CheckedAudit {
  const result = schema.safeParse(options);
  if (result.success) return result.data;
  throw invalid(`The options of an audit must be valid.\n${z.prettifyError(result.error)}`);
}

/**
 * The parts to ask, in their usual order, and those that are left out for want of a run. Throws `option-invalid` for a
 * name that is none, and for a part asked by name that needs a run where none is given.
 */
export function chooseParts(
  names: readonly string[] | undefined,
  hasRun: boolean,
): { parts: AuditPart[]; leftOut: string[] } {
  const known = auditParts.map(part => part.name);
  const unknown = (names ?? []).find(name => !known.includes(name));
  if (unknown !== undefined)
    throw invalid(`Parts of an audit must be of ${known.join(', ')}. Received ${unknown}.`);
  if (names?.length === 0)
    throw invalid(`There must be a part to ask, of ${known.join(', ')}. Received none.`);
  const wanted = auditParts.filter(part => names === undefined || names.includes(part.name));
  const missing = wanted.filter(part => part.needsRun && !hasRun).map(part => part.name);
  if (names !== undefined && missing.length > 0)
    throw invalid(`The part ${missing.join(' and ')} asks about a trained run. Give one after the data set.`);
  return { parts: wanted.filter(part => !missing.includes(part.name)), leftOut: missing };
}

function invalid(message: string): BrightcellError {
  return new BrightcellError('option-invalid', message);
}
