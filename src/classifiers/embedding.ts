// N images, D numbers a vector.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { ImageSet } from '../engine/imageSet.ts';
import { Network } from '../engine/network.ts';
import { BrightcellError } from '../errors.ts';
import { type Job, throwIfCancelled } from '../job.ts';
import { corruptModel } from '../models/modelFiles.ts';
import { type ModelDescription, readModel, writeModelFiles } from '../models/modelFolder.ts';
import { vectorShape } from './makeVectors.ts';
import type { StoredImages, VectorSource } from './source.ts';

/**
 * What the last layer with weights of a trained network reads, from a run folder or a model folder. The classifier
 * keeps a copy of the network. Throws `model-missing`, `model-corrupt`, and `model-mismatch` where the network was
 * trained on images of another kind.
 */
export async function createEmbedding(path: string, stored: StoredImages): Promise<VectorSource> {
  const inner = join(path, 'model');
  return openEmbedding(existsSync(join(inner, 'network.json')) ? inner : path, stored);
}

/** The embedding of a network that stands in this folder. */
export async function openEmbedding(folder: string, stored: StoredImages): Promise<VectorSource> {
  const { description, weights } = await readModel(folder);
  const { preparation, pixelType } = description;
  if (!isDeepStrictEqual({ ...preparation }, { ...stored.preparation }) || pixelType !== stored.pixelType) {
    throw new BrightcellError(
      'model-mismatch',
      `The network of an embedding must be trained on images prepared as those that it embeds. ${folder} was trained on ` +
        `${preparation.height} x ${preparation.width} pixels of ${pixelType}, fit ${preparation.fit}; these are ` +
        `${stored.shape.height} x ${stored.shape.width} of ${stored.pixelType}, fit ${stored.preparation.fit}.`,
      { fields: { path: folder } },
    );
  }
  if (!isDeepStrictEqual({ ...description.network.input }, { ...stored.shape })) {
    throw corruptModel(join(folder, 'network.json'), 'its network takes other images than it was trained on');
  }
  const network = new Network(description.network, { seed: 0, initialiser: { name: 'heNormal' } });
  try {
    network.load(weights);
  } catch (error) {
    network.dispose();
    throw error;
  }
  return createSource(network, description);
}

/** Images embedded at once. */
const chunk = 1024;

function createSource(network: Network, description: ModelDescription): VectorSource {
  const D = network.embeddingSize;
  const { normalisation } = description;
  return {
    hasUnits: false,
    dimensions: D,
    usesSessions: normalisation === 'session',
    async vectors(images, rows, job = {}) {
      const values = await embedAll(network, { images, rows, normalisation }, job);
      const set = ImageSet.from(values, vectorShape(D));
      return { set, rows: Int32Array.from(rows.keys()), values, release: () => set.close() };
    },
    one: image => network.embedOne(image, normalisation),
    async save(folder) {
      await writeModelFiles(folder, description, network.weights());
      return { name: 'embedding' };
    },
    dispose: () => network.dispose(),
  };
}

async function embedAll(
  network: Network,
  { images, rows, normalisation }: Parameters<Network['embed']>[0],
  job: Job,
): Promise<Float32Array> {
  const D = network.embeddingSize;
  const values = new Float32Array(rows.length * D);
  for (let at = 0; at < rows.length; at += chunk) {
    throwIfCancelled(job);
    const part = rows.subarray(at, at + chunk);
    values.set(await network.embed({ images, rows: part, normalisation }), at * D);
    job.onProgress?.({ stage: 'embedding', done: at + part.length, total: rows.length, unit: 'images' });
  }
  return values;
}
