import type { ImageSet } from '../engine/imageSet.ts';
import { BrightcellError } from '../errors.ts';
import type { Job } from '../job.ts';
import { createPixels } from './pixels.ts';
import type { MadeVectors, StoredImages, VectorSource } from './source.ts';
import {
  createStandardised,
  loadStandardisation,
  measureStandardisation,
  standardise,
} from './standardised.ts';

/** What a saved source says of itself. */
interface SourceDescription {
  name: string;
  [field: string]: unknown;
}

/** A kind of vector source: how it is made new and how it is read from a model folder. */
interface SourceKind {
  create(argument: string | undefined, stored: StoredImages): Promise<VectorSource>;
  load(folder: string, description: SourceDescription, stored: StoredImages): Promise<VectorSource>;
}

const kinds: Record<string, SourceKind> = {
  pixels: {
    create: async (_argument, stored) => createPixels(stored),
    load: async (_folder, _description, stored) => createPixels(stored),
  },
  features: {
    create: async (_argument, stored) => (await import('./features.ts')).createFeatures(stored),
    load: async (folder, description, stored) =>
      (await import('./features.ts')).loadFeatures(folder, description, stored),
  },
  embedding: {
    create: async (path, stored) => (await import('./embedding.ts')).createEmbedding(path!, stored),
    load: async (folder, _description, stored) =>
      (await import('./embedding.ts')).openEmbedding(folder, stored),
  },
};

/** Names of sources as they stand before the "+" of a method's name, with what an argument is. */
export const sourceForms: readonly string[] = ['pixels', 'features', 'embedding:RUN'];

/** Whether a text names a source: its kind is known, and it has an argument where it needs one. */
export function isSource(text: string): boolean {
  return sourceForms.some(form => {
    const [kind, argument] = form.split(':');
    return argument === undefined
      ? text === kind
      : text.startsWith(`${kind}:`) && text.length > kind!.length + 1;
  });
}

/** A source by its text: 'pixels', 'features', 'embedding:runs/first'. Throws what making it throws. */
export async function createSource(text: string, stored: StoredImages): Promise<VectorSource> {
  const colon = text.indexOf(':');
  const kind = kinds[colon < 0 ? text : text.slice(0, colon)]!;
  return kind.create(colon < 0 ? undefined : text.slice(colon + 1), stored);
}

/**
 * Vectors of training images, standardised where their numbers have units and the learner needs it; and the source
 * that makes any other image's vector in the same way, which takes the given one over.
 */
export async function fitSource(
  source: VectorSource,
  needsStandardised: boolean,
  { images, rows }: { images: ImageSet; rows: Int32Array },
  job: Job,
): Promise<{ source: VectorSource; training: MadeVectors }> {
  const training = await source.vectors(images, rows, job);
  if (!needsStandardised || !source.hasUnits) return { source, training };
  const standardisation = measureStandardisation(training.values!, source.dimensions);
  standardise(training.values!, standardisation);
  return { source: createStandardised(source, standardisation), training };
}

/** Reads a source from the folder it was saved in; throws `model-corrupt`. */
export async function loadSource(
  folder: string,
  description: unknown,
  stored: StoredImages,
): Promise<VectorSource> {
  const known = description as SourceDescription | null;
  const name = known?.name;
  if (name === 'standardised') {
    const inner = known!.inner as SourceDescription | null;
    // Never within each other: a file cannot make this go on and on.
    if (inner?.name === 'standardised') throw unknown(folder, name);
    const source = await loadSource(folder, inner, stored);
    try {
      if (!source.hasUnits) throw unknown(folder, inner?.name);
      return createStandardised(source, await loadStandardisation(folder, source.dimensions));
    } catch (error) {
      source.dispose();
      throw error;
    }
  }
  if (typeof name !== 'string' || !Object.hasOwn(kinds, name)) throw unknown(folder, name);
  return kinds[name]!.load(folder, known!, stored);
}

function unknown(folder: string, name: unknown): BrightcellError {
  return new BrightcellError(
    'model-corrupt',
    `The vectors of the model in ${folder} must be of a known kind: ${Object.keys(kinds).join(', ')}. ` +
      `Received ${JSON.stringify(name)}. Update brightcell, or copy the model again from its source.`,
    { fields: { path: folder } },
  );
}
