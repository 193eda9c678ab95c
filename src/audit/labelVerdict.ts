import { counted, percent } from './words.ts';

/** What the part `labels` found. */
export interface LabelFindings {
  cells: number;
  /** Cells that were judged: all, or a sample of as many as a part learns from. */
  sampledCells: number;
  method: string;
  perClass: number[];
  classes: string[];
  /** Share of the judged cells whose label the classifiers name too. */
  accuracy: number;
  suspects: number;
  /** Suspects that overlap of the classes alone would give if every label were right. */
  expected: number;
  /** Given and likely class that most suspects share. */
  commonest: { given: number; likely: number; cells: number } | null;
  joint: number[][];
  thresholds: (number | null)[];
}

/** What the findings of the part `labels` say in words, and whether they warn. */
export function labelVerdict(findings: LabelFindings): { verdict: string; warning: boolean } {
  const { suspects, expected, sampledCells, accuracy, commonest, classes, method } = findings;
  // Three deviations of a count, and two cells: one warning in some hundred clean data sets.
  const warning = suspects > expected + 3 * Math.sqrt(expected) + 2;
  const found =
    `Of ${counted(sampledCells, 'cell')}, ${suspects.toLocaleString('en-US')} carry a label that the other cells contradict ` +
    `(${method}, cross-validated, names ${percent(accuracy)} of the labels); ${expected < 10 ? expected.toFixed(1) : Math.round(expected).toLocaleString('en-US')} are expected where every label is right, for the classes overlap.`;
  if (!warning) return { verdict: `${found} There is no sign of wrong labels.`, warning };
  const pair = commonest
    ? ` Most often ${classes[commonest.given]} may be ${classes[commonest.likely]} (${commonest.cells.toLocaleString('en-US')}).`
    : '';
  const excess = Math.round(suspects - expected);
  return {
    verdict: `${found} Some ${excess.toLocaleString('en-US')} labels are probably wrong.${pair} labels.csv ranks them: look at the first ones and correct the source.`,
    warning,
  };
}
