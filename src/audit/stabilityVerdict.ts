import { fall, type StabilityCurve, type StabilityFindings } from './stabilityFindings.ts';
import { counted, listed, percent } from './words.ts';

/**
 * What a change from session to session can well be: the classifier should bear it. In the units of the alterations' levels.
 */
const everyday: Record<string, [low: number, high: number]> = {
  illumination: [-5, 5],
  contrast: [0.85, 1.2],
  blur: [0, 0.5],
  noise: [0, 2],
  shift: [0, 5],
  scale: [0.9, 1.1],
};

/** What the findings of the part `stability` say in words; it warns where an everyday change costs five points. */
export function stabilityVerdict(
  findings: StabilityFindings,
  sameCells: boolean,
): { verdict: string; warning: boolean } {
  const { curves, cells, part, accuracy, method } = findings;
  const weak = curves.filter(one => isWeak(one, accuracy));
  const where =
    part === 'all' ? `${counted(cells, 'cell')} of the whole data set` : `${counted(cells, `${part} cell`)}`;
  const falls = curves.map(fallInWords).filter(text => text !== null);
  const bears = curves.filter(one => one.fallsBelow === null && one.fallsAbove === null);
  const sentences = [
    `${method} names ${percent(accuracy)} of ${where} rightly as they are.`,
    ...(falls.length > 0 ? [`Five points are lost at ${falls.join('; ')}.`] : []),
    ...(bears.length > 0
      ? [`No level that was tried costs as much of ${listed(bears.map(one => one.alteration))}.`]
      : []),
    ...(weak.length > 0
      ? [
          `Changes as small as the next session may bring are enough of ${listed(weak.map(one => one.alteration))}: train with augmentation, or on more sessions.`,
        ]
      : []),
    ...(sameCells
      ? []
      : [
          'The data set is not as it was when the run was trained: some of these cells may have been trained on.',
        ]),
  ];
  return { verdict: sentences.join(' '), warning: weak.length > 0 };
}

/** Whether a level within what is everyday costs five points, and not by chance. */
function isWeak({ alteration, points }: StabilityCurve, accuracy: number): boolean {
  const [low, high] = everyday[alteration]!;
  const within = points.filter(({ level }) => level >= low && level <= high);
  return within.some(one => one.accuracy <= accuracy - fall + 1e-12 && one.p < 0.01);
}

const units: Record<string, (level: number) => string> = {
  illumination: level => `${level > 0 ? '+' : ''}${level.toPrecision(2)} % grey`,
  contrast: level => `contrast x ${level.toPrecision(2)}`,
  blur: level => `a blur of ${level.toPrecision(2)} pixels`,
  noise: level => `noise of ${level.toPrecision(2)} %`,
  shift: level => `a shift of ${level.toPrecision(2)} %`,
  scale: level => `scale x ${level.toPrecision(2)}`,
};

function fallInWords({ alteration, fallsBelow, fallsAbove }: StabilityCurve): string | null {
  const words = [fallsBelow, fallsAbove].flatMap(level =>
    level === null ? [] : [units[alteration]!(level)],
  );
  return words.length === 0 ? null : words.join(' or ');
}
