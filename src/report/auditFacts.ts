import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { BrightcellError } from '../errors.ts';

/** What an audit's `audit.json` says, as far as the report shows it. */
export interface AuditFacts {
  path: string;
  confounded: boolean;
  /** One or two sentences over all parts. */
  verdict: string;
  parts: AuditPart[];
}

export interface AuditPart {
  name: string;
  verdict: string;
  warning: boolean;
  findings: unknown;
}

const part = z.object({
  verdict: z.string(),
  warning: z.boolean().default(false),
  findings: z.unknown().optional(),
});
const schema = z.object({ confounded: z.boolean().nullable(), verdict: z.string().optional() }).loose();

/** Reads an audit's folder. Throws `report-source-invalid` where its file does not hold one. */
export async function readAudit(path: string): Promise<AuditFacts> {
  const file = join(path, 'audit.json');
  try {
    const json: Record<string, unknown> = schema.parse(JSON.parse(await readFile(file, 'utf8')));
    const parts = Object.entries(json).flatMap(([name, value]) => {
      const read = part.safeParse(value).data;
      return read ? [{ name, verdict: read.verdict, warning: read.warning, findings: read.findings }] : [];
    });
    return { path, confounded: json.confounded === true, verdict: String(json.verdict ?? ''), parts };
  } catch (cause) {
    throw new BrightcellError(
      'report-source-invalid',
      `${file} must hold an audit's findings, and does not. Run the audit again.`,
      { cause, fields: { path: file } },
    );
  }
}
