import { type Html, html } from './html.ts';

/** A chapter of the report. */
export interface Section {
  /** Letters and dashes; where links lead. */
  id: string;
  title: string;
  body: Html;
}

/** A note where something is not there: what, and how to make it. */
export function missing(what: string, how?: string): Html {
  return html`<p class="missing">${what}${how && html` Make it: <code>${how}</code>`}</p>`;
}

/** A sentence that must be read before the figures are believed. */
export function cautions(sentences: readonly string[]): Html {
  if (sentences.length === 0) return html``;
  return html`<ul class="cautions" aria-label="Cautions">${sentences.map(one => html`<li class="caution">${one}</li>`)}</ul>`;
}

/** A wide thing that scrolls by itself, by keyboard too. */
export function scrolling(label: string, body: Html): Html {
  return html`<div class="scroll" role="region" aria-label="${label}" tabindex="0">${body}</div>`;
}

/** A table of names and values. */
export function facts(label: string, rows: readonly (readonly [string, Html | string | number])[]): Html {
  return html`<table class="facts"><caption>${label}</caption><tbody>${rows.map(
    ([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`,
  )}</tbody></table>`;
}

export interface Column {
  title: string;
  /** Numbers stand at the right. */
  numeric?: boolean;
}

/** A plain table; the first column names the row. */
export function table(
  caption: string,
  columns: readonly Column[],
  rows: readonly (readonly (Html | string | number)[])[],
): Html {
  const side = (i: number) => (columns[i]!.numeric ? 'n' : 't');
  const cell = (value: Html | string | number, i: number) =>
    i === 0
      ? html`<th scope="row" class="${side(i)}">${value}</th>`
      : html`<td class="${side(i)}">${value}</td>`;
  return scrolling(
    caption,
    html`<table><caption>${caption}</caption><thead><tr>${columns.map(
      (one, i) => html`<th scope="col" class="${side(i)}">${one.title}</th>`,
    )}</tr></thead><tbody>${rows.map(row => html`<tr>${row.map(cell)}</tr>`)}</tbody></table>`,
  );
}
