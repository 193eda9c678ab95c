import { toCsv } from '../evaluate/csv.ts';
import { csvUri } from '../report/figureHtml.ts';
import { type Html, html } from '../report/html.ts';
import { type Section, scrolling } from '../report/section.ts';
import { count, percent, score } from '../report/words.ts';
import type { BesideNumber } from './beside.ts';
import { type PaperMeasurement, paperClasses, paperMethods } from './paper.ts';

/** The paper's numbers with ours, and why they differ; the first section of a reproduction's report. */
export function besideSection(numbers: readonly BesideNumber[], reasons: readonly string[]): Section {
  const body = html`<p>In every cell the paper's number stands first, ours below it; a dash is what was not measured here.</p>
<h3>Why they differ</h3>
<ul>${reasons.map(one => html`<li>${one}</li>`)}</ul>
${dataTable(numbers)}
${volumeTable(numbers)}
${classTable(numbers, 'Table III')}
${classTable(numbers, 'Table IV')}
<p class="note"><a download="reproduction.csv" href="${csvUri(besideCsv(numbers))}">All of these numbers as CSV</a></p>
`;
  return { id: 'beside', title: "Beside the paper's numbers", body };
}

/** A row a number. */
export function besideCsv(numbers: readonly BesideNumber[]): string {
  const header = ['where', 'what', 'method', 'part', 'class', 'volume', 'paper', 'ours'];
  const rows = numbers.map(one => [
    one.where,
    one.what,
    one.method,
    one.part,
    one.class,
    one.volume,
    one.paper,
    one.ours,
  ]);
  return toCsv([header, ...rows]);
}

function cell(one: BesideNumber | undefined, say: (value: number) => string): Html {
  if (!one) return html`<td class="n">–</td>`;
  return html`<td class="n">${one.paper === null ? '–' : say(one.paper)}<small class="ours">${one.ours === null ? '–' : say(one.ours)}</small></td>`;
}

function frame(caption: string, heads: readonly string[], body: Html): Html {
  const first = 2;
  const columns = heads.map((one, i) => html`<th scope="col" class="${i < first ? 't' : 'n'}">${one}</th>`);
  return scrolling(
    caption,
    html`<table class="beside"><caption>${caption}</caption><thead><tr>${columns}</tr></thead>${body}</table>`,
  );
}

function dataTable(numbers: readonly BesideNumber[]): Html {
  const row = (what: string, title: string, say: (value: number) => string) =>
    html`<tr><th scope="row">${title}</th><td></td>${paperClasses.map(name =>
      cell(
        numbers.find(one => one.what === what && one.class === name),
        say,
      ),
    )}</tr>`;
  return frame(
    'The data set: images before screening, and the share of them that was rejected',
    ['', '', ...paperClasses],
    html`<tbody>${row('images', 'Images', count)}${row('share rejected', 'Rejected', percent)}</tbody>`,
  );
}

function volumeTable(numbers: readonly BesideNumber[]): Html {
  const own = numbers.filter(one => one.where === 'Table II');
  const volumes = [...new Set(own.map(one => one.volume!))];
  const bodies = paperMethods.map(method => {
    const rows = (['test', 'validation'] as const).map((part, i) => {
      const cells = volumes.map(volume =>
        cell(
          own.find(one => one.method === method && one.part === part && one.volume === volume),
          score,
        ),
      );
      const head = i === 0 && html`<th scope="rowgroup" rowspan="2">${method}</th>`;
      return html`<tr>${head}<th scope="row">${part}</th>${cells}</tr>`;
    });
    return html`<tbody>${rows}</tbody>`;
  });
  const caption =
    'Table II: accuracy by number of images, 65 % of which train; the last column is all images here';
  return frame(caption, ['Method', 'Part', ...volumes.map(count)], html`${bodies}`);
}

const measurements: [PaperMeasurement, string][] = [
  ['precision', 'Precision'],
  ['recall', 'Recall'],
  ['f1', 'F score'],
];

function classTable(numbers: readonly BesideNumber[], where: 'Table III' | 'Table IV'): Html {
  const bodies = measurements.map(([what, title]) => {
    const rows = paperMethods.map((method, m) => {
      const cells = paperClasses.map(name =>
        cell(
          numbers.find(
            one => one.where === where && one.what === what && one.method === method && one.class === name,
          ),
          score,
        ),
      );
      return html`<tr>${m === 0 && html`<th scope="rowgroup" rowspan="${paperMethods.length}">${title}</th>`}<th scope="row">${method}</th>${cells}</tr>`;
    });
    return html`<tbody>${rows}</tbody>`;
  });
  const part = where === 'Table III' ? 'validation' : 'test';
  return frame(
    `${where}: scores of each class on the ${part} part`,
    ['Measurement', 'Method', ...paperClasses],
    html`${bodies}`,
  );
}
