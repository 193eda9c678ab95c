// N cells, K classes.
import type { LoadedClassifier } from '../classifiers/classifier.ts';
import { vectorShape } from '../classifiers/makeVectors.ts';
import type { Dataset } from '../dataset/dataset.ts';
import { embedTsne, embedUmap, neighboursOfPerplexity, weighNeighbours } from '../engine/embedding.ts';
import { ImageSet } from '../engine/imageSet.ts';
import { BrightcellError } from '../errors.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { type CellSample, drawCells, type EmbeddedCells } from './embedSample.ts';
import { chooseOutputs, type Output } from './outputs.ts';
import { type Reduced, reduceOutput, spread, Workspace } from './reduce.ts';
import { measureSilhouette, measureTrustworthiness, type ProbeScore, probeLinearly } from './separability.ts';

export const embedMethods = ['tsne', 'umap', 'pca'] as const;
export type EmbedMethod = (typeof embedMethods)[number];

export interface EmbedOptions extends CellSample {
  /**
   * Names ("conv2") or places ("4") of layers; `steps`, the default: what each layer with weights is given, and what
   * the last one gives; `all`.
   */
  layers?: 'all' | 'steps' | readonly string[];
  /** `tsne` by default. */
  method?: EmbedMethod;
  /** Of t-SNE; 30 by default, a third of the other cells where they are few. */
  perplexity?: number;
  /** Of t-SNE; 1000 by default. */
  iterations?: number;
  /** Of UMAP; 15 by default, the cell itself counted. */
  neighbours?: number;
  /** Of UMAP; 0.1 by default. */
  minimumDistance?: number;
}

/** One layer's picture and what it is worth. */
export interface EmbeddedLayer {
  name: string;
  /** [C, H, W] of what the layer gives. */
  shape: readonly number[];
  /** Numbers a cell, and the principal components that they were reduced to. */
  dimensions: number;
  components: number;
  /** Share of the variance that the components keep. */
  varianceKept: number;
  /** Cells that decided on the components. */
  componentCells: number;
  /** N x 2. */
  coordinates: Float32Array;
  /** Kullback-Leibler divergence in nats, of t-SNE; otherwise null. */
  divergence: number | null;
  /** How well classes are told apart in the components, before they are drawn. */
  probe: ProbeScore | null;
  silhouette: number | null;
  /** Of the picture, from 0 to 1, on neighbourhoods of `trustNeighbours`. */
  trustworthiness: number;
}

export interface Embedding {
  method: EmbedMethod;
  /** Complete, with what was chosen for the options that were left away. */
  settings: Record<string, number | string | null>;
  classes: readonly string[];
  cells: EmbeddedCells;
  layers: EmbeddedLayer[];
  /** Neighbours of the trustworthiness. */
  trustNeighbours: number;
  /** Cells that probe and silhouette, and the trustworthiness, were measured on. */
  scoredCells: number;
  trustedCells: number;
  warnings: string[];
}

/** Cells that scores are measured on at most; larger samples change the third digit. */
const mostScored = 5000;
const mostTrusted = 2000;
const usualTrust = 12;

/**
 * Draws cells of a data set, takes what a classifier makes of them at some or all of its layers, and reduces each to
 * two dimensions: first to 50 principal components, then by t-SNE, UMAP or no further. Beside each picture it
 * measures how well classes are told apart there. The same bits on any number of threads. Memory: 512 MB of outputs, once
 * for all layers, what the classifier takes for 256 images, and about 500 N bytes (t-SNE: 2,200 N). Throws `option-invalid` for a layer or a setting that cannot be, `source-invalid`
 * where no cells are left or fewer than ten, `model-mismatch`, `vectors-invalid`, `memory-full`, `cancelled`.
 */
export async function embedCells(
  classifier: LoadedClassifier,
  dataset: Dataset,
  options: EmbedOptions = {},
  job: Job = {},
): Promise<Embedding> {
  const outputs = chooseOutputs(classifier, options.layers ?? 'steps');
  const cells = await drawCells(classifier, dataset, options);
  const N = cells.id.length;
  const settings = completeSettings(options, N);
  const predicted = await predictCells(classifier, dataset, cells.id, job);
  const layers: EmbeddedLayer[] = [];
  const workspace = new Workspace();
  for (const [i, output] of outputs.entries()) {
    const about = outputs.length > 1 ? `${output.name} (${i + 1} of ${outputs.length})` : output.name;
    layers.push(
      await embedLayer(
        { output, dataset, cells, K: classifier.classes.length, workspace },
        settings,
        naming(job, about),
      ),
    );
  }
  const few = layers.filter(one => one.componentCells < N);
  return {
    ...{ method: settings.method, settings: { ...settings }, classes: classifier.classes },
    ...{ cells: { ...cells, predicted }, layers, trustNeighbours: trustOf(N) },
    ...{ scoredCells: Math.min(N, mostScored), trustedCells: Math.min(N, mostTrusted) },
    warnings: few.map(
      one =>
        `The components of ${one.name} are those of ${one.componentCells} cells: all do not fit into memory.`,
    ),
  };
}

interface Settings {
  method: EmbedMethod;
  perplexity: number | null;
  iterations: number | null;
  neighbours: number | null;
  minimumDistance: number | null;
  cells: number;
  seed: number;
}

