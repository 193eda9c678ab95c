import type { CellTable } from '../dataset/format.ts';
import { type Association, measureAssociation } from './association.ts';

/** Groups against classes, of every cell that counts. */
export interface GroupTable {
  /** In order of name. */
  groups: { group: string; cells: number; counts: number[] }[];
  /** Cells of which no group is known; they are in no row. */
  withoutGroup: number;
  association: Association;
  /** Classes that have cells in one group only, though there are several groups. */
  classesInOneGroup: { class: string; group: string; cells: number }[];
  /** Groups with cells of one class only. */
  groupsOfOneClass: number;
  /**
   * 'same': one group a class and one class a group. 'nested': every group holds one class, some class has several
   * groups. 'crossed': some group holds several classes.
   */
  kind: 'none' | 'single' | 'same' | 'nested' | 'crossed';
}

/** Counts the cells of each group and class; classes without any cell do not matter for the kind. */
export function tabulateGroups(table: CellTable, classes: readonly string[]): GroupTable {
  const counts = new Map<string, number[]>();
  let withoutGroup = 0;
  for (let i = 0; i < table.count; i++) {
    const group = table.group[i] ?? null;
    if (group === null) {
      withoutGroup++;
      continue;
    }
    let row = counts.get(group);
    if (!row) counts.set(group, (row = new Array<number>(classes.length).fill(0)));
    row[table.label[i]!]!++;
  }
  const groups = [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([group, row]) => ({ group, cells: row.reduce((sum, n) => sum + n, 0), counts: row }));
  const groupsOf = classes.map((_, k) => groups.filter(one => one.counts[k]! > 0));
  const groupsOfOneClass = groups.filter(one => one.counts.filter(n => n > 0).length === 1).length;
  return {
    ...{ groups, withoutGroup, groupsOfOneClass },
    association: measureAssociation(groups.map(one => one.counts)),
    classesInOneGroup:
      groups.length < 2
        ? []
        : groupsOf.flatMap((own, k) =>
            own.length === 1 ? [{ class: classes[k]!, group: own[0]!.group, cells: own[0]!.counts[k]! }] : [],
          ),
    kind: kindOf(groups.length, groupsOfOneClass, groupsOf),
  };
}

function kindOf(groups: number, ofOneClass: number, groupsOf: readonly unknown[][]): GroupTable['kind'] {
  if (groups === 0) return 'none';
  if (groups === 1) return 'single';
  const present = groupsOf.filter(own => own.length > 0);
  if (ofOneClass < groups || present.length < 2) return 'crossed';
  return present.every(own => own.length === 1) ? 'same' : 'nested';
}
