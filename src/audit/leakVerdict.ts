import type { LeakFindings } from './leakFindings.ts';
import { counted, listed, percent, range } from './words.ts';

/** From this lower end on, neighbouring frames are markedly more alike than distant ones. */
const markedlyAlike = 0.6;

/** What the findings of the part `leak` say in words, and whether they warn. */
export function leakVerdict(findings: LeakFindings): { verdict: string; warning: boolean } {
  const { groups, crossingGroups, conflictingGroups, isSplit } = findings;
  if (groups === 0) {
    const verdict = [
      `Among ${counted(findings.cells, 'cell')} no copy of another was found.`,
      reach(findings),
      ...frames(findings),
    ];
    return { verdict: verdict.join(' '), warning: false };
  }
  const sentences = [
    `${counted(findings.cellsInGroups, 'cell')} of ${findings.cells.toLocaleString('en-US')} are copies of one another, in ${counted(groups, 'group')} (${kinds(findings)}).`,
    ...(crossingGroups > 0
      ? [crossing(findings)]
      : [isSplit ? 'None stands on two sides of the split.' : 'Split so that they stay together.']),
    ...(conflictingGroups > 0
      ? [
          `In ${counted(conflictingGroups, 'group')} the copies have different labels, of which one must be wrong unless they are crops of neighbours.`,
        ]
      : []),
    ...(crossingGroups > 0 || !isSplit
      ? ['leak.csv lists the groups; `brightcell split --together` keeps each on one side.']
      : []),
    reach(findings),
    ...frames(findings),
  ];
  return { verdict: sentences.join(' '), warning: crossingGroups > 0 || conflictingGroups > 0 };
}

function kinds({ kinds: counts }: LeakFindings): string {
  const present = Object.entries(counts).filter(([, count]) => count > 0);
  return listed(present.map(([name, count]) => `${name} ${count.toLocaleString('en-US')}`));
}

function crossing({ crossingGroups, heldOutWithCopies }: LeakFindings): string {
  const { validation = 0, test = 0 } = heldOutWithCopies;
  const held =
    validation + test > 0
      ? `: ${counted(test, 'test cell')} and ${counted(validation, 'validation cell')} have a copy in the training part, and figures on them flatter`
      : '';
  return `${counted(crossingGroups, 'group')} stand on two sides of the split${held}.`;
}

/** How much the search would have found, by copies planted in these very images. */
function reach({ recall, cells }: LeakFindings): string {
  if (recall.every(one => one.planted === 0)) return '';
  const [worst] = [...recall].sort((a, b) => a.found / a.planted - b.found / b.planted);
  const all =
    recall.reduce((sum, one) => sum + one.found, 0) / recall.reduce((sum, one) => sum + one.planted, 0);
  const words =
    worst!.found === worst!.planted
      ? ''
      : `, fewest of those that were ${worst!.kind === 'all' ? 'changed in all ways at once' : worst!.kind} (${percent(worst!.found / worst!.planted)})`;
  return `Of changed copies planted among ${cells === 1 ? 'it' : 'these cells'} to try the search, ${percent(all)} were found${words}.`;
}

function frames({ frames: compared }: LeakFindings): string[] {
  if (!compared || compared.interval[0] < markedlyAlike) return [];
  const split =
    compared.crossing > 0
      ? ` ${counted(compared.crossing, 'pair')} of neighbours stand on two sides of the split: split by recording.`
      : '';
  return [
    `Neighbouring frames of a recording are more alike than distant ones of the same class in ${percent(compared.moreAlike)} of pairs (95 %: ${range(compared.interval)}; 50 % if it meant nothing).${split}`,
  ];
}
