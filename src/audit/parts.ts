import type { AuditPart } from './part.ts';
import { session } from './session.ts';

/** Every part of an audit, in the order in which they are asked. */
export const auditParts: readonly AuditPart[] = [session];
