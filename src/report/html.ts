/** A piece of a page, safe to put into it as it stands. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }
}

type Part = Html | string | number | null | undefined | false | readonly Part[];

/**
 * A piece of a page from a template: every value is escaped, in text as in quoted attributes, but for what is `Html`
 * already; lists are joined; null, undefined and false give nothing.
 */
export function html(strings: TemplateStringsArray, ...values: Part[]): Html {
  return new Html(strings.reduce((text, piece, i) => text + toText(values[i - 1]) + piece));
}

/** Text as it stands between tags or within a quoted attribute. */
export function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, letter => entities[letter]!);
}

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function toText(value: Part): string {
  if (value === null || value === undefined || value === false) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'object') return value.map(toText).join('');
  return escapeText(String(value));
}
