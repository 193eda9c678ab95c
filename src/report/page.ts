import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Html, html } from './html.ts';
import type { Section } from './section.ts';

export interface Page {
  title: string;
  /** Under the title: when and by what it was made. */
  byline: string;
  /** The question and the verdict, above the list of sections. */
  head: Html;
  sections: readonly Section[];
}

/**
 * The whole HTML document. Style and script stand in it; its Content-Security-Policy allows these two, by their hashes,
 * and images within the page, and nothing else: no network, no other script, whatever a name in the data holds.
 */
export async function formatPage({ title, byline, head, sections }: Page): Promise<string> {
  const style = await readPart('page.css');
  const script = await readPart('page.js');
  const policy = `default-src 'none'; img-src data:; style-src '${hashOf(style)}'; script-src '${hashOf(script)}'; base-uri 'none'; form-action 'none'`;
  const list = sections.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`);
  const bodies = sections.map(
    ({ id, title, body }) => html`<section aria-labelledby="${id}">
<h2 id="${id}">${title}</h2>
${body}</section>
`,
  );
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${new Html(style)}</style>
</head>
<body>
<a class="skip" href="#content">To the content</a>
<header>
<h1>${title}</h1>
<p class="byline">${byline}</p>
${head}
<nav aria-label="Sections"><ol>${list}</ol></nav>
</header>
<main id="content" tabindex="-1">
${bodies}</main>
<footer><p>Made by brightcell. This file holds all that it shows: it loads nothing and sends nothing.</p></footer>
<dialog id="cells-dialog"><button type="button" class="close">Close</button><div id="cells-content"></div></dialog>
<script>${new Html(script)}</script>
</body>
</html>
`.text;
}

/** A file of `page/`, which the build copies beside this one. */
async function readPart(name: string): Promise<string> {
  return readFile(new URL(`./page/${name}`, import.meta.url), 'utf8');
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
