// N cells, D numbers of each, P principal components.
import { measureStandardisation, standardise } from '../classifiers/standardised.ts';
import type { ImageSet } from '../engine/imageSet.ts';
import { findPrincipalAxes, type PrincipalAxes, projectOnAxes } from '../engine/pca.ts';
import { BrightcellError } from '../errors.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import type { Output } from './outputs.ts';

/** Cells by their most telling directions. */
export interface Reduced {
  /** N x P row major, the widest direction first. */
  values: Float32Array;
  /** P. */
  components: number;
  /** Share of the variance that the components keep, 0 to 1; 1 where nothing varies. */
  kept: number;
  /** Cells whose outputs decided on the directions: all, or as many as fit into memory. */
  fitted: number;
}

/** Most components: what t-SNE and UMAP are usually given. */
export const mostComponents = 50;
/** Numbers held at once: 512 MB. */
const mostNumbers = 2 ** 27;
/** Numbers read at once, of at most so many images: 8 MB, of which a few wait to be collected. */
const chunkNumbers = 2 ** 21;
const chunkImages = 256;

/** Memory for the numbers that are held at once, kept from output to output, so that no two are ever there. */
export class Workspace {
  #numbers: Float32Array = new Float32Array(0);

  /** What stood there is lost. Throws `memory-full`. */
  take(count: number): Float32Array {
    if (this.#numbers.length < count) {
      this.#numbers = new Float32Array(0);
      this.#numbers = allocate(count);
    }
    return this.#numbers.subarray(0, count);
  }
}

function allocate(count: number): Float32Array {
  try {
    return new Float32Array(count);
  } catch (cause) {
    const message = `There must be memory for ${Math.ceil((4 * count) / 2 ** 20)} MB of outputs. None was left. Use fewer cells.`;
    throw new BrightcellError('memory-full', message, { cause });
  }
}

/**
 * An output of N cells by its first principal components, 50 at most. Where N D numbers take more than 512 MB, the
 * components are those of as many cells, spread evenly, as fit, and all cells are read once more, a part at a time.
 * Measurements in different units are standardised first. Throws `vectors-invalid` for numbers that are not finite,
 * `memory-full`, `cancelled`.
 */
export async function reduceOutput(
  output: Output,
  images: ImageSet,
  rows: Int32Array,
  job: Job = {},
  workspace: Workspace = new Workspace(),
): Promise<Reduced> {
  const D = output.dimensions;
  const sample = spread(rows, Math.max(2, Math.floor(mostNumbers / D)));
  const values = workspace.take(sample.length * D);
  await readParts(output, images, sample, job, (part, at) => values.set(part, at * D));
  refuseInfinite(values, D, output.name);
  const units = output.hasUnits ? measureStandardisation(values, D) : undefined;
  if (units) standardise(values, units);
  const axes = await findPrincipalAxes(values, D, Math.min(mostComponents, D, sample.length), job);
  const kept = axes.total > 0 ? Math.min(1, axes.variances.reduce((sum, one) => sum + one) / axes.total) : 1;
  const components = axes.variances.length;
  if (sample === rows) {
    const centred = { ...axes, mean: new Float32Array(D) }; // finding the axes has centred them
    return { values: await projectOnAxes(values, centred), components, kept, fitted: rows.length };
  }
  const all = new Float32Array(rows.length * components);
  await readParts(output, images, rows, job, async (part, at) => {
    refuseInfinite(part, D, output.name);
    if (units) standardise(part, units);
    all.set(await projectOnAxes(part, axes as PrincipalAxes), at * components);
  });
  return { values: all, components, kept, fitted: sample.length };
}

/** At most so many of the rows, spread evenly; the rows themselves where there are no more. */
export function spread(rows: Int32Array, most: number): Int32Array {
  if (rows.length <= most) return rows;
  return Int32Array.from({ length: most }, (_, i) => rows[Math.floor(((i + 0.5) * rows.length) / most)]!);
}

async function readParts(
  output: Output,
  images: ImageSet,
  rows: Int32Array,
  job: Job,
  take: (part: Float32Array, at: number) => void | Promise<void>,
): Promise<void> {
  const step = Math.max(1, Math.min(chunkImages, Math.floor(chunkNumbers / output.dimensions)));
  for (let at = 0; at < rows.length; at += step) {
    throwIfCancelled(job);
    const part = rows.subarray(at, at + step);
    await take(await output.read(images, part, { signal: job.signal }), at);
    const done = at + part.length;
    job.onProgress?.({ stage: `reading ${output.name}`, done, total: rows.length, unit: 'cells' });
  }
}

/** Zero times what is not finite is not a number. */
function refuseInfinite(values: Float32Array, D: number, name: string): void {
  let sum = 0;
  for (const value of values) sum += 0 * value;
  if (sum === 0) return;
  const wrong = values.findIndex(value => !Number.isFinite(value));
  throw new BrightcellError(
    'vectors-invalid',
    `Every number that ${name} gives must be finite. Number ${wrong % D} of a cell is ${values[wrong]}. ` +
      'The model may have diverged; train it again.',
  );
}
