// G groups, K classes.
import { BrightcellError } from '../errors.ts';
import type { CellTable } from './format.ts';

/**
 * Throws `split-impossible`, saying why, where whole groups cannot be kept apart so that every class is both learnt and
 * tested: no groups, fewer of them than sides, groups that coincide with classes, or a class that stands in one group only.
 */
export function requireSpreadClasses(table: CellTable, classes: readonly string[], sides: number): void {
  const names = [...new Set(table.group)];
  if (names.length === 0) return; // no cells: splitting says so
  if (names.length === 1 && names[0] === null) {
    refuse(
      'each cell must have a group (run, donor, day), but none has. Import with a group column or --group-from',
    );
  }
  if (names.length < sides) {
    refuse(
      `${sides} sides must have a group each, but there ${names.length === 1 ? 'is 1 group' : `are ${names.length} groups`}: ` +
        `${list(names)}. What a new group does to the accuracy cannot be seen with so few. Import more groups`,
    );
  }
  const groupsOf = classes.map((_, k) => [...new Set(table.group.filter((_, i) => table.label[i] === k))]);
  const present = [...classes.keys()].filter(k => groupsOf[k]!.length > 0);
  const single = present.filter(k => groupsOf[k]!.length === 1);
  if (single.length === 0) return;
  if (single.length === present.length && names.length === present.length) {
    refuse(
      'a class must stand in several groups, but every class has a group of its own: groups and classes coincide. ' +
        'A class whose only group is held out cannot be learnt, and nothing in these images tells cell from session. ' +
        'Take every class in several sessions',
    );
  }
  const which = single.map(k => `${classes[k]} in ${list(groupsOf[k]!)}`).join(', ');
  refuse(
    `a class must stand in at least 2 groups to be both learnt and tested. Received in one only: ${which}. ` +
      'Import more groups of it, or leave the class out',
  );
}

function list(names: readonly (string | null)[]): string {
  const shown = names.slice(0, 10).map(name => name ?? '(no group)');
  return shown.join(', ') + (names.length > shown.length ? `, and ${names.length - shown.length} more` : '');
}

function refuse(why: string): never {
  throw new BrightcellError(
    'split-impossible',
    `To keep whole groups apart, ${why}; or split by cell, which says nothing of a new group.`,
  );
}
