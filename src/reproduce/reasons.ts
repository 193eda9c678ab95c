import { count } from '../report/words.ts';
import type { ReproduceOptions } from './options.ts';

/** Why our numbers are not the paper's, in plain words, as far as it is known. */
export function findReasons(
  { folders, by }: Pick<ReproduceOptions, 'folders' | 'by'>,
  cells: number,
  splitBy: string,
): string[] {
  const simulated = folders.length === 0;
  return [
    ...(simulated
      ? [
          'Our cells are simulated: they have the names and the rough looks of the four types and nothing else of them. How hard they are to tell apart was chosen by whoever wrote the simulation, so agreement with the paper would be chance.',
        ]
      : []),
    ...(cells < 1_000_000
      ? [
          `The paper's last column is of 1,305,000 images, most of PBMC's augmented copies; ours are ${count(cells)} images.`,
        ]
      : []),
    splitBy === 'imported'
      ? 'The split is the one of the list files. Where the images are the published augmented ones, copies of one cell stand on both sides of it: test figures are then too good, the paper\'s as ours. "brightcell audit" looks for them.'
      : 'The paper made augmented copies before it split at random, so that copies of one cell could stand in the training and in the test part, which makes test figures too good. Here the split comes first, equal images stay on one side, and rare classes are drawn more often instead of copied.',
    by === 'group'
      ? 'Whole sessions are kept apart here: figures say how the next session would be classified. The paper drew cells at random.'
      : 'As in the paper, cells are drawn at random: figures say how other cells of the same sessions would be classified, and fall on a new session ("--by group" measures that).',
    `In the public images two classes have a bright background and two a dark one, so that a classifier can tell them without looking at the cell.${simulated ? ' The simulated sessions mix both, so that it cannot.' : ''}`,
    'The paper chose settings by trial and error and does not name them. Here k, C and gamma are chosen on the validation part, and the classes of the SVM are weighted. Its tables show that its SVM was judged with PBMC as 2.1 % of the images, the share without copies, where a precision of 0.48 is 2.3 % of the other images. Its fall beyond 100,000 images is not the method\'s: fits that converge do not fall, whereas fits that stop after a fixed number of steps can (docs/studies.md, "The SVM\'s fall").',
    'Networks are trained here with ordinary softmax cross-entropy and AdamW for the epochs given; the published log shows softmax applied twice, and over a hundred epochs ("--recipe paper" trains so).',
  ];
}
