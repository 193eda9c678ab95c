import { operatingPointsCsv } from '../evaluate/csv.ts';
import { findOperatingPoints, type OperatingPoint } from '../evaluate/operatingPoints.ts';
import { operatingPointsFigure } from '../figures/evaluationFigures.ts';
import type { ReportPart } from './evaluation.ts';
import { drawnFigure } from './figureHtml.ts';
import { type Html, html } from './html.ts';
import { perRun } from './perRun.ts';
import { withoutEvaluation } from './scoresSection.ts';
import { type Section, table } from './section.ts';
import type { Subject } from './subject.ts';
import { count, interval, percent, score } from './words.ts';

/** Purity, yield and enrichment of sorting for each class, against the threshold. */
export async function sortingSection(subjects: readonly Subject[]): Promise<Section> {
  const body = await perRun(subjects, subject => {
    const parts = subject.evaluation?.parts;
    return parts?.[0] ? sortingOf(parts[0], parts) : withoutEvaluation(subject);
  });
  return { id: 'sorting', title: 'Sorting', body };
}

/** Thresholds are chosen on the validation part, where there is one, and measured on the other. */
async function sortingOf(part: ReportPart, parts: readonly ReportPart[]): Promise<Html> {
  const chooser = parts.find(one => one.part === 'validation') ?? part;
  const points = findOperatingPoints(chooser, part);
  const cells = `${count(part.labels.length)} ${part.part} cells`;
  const figure = operatingPointsFigure({ part: part.part, predictions: part, operatingPoints: points });
  const reached = points.filter(one => one.threshold !== null);
  const chosen =
    chooser === part
      ? 'Thresholds were chosen on these very cells, so purity looks better than it is.'
      : 'Thresholds were chosen on the validation part.';
  const drawn = await drawnFigure(figure, {
    name: `sorting-${part.part}`,
    alt: `Purity, yield and enrichment against the threshold. ${reached.map(describe).join(' ')}`,
    caption: `Sorting for each class on ${cells}. ${chosen}`,
    csv: operatingPointsCsv(points),
  });
  return html`${drawn}${pointsTable(`What sorting gives on ${cells}. ${chosen} Enrichment: purity over the class's share of all cells`, points)}`;
}

function describe(point: OperatingPoint): string {
  return `${point.class} at ${score(point.threshold)}: purity ${score(point.purity)}, yield ${score(point.yield)}.`;
}

function pointsTable(caption: string, points: readonly OperatingPoint[]): Html {
  const numeric = (title: string) => ({ title, numeric: true });
  const columns = [
    ...[{ title: 'Sorting for' }, numeric('Purity asked'), numeric('Threshold'), numeric('Purity')],
    ...[numeric('Yield'), numeric('Enrichment')],
  ];
  const withEnds = (value: number | null, ends: readonly [number, number] | null) =>
    html`${score(value)}${ends && html`<small>${interval(ends)}</small>`}`;
  const rows = points.map(one => [
    ...[one.class, percent(one.target), one.threshold === null ? 'none reaches it' : score(one.threshold)],
    ...[withEnds(one.purity, one.purityInterval), withEnds(one.yield, one.yieldInterval)],
    one.enrichment === null ? '–' : one.enrichment.toFixed(1),
  ]);
  return table(caption, columns, rows);
}
