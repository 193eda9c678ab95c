import type { Scores } from './score.ts';

const fewCells = 30;
const fewOfClass = 10;

/**
 * What a reader must know before believing the figures, one sentence each: too few cells, classes with too few
 * or none, figures that are not defined, an accuracy that the commonest class alone would reach.
 */
export function findCautions(part: string, scores: Scores): string[] {
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const [low, high] = scores.accuracyInterval;
  const cautions: string[] = [];
  if (scores.cells < fewCells) {
    cautions.push(
      `The ${part} part has ${count(scores.cells, 'cell')}, too few to mean anything: ` +
        `the true accuracy may be anywhere from ${percent(low)} to ${percent(high)}.`,
    );
  }
  const few = scores.perClass.filter(one => one.support > 0 && one.support < fewOfClass);
  if (few.length > 0) {
    const named = few.map(one => `${one.class} ${one.support}`).join(', ');
    cautions.push(
      `Fewer than ${fewOfClass} ${part} cells of a class make its figures chance: ${named}. See the intervals in scores-${part}.csv.`,
    );
  }
  cautions.push(...scores.undefinedScores);
  if (low <= scores.commonestClassAccuracy) {
    cautions.push(
      `The accuracy is not clearly above ${percent(scores.commonestClassAccuracy)}, what always naming the commonest class gives.`,
    );
  }
  return cautions;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
