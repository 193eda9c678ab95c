import { drawFigure, type Figure, makeSeries, type Series } from '../figures/figure.ts';
import type { DrawnFigure } from '../figures/imageSheet.ts';
import type { EmbeddedLayer, Embedding, EmbedMethod } from './embed.ts';
import { drawCloud } from './pointCloud.ts';

const methodNames: Record<EmbedMethod, string> = { tsne: 't-SNE', umap: 'UMAP', pca: 'PCA' };
/** Groups with a colour of their own; the others share one. */
const mostGroups = 14;

/**
 * The figures of an embedding: `classes`, a picture of every layer with classes in colour; `groups`, the same with
 * groups, where there are several; `separability`, a curve over the layers, where there are several.
 */
export async function drawEmbedding(embedding: Embedding): Promise<DrawnFigure[]> {
  const { classes, cells, layers } = embedding;
  const drawn = [
    await drawSheet(embedding, 'classes', makeSeries(classes), cells.label, [
      'Colours are the true classes.',
    ]),
  ];
  const groups = groupSeries(cells.group);
  if (groups)
    drawn.push(await drawSheet(embedding, 'groups', groups.series, groups.of, ['Colours are the groups.']));
  if (layers.length > 1) drawn.push(await drawSeparability(embedding));
  return drawn;
}

function groupSeries(group: readonly (string | null)[]): { series: Series[]; of: Int32Array } | undefined {
  const counts = new Map<string, number>();
  for (const one of group) counts.set(one ?? 'no group', (counts.get(one ?? 'no group') ?? 0) + 1);
  if (counts.size < 2) return undefined;
  const order = (a: string, b: string) => a.localeCompare(b, 'en', { numeric: true });
  const byCount = [...counts].sort(([a, m], [b, n]) => n - m || order(a, b)).map(([name]) => name);
  const shown = byCount.slice(0, counts.size > mostGroups ? mostGroups - 1 : mostGroups).sort(order);
  const names = counts.size > shown.length ? [...shown, `${counts.size - shown.length} other groups`] : shown;
  const place = new Map(shown.map((name, i) => [name, i]));
  return {
    series: makeSeries(names),
    of: Int32Array.from(group, one => place.get(one ?? 'no group') ?? names.length - 1),
  };
}

/** Pixels that a letter of a picture's title takes, on average. */
const boldLetter = 8;

async function drawSheet(
  { method, layers, cells, settings, trustNeighbours }: Embedding,
  name: string,
  series: Series[],
  of: Int32Array,
  notes: string[],
): Promise<DrawnFigure> {
  const alone = layers.length === 1;
  // No title reaches into the next picture.
  const side = alone ? 560 : Math.max(270, ...layers.map(layer => boldLetter * describe(layer).length));
  const clouds = layers.map(layer =>
    drawCloud({ title: describe(layer), coordinates: layer.coordinates, series: of, side }, series),
  );
  const N = cells.id.length.toLocaleString('en-US');
  const what = alone ? `What ${layers[0]!.name} gives` : 'What each layer gives';
  const title = `${what}, by ${methodNames[method]}: ${N} cells${name === 'groups' ? ' by group' : ''}`;
  const figure: Figure = {
    title,
    series,
    panels: await Promise.all(clouds),
    columns: alone ? 1 : Math.min(4, Math.ceil(Math.sqrt(layers.length * 1.4))),
    notes: [
      ...notes,
      describeMethod(method, settings),
      `Probe: share of cells that a linear classifier names rightly, cross-validated, on at most 50 principal components. Trust: trustworthiness of the picture, ${trustNeighbours} neighbours.`,
    ],
  };
  return { name, title, svg: await drawFigure(figure) };
}

function describe({ name, probe, trustworthiness }: EmbeddedLayer): string {
  const scores = [probe ? `probe ${probe.accuracy.toFixed(3)}` : '', `trust ${trustworthiness.toFixed(3)}`];
  return `${name}: ${scores.filter(Boolean).join(', ')}`;
}

function describeMethod(method: EmbedMethod, settings: Embedding['settings']): string {
  const near = 'Distances within a picture mean little beyond which cells are near; axes have no unit.';
  if (method === 'tsne') return `Perplexity ${Number(settings.perplexity).toPrecision(3)}. ${near}`;
  if (method === 'umap')
    return `${settings.neighbours} neighbours, minimum distance ${settings.minimumDistance}. ${near}`;
  return 'The first two principal components, on one scale in both directions.';
}

async function drawSeparability({ layers, cells }: Embedding): Promise<DrawnFigure> {
  const names = ['linear probe', 'silhouette', 'trustworthiness of the picture'];
  const points = layers.flatMap(({ name, probe, silhouette, trustworthiness }) =>
    [probe?.accuracy, silhouette, trustworthiness].flatMap((value, s) =>
      value === null || value === undefined ? [] : [{ layer: name, score: names[s]!, value }],
    ),
  );
  const title = 'How well each layer tells the classes apart';
  const domain = layers.map(one => one.name);
  const lowest = Math.min(0, ...points.map(one => one.value));
  const figure: Figure = {
    title,
    series: makeSeries(names),
    columns: 1,
    panels: [
      {
        title: '',
        width: Math.max(560, 110 + 74 * layers.length),
        height: 360,
        options: plot => ({
          ...{ marginLeft: 56, marginTop: 24, marginBottom: layers.length > 8 ? 96 : 48, marginRight: 24 },
          x: { type: 'point', domain, label: null, tickRotate: layers.length > 8 ? -45 : 0 },
          y: { label: 'score', domain: [Math.floor(lowest * 10) / 10, 1], grid: true },
          marks: [
            plot.ruleY([0], { stroke: '#999' }),
            plot.lineY(points, { x: 'layer', y: 'value', z: 'score', stroke: 'score', strokeWidth: 2 }),
            plot.dot(points, { x: 'layer', y: 'value', fill: 'score', symbol: 'score', r: 4.5 }),
          ],
        }),
      },
    ],
    notes: [
      `${cells.id.length.toLocaleString('en-US')} cells; layers in their order, input first.`,
      'Linear probe: share of held-out cells that a linear classifier names rightly (five folds). Silhouette: -1 to 1, how much nearer cells are to their own class than to the next. Both on at most 50 principal components.',
    ],
  };
  return { name: 'separability', title, svg: await drawFigure(figure) };
}
