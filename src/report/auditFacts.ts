import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { BrightcellError } from '../errors.ts';

/** What an audit's `audit.json` says, as far as the report shows it. */
export interface AuditFacts {
  path: string;
  confounded: boolean;
  parts: AuditPart[];
}

export interface AuditPart {
  name: string;
  verdict: string;
  warning: boolean;
  findings: unknown;
}

const part = z.object({
  name: z.string().optional(),
  verdict: z.string(),
  warning: z.boolean().optional(),
  findings: z.unknown().optional(),
});
const schema = z.object({ confounded: z.boolean() }).loose();

/** Reads an audit's folder. Throws `report-source-invalid` where its file does not hold one. */
export async function readAudit(path: string): Promise<AuditFacts> {
  const file = join(path, 'audit.json');
  try {
    const json: Record<string, unknown> = schema.parse(JSON.parse(await readFile(file, 'utf8')));
    const members = Array.isArray(json.parts)
      ? json.parts.map(one => ['', one] as const)
      : Object.entries(json);
    const parts = members.flatMap(([name, value]) => {
      const read = part.safeParse(value).data;
      if (!read) return [];
      return [
        {
          name: read.name ?? name,
          verdict: read.verdict,
          warning: read.warning ?? false,
          findings: read.findings,
        },
      ];
    });
    return { path, confounded: Boolean(json.confounded), parts };
  } catch (cause) {
    throw new BrightcellError(
      'report-source-invalid',
      `${file} must hold an audit's findings, and does not. Run the audit again.`,
      { cause, fields: { path: file } },
    );
  }
}
