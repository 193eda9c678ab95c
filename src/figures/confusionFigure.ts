// K classes.
import { type ConfusionMatrix, sum } from '../evaluate/confusion.ts';
import type { Figure } from './figure.ts';

/** The confusion matrix: each row a true class, coloured by the share of its cells; numbers are cells. */
export function confusionFigure(
  part: string,
  classes: readonly string[],
  confusion: ConfusionMatrix,
): Figure {
  const rows = confusion.flatMap((row, k) => {
    const support = sum(row);
    return row.map((cells, j) => ({
      truth: classes[k]!,
      predicted: classes[j]!,
      cells,
      share: support === 0 ? 0 : cells / support,
    }));
  });
  const K = classes.length;
  const longest = Math.max(...classes.map(name => name.length));
  const left = 30 + 7.4 * longest;
  const cell = Math.max(26, Math.min(72, 620 / K));
  const slanted = longest * 7.4 > cell - 4;
  const bottom = slanted ? 50 + 5.6 * longest : 46;
  return {
    title: `Confusion on ${sum(rows.map(row => row.cells)).toLocaleString('en-US')} ${part} cells`,
    notes: [
      'Rows: true class. Columns: predicted class. Numbers are cells; the darker, the larger the share of the row.',
    ],
    series: [],
    columns: 1,
    panels: [
      {
        title: '',
        width: left + K * cell + 24,
        height: K * cell + bottom + 10,
        options: plot => ({
          ...{ marginLeft: left, marginTop: 10, marginBottom: bottom, marginRight: 12 },
          x: { label: 'predicted', domain: [...classes], tickRotate: slanted ? -40 : 0, padding: 0.04 },
          y: { label: null, domain: [...classes], padding: 0.04 },
          color: { type: 'linear', domain: [0, 1], range: ['#f4f7fb', '#0b4f8a'] },
          marks: [
            plot.cell(rows, { x: 'predicted', y: 'truth', fill: 'share' }),
            plot.text(rows, {
              x: 'predicted',
              y: 'truth',
              text: row => (row.cells === 0 ? '' : row.cells.toLocaleString('en-US')),
              fill: row => (row.share > 0.5 ? 'white' : 'black'),
              fontSize: cell < 40 ? 10 : 13,
            }),
          ],
        }),
      },
    ],
  };
}
