import { labels } from './labels.ts';
import { leak } from './leak.ts';
import type { AuditPart } from './part.ts';
import { session } from './session.ts';
import { shortcut } from './shortcut.ts';
import { stability } from './stability.ts';

/** Every part of an audit, in the order in which they are asked. */
export const auditParts: readonly AuditPart[] = [shortcut, session, leak, labels, stability];
