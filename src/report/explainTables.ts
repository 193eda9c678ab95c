import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { type Html, html } from './html.ts';
import { table } from './section.ts';
import { count, percent, score } from './words.ts';

/** Where each class is recognised: shares of the fall of its probability by where the mask lies. */
export async function occlusionTable(path: string): Promise<Html> {
  const read = await maybeParse(path, occlusionShape);
  if (!read) return html``;
  const regions = ['inside', 'edge', 'background'] as const;
  return table(
    `Where a class is recognised: share of the fall of its probability with the mask of ${read.settings.mask} x ${read.settings.mask} pixels inside the cell, on its edge, on the background`,
    [
      { title: 'Class' },
      { title: 'Cells', numeric: true },
      ...regions.map(name => ({ title: name, numeric: true })),
    ],
    read.perClass.map(one => [
      one.name,
      count(one.cells),
      ...regions.map(name => (one.regions[name].share === null ? '–' : percent(one.regions[name].share))),
    ]),
  );
}

const region = z.object({ share: z.number().nullable() });
const occlusionShape = z.object({
  settings: z.object({ mask: z.number() }),
  perClass: z.array(
    z.object({
      name: z.string(),
      cells: z.number(),
      regions: z.object({ inside: region, edge: region, background: region }),
    }),
  ),
});

/** How well each layer tells the classes apart, in numbers. */
export async function embedTable(path: string): Promise<Html> {
  const read = await maybeParse(path, embedShape);
  if (!read) return html``;
  return table(
    `How well each layer tells the classes apart, ${count(read.cells)} cells: share that a linear classifier names rightly when held out, silhouette (-1 to 1), trustworthiness of the picture (to 1)`,
    [
      { title: 'Layer' },
      { title: 'Numbers a cell', numeric: true },
      { title: 'Linear probe', numeric: true },
      { title: 'Silhouette', numeric: true },
      { title: 'Trustworthiness', numeric: true },
    ],
    read.layers.map(one => [
      one.name,
      one.shape.join(' x '),
      score(one.probe?.accuracy),
      score(one.silhouette),
      score(one.trustworthiness),
    ]),
  );
}

const embedShape = z.object({
  cells: z.number(),
  layers: z.array(
    z.object({
      name: z.string(),
      shape: z.array(z.number()),
      probe: z.object({ accuracy: z.number() }).nullish(),
      silhouette: z.number().nullish(),
      trustworthiness: z.number().nullish(),
    }),
  ),
});

/** Undefined for a file that is missing or of another form: the figures stand without the table. */
async function maybeParse<T>(path: string, shape: z.ZodType<T>): Promise<T | undefined> {
  try {
    return shape.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return undefined;
  }
}
