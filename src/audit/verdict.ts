import type { AuditReport } from './auditReport.ts';
import type { PartReport } from './part.ts';

/** What all parts together say. */
export function sumUp(
  reports: readonly PartReport[],
): Pick<AuditReport, 'confounded' | 'warning' | 'verdict'> {
  const confounded = reports.some(one => one.confounded);
  const warned = reports.filter(one => one.warning).map(one => one.name);
  return { confounded, warning: warned.length > 0, verdict: inWords(confounded, warned, reports.length) };
}

function inWords(confounded: boolean, warned: string[], asked: number): string {
  const rest = warned.filter(name => !(confounded && name === 'shortcut'));
  const parts = (names: string[]) => `${names.length === 1 ? 'The part' : 'The parts'} ${names.join(', ')}`;
  if (confounded) {
    const also = rest.length > 0 ? ` ${parts(rest)} warn${rest.length === 1 ? 's' : ''} as well.` : '';
    return `Confounded: much of the class can be told without looking at the cells, so a high accuracy on these images is no proof that a classifier sees cells.${also}`;
  }
  if (rest.length > 0)
    return `${parts(rest)} warn${rest.length === 1 ? 's' : ''}: read before you trust a figure.`;
  return `Nothing was found against these images in ${asked === 1 ? 'the one part' : `${asked} parts`} asked.`;
}
