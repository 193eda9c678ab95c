import fc from 'fast-check';
import { parseHTML } from 'linkedom';
import { expect, test } from 'vitest';
import { escapeText, Html, html } from '../../src/report/html.ts';

test('values are escaped in text and in attributes; pieces of a page and lists of them are not', () => {
  const name = `<b>"A" & 'B'</b>`;
  expect(html`<p title="${name}">${name}</p>`.text).toBe(
    '<p title="&lt;b&gt;&quot;A&quot; &amp; &#39;B&#39;&lt;/b&gt;">&lt;b&gt;&quot;A&quot; &amp; &#39;B&#39;&lt;/b&gt;</p>',
  );
  expect(html`${[html`<i>${1}</i>`, new Html('<u></u>'), null, false, undefined, 0]}`.text).toBe(
    '<i>1</i><u></u>0',
  );
});

test('whatever a name holds, a page gives it back as text and has no other element for it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), name => {
      const { document } = parseHTML(html`<main><p title="${name}">${name}</p></main>`.text);
      const main = document.querySelector('main')!;
      expect(main.querySelectorAll('*').length).toBe(1);
      expect(main.textContent).toBe(name);
    }),
  );
  expect(escapeText('</script><script>')).not.toContain('<');
});