function completeSettings(options: EmbedOptions, N: number): Settings {
  const { method = 'tsne', seed = 0 } = options;
  if (!embedMethods.includes(method))
    throw invalid(`method must be one of ${embedMethods.join(', ')}. Received ${method}.`);
  refuseForeign(method, options);
  const { perplexity = Math.min(30, (N - 1) / 3), iterations = 1000 } = options;
  if (!(perplexity >= 1 && perplexity <= N - 1))
    throw invalid(`perplexity must be from 1 to ${N - 1}, the other cells. Received ${perplexity}.`);
  const { neighbours = Math.min(15, N), minimumDistance = 0.1 } = options;
  if (!Number.isInteger(neighbours) || neighbours < 2 || neighbours > N)
    throw invalid(`neighbours must be a whole number from 2 to ${N}, the cells. Received ${neighbours}.`);
  return {
    ...{ method, cells: N, seed },
    perplexity: method === 'tsne' ? perplexity : null,
    iterations: method === 'tsne' ? iterations : null,
    neighbours: method === 'umap' ? neighbours : null,
    minimumDistance: method === 'umap' ? minimumDistance : null,
  };
}

const owners = {
  perplexity: 'tsne',
  iterations: 'tsne',
  neighbours: 'umap',
  minimumDistance: 'umap',
} as const;

function refuseForeign(method: EmbedMethod, options: EmbedOptions): void {
  for (const [name, owner] of Object.entries(owners) as [keyof typeof owners, EmbedMethod][])
    if (options[name] !== undefined && owner !== method)
      throw invalid(`${name} is a setting of ${owner}. Received it with ${method}; leave it away.`);
}

async function predictCells(
  classifier: LoadedClassifier,
  dataset: Dataset,
  ids: Int32Array,
  job: Job,
): Promise<Int32Array> {
  const K = classifier.classes.length;
  const predicted = new Int32Array(ids.length);
  const chunk = 4096;
  for (let at = 0; at < ids.length; at += chunk) {
    throwIfCancelled(job);
    const part = ids.subarray(at, at + chunk);
    const probabilities = await classifier.predict(dataset.images(), part, { signal: job.signal });
    for (let i = 0; i < part.length; i++) {
      const own = probabilities.subarray(i * K, (i + 1) * K);
      predicted[at + i] = own.reduce((best, value, k) => (value > own[best]! ? k : best), 0);
    }
    job.onProgress?.({ stage: 'classifying', done: at + part.length, total: ids.length, unit: 'cells' });
  }
  return predicted;
}

interface Subject {
  output: Output;
  dataset: Dataset;
  cells: Omit<EmbeddedCells, 'predicted'>;
  K: number;
  workspace: Workspace;
}

async function embedLayer(
  { output, dataset, cells, K, workspace }: Subject,
  settings: Settings,
  job: Job,
): Promise<EmbeddedLayer> {
  const reduced = await reduceOutput(output, dataset.images(), cells.id, job, workspace);
  const picture = await drawPoints(reduced, settings, job);
  throwIfCancelled(job);
  job.onProgress?.({ stage: 'scoring', done: 0, total: 1, unit: 'layers' });
  return {
    ...{ name: output.name, shape: output.shape, dimensions: output.dimensions },
    ...{ components: reduced.components, varianceKept: reduced.kept, componentCells: reduced.fitted },
    ...picture,
    ...(await scoreLayer(reduced, cells.label, K, settings.seed, job)),
    trustworthiness: await trustIn(reduced, picture.coordinates, job),
  };
}

/** Two dimensions of a layer's components: the first two, or a picture that starts with them. */
async function drawPoints(
  { values, components }: Reduced,
  settings: Settings,
  job: Job,
): Promise<Pick<EmbeddedLayer, 'coordinates' | 'divergence'>> {
  const N = values.length / components;
  const start = Float32Array.from({ length: 2 * N }, (_, i) =>
    i % 2 < components ? values[Math.floor(i / 2) * components + (i % 2)]! : 0,
  );
  if (settings.method === 'pca') return { coordinates: start, divergence: null };
  const set = ImageSet.from(values, vectorShape(components));
  try {
    if (settings.method === 'umap') {
      const { neighbours, minimumDistance, seed } = settings;
      const weighed = await weighNeighbours(set, neighbours! - 1, null, job);
      const own = { minimumDistance: minimumDistance!, seed };
      return { coordinates: await embedUmap(weighed, start, own, job), divergence: null };
    }
    const { perplexity, iterations } = settings;
    const weighed = await weighNeighbours(set, neighboursOfPerplexity(perplexity!, N), perplexity, job);
    return await embedTsne(weighed, start, { iterations: iterations! }, job);
  } finally {
    set.close();
  }
}

async function scoreLayer(
  { values, components: P }: Reduced,
  label: Int32Array,
  K: number,
  seed: number,
  job: Job,
): Promise<Pick<EmbeddedLayer, 'probe' | 'silhouette'>> {
  const rows = spread(Int32Array.from(label.keys()), mostScored);
  const labels = rows.map(row => label[row]!);
  const scored = new Float32Array(rows.length * P);
  for (const [i, row] of rows.entries()) scored.set(values.subarray(row * P, (row + 1) * P), i * P);
  const quiet = { signal: job.signal };
  return {
    probe: await probeLinearly(scored, P, labels, K, { seed }, quiet),
    silhouette: await measureSilhouette(scored, P, labels, K, quiet),
  };
}

async function trustIn({ values, components }: Reduced, picture: Float32Array, job: Job): Promise<number> {
  const N = picture.length / 2;
  const rows = spread(
    Int32Array.from({ length: N }, (_, i) => i),
    mostTrusted,
  );
  return measureTrustworthiness(values, components, picture, trustOf(N), rows, { signal: job.signal });
}

/** Less than half of the cells, as the measure asks. */
function trustOf(N: number): number {
  return Math.min(usualTrust, Math.floor((N - 1) / 2));
}

function naming({ signal, onProgress }: Job, layer: string): Job {
  return { signal, onProgress: progress => onProgress?.({ ...progress, note: layer }) };
}

function invalid(message: string): BrightcellError {
  return new BrightcellError('option-invalid', message);
}
