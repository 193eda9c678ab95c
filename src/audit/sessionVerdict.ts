import type { SessionFindings } from './sessionFindings.ts';
import type { SplitComparison } from './sessionSplits.ts';
import type { GroupTable } from './sessionTable.ts';
import { counted, listed, percent, points } from './words.ts';

/** From this corrected V on, class and group go together markedly (Cohen's "medium" for two classes). */
export const markedV = 0.3;
/** A gap whose interval lies above this is worth a warning. */
export const markedGap = 0.05;

/** What the findings of the part `session` say in words, and whether they warn. */
export function sessionVerdict(findings: SessionFindings): { verdict: string; warning: boolean } {
  const { table, splits, whyNoSplits, readings } = findings;
  if (table.kind === 'none') return { verdict: noGroups, warning: false };
  if (table.kind === 'single') return { verdict: oneGroup(table), warning: false };
  if (table.kind === 'same') return { verdict: sameThing(table), warning: true };
  const { correctedV, p } = table.association;
  const goTogether = correctedV >= markedV && p < 0.01;
  const flatters = splits !== null && splits.gap.interval[0] > markedGap;
  const sentences = [
    table.kind === 'nested' ? nested(table) : crossed(table, goTogether),
    ...inOneGroup(table),
    splits ? gapInWords(splits) : `A random split and one by group were not compared. ${whyNoSplits}`,
    ...readings
      .slice(-1)
      .map(
        ({ from, balancedAccuracy, groups }) =>
          `The group can be read from the ${from} with ${percent(balancedAccuracy)} (${counted(groups, 'group')}, chance ${percent(1 / groups)}).`,
      ),
  ];
  const warning = table.kind === 'nested' || goTogether || table.classesInOneGroup.length > 0 || flatters;
  return { verdict: sentences.join(' '), warning };
}

const noGroups =
  'No run, donor or day is known of any cell, so nothing can be said of what the next one would give. Import with a group column to ask.';

function oneGroup({ groups }: GroupTable): string {
  return `All cells are of one group, ${groups[0]!.group}: how a classifier does on the next one cannot be known from these images.`;
}

function sameThing({ groups }: GroupTable): string {
  return (
    `Class and group are the same thing: each of the ${groups.length} groups holds one class, and each class stands in one group. No split by ` +
    'group can help, for a class that is left out whole cannot be learnt, and nothing in the images can tell what ' +
    'belongs to the cells from what belongs to the session. Take every class in several sessions, and several classes in each.'
  );
}

function nested({ groups }: GroupTable): string {
  return (
    `Each of the ${groups.length} groups holds one class only. Leaving groups out is possible, but whatever else differs between ` +
    'the sessions of two classes (light, focus, day) can still stand for the class. Take several classes in each session.'
  );
}

function crossed({ association, groups }: GroupTable, goTogether: boolean): string {
  const V = `Cramér's V ${association.correctedV.toFixed(2)}, ${counted(groups.length, 'group')}`;
  if (goTogether)
    return `The classes are unevenly spread over the groups (${V}): who knows the session knows much of the class.`;
  return `The classes are spread over the groups ${association.correctedV < 0.1 ? 'alike' : 'fairly evenly'} (${V}).`;
}

function inOneGroup({ classesInOneGroup }: GroupTable): string[] {
  if (classesInOneGroup.length === 0) return [];
  const names = listed(classesInOneGroup.map(one => `${one.class} (${one.group})`));
  const [they, are] = classesInOneGroup.length === 1 ? ['it', 'is'] : ['they', 'are'];
  return [`In one group only: ${names}; how ${they} ${are} recognised in another is not known.`];
}

function gapInWords({ random, leftOut, gap, fewGroups, classes }: SplitComparison): string {
  const rough = fewGroups ? ', rough with so few groups' : '';
  const figures =
    `A quick classifier of ${counted(classes.length, 'class', 'classes')} reaches ${percent(random.value)} when cells are split at random and ` +
    `${percent(leftOut.value)} when whole groups are left out`;
  const interval = `${points(gap.value)} (95 %: ${(100 * gap.interval[0]).toFixed(0)} to ${(100 * gap.interval[1]).toFixed(0)}${rough})`;
  if (gap.interval[0] > 0) return `${figures}: a random split flatters by ${interval}. Split by group.`;
  return `${figures}: a difference of ${interval}, which may be chance.`;
}
